"""Models to measure with: made in a second, the same for the same seed."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from benchmarks.processes import answer_of

FEATURES: Final = 30
_ACTUAL = "actual"
_TRAINING_ROWS = 5_000


@dataclass(frozen=True, slots=True)
class Trained:
    """A model's file, and the Parquet file it was trained from."""

    model: Path
    training_data: Path

    def register(self, name: str, *, environment: Mapping[str, str]) -> None:
        """Make it version 1 of the model ``name``, and its champion, by the command line."""
        files = ("--model", str(self.model), "--training-data", str(self.training_data))
        answer_of("manage.py", "register", name, "1", *files, "--actual", _ACTUAL, "--json", environment=environment)
        answer_of("manage.py", "promote", name, "1", "--json", environment=environment)


def train(folder: Path, *, seed: int) -> Trained:
    """Train a logistic regression of 30 numeric features and write it to ``folder`` as ONNX.

    The cheapest model there is: beside it, what surrounds a model shows best.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq
    from skl2onnx import to_onnx
    from sklearn.linear_model import LogisticRegression

    random = np.random.default_rng(seed)
    rows = inputs(_TRAINING_ROWS, seed=seed)
    actuals = (rows @ random.normal(size=FEATURES) + random.normal(size=_TRAINING_ROWS) > 0.0).astype(np.int64)
    fitted = LogisticRegression().fit(rows, actuals)
    made = Trained(folder / "model.onnx", folder / "training.parquet")
    made.model.write_bytes(to_onnx(fitted, rows[:1].astype(np.float32), options={"zipmap": False}).SerializeToString())
    columns: dict[str, npt.NDArray[Any]] = {f"feature_{index:02}": rows[:, index] for index in range(FEATURES)}
    pq.write_table(pa.table({**columns, _ACTUAL: actuals}), made.training_data)
    return made


def inputs(rows: int, *, seed: int) -> npt.NDArray[np.float64]:
    """Return rows to score, of shape (rows, 30)."""
    return np.random.default_rng(seed).normal(size=(rows, FEATURES)).round(6)

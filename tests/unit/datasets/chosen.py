"""Chosen rows as an engine hands them over, and the plan that they were chosen by."""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pyarrow as pa

from shared.datasets.manifest import Plan
from shared.datasets.recipe import Recipe
from shared.registry.manifest import Task
from shared.schema import Feature, FeatureType, Output, Schema
from shared.sealing.tables.columns import TIME

MIDNIGHT: Final = datetime(2026, 3, 1, tzinfo=UTC)

SCHEMA: Final = Schema(
    features=(
        Feature(name="distance", type=FeatureType.FLOAT, nullable=True),
        Feature(name="seats", type=FeatureType.INTEGER, nullable=True),
        Feature(name="carrier", type=FeatureType.CATEGORY, categories=("AA", "DL")),
        Feature(name="night", type=FeatureType.BOOLEAN),
    ),
    outputs=(
        Output(name="late", type=FeatureType.INTEGER),
        Output(name="probability", type=FeatureType.FLOAT),
    ),
)

ARRIVING: Final = pa.schema(
    [
        ("_id", pa.string()),
        ("_external_id", pa.string()),
        ("_request_id", pa.string()),
        ("_at", TIME),
        ("_weight", pa.int32()),
        ("_ppm", pa.int64()),
        ("distance", pa.float64()),
        ("seats", pa.int64()),
        ("carrier", pa.string()),
        ("night", pa.bool_()),
        ("_actual", pa.float64()),
        ("_actual_at", TIME),
        ("prediction", pa.int64()),
        ("prediction.probability", pa.float64()),
    ]
)


def plan(**recipe: Any) -> Plan:  # noqa: ANN401 - whatever a recipe says
    return Plan(
        recipe=Recipe(model="flights", versions=("1",), start="2026-03-01T00", end="2026-03-08T00", **recipe),
        task=Task.CLASSIFICATION,
        schema=SCHEMA,
        actual="late",
        inputs=(),
        faults=(),
        baseline={},
        not_predictions={"failures": 2},
    )


def row(number: int, **values: object) -> dict[str, Any]:
    """A captured row: hour after hour, each asked alone."""
    at = MIDNIGHT + timedelta(hours=number)
    usual = {
        "_id": f"{number:08d}-0000-7000-8000-000000000000",
        "_external_id": f"flight {number}",
        "_request_id": f"request {number}",
        "_at": at,
        "_weight": 1,
        "_ppm": 1_000_000,
        "distance": 100.5 * number,
        "seats": None if number % 7 == 3 else number % 7,
        "carrier": ("AA", "DL")[number % 2],
        "night": number % 24 < 6,
        "_actual": float(number % 3 == 0),
        "_actual_at": at + timedelta(hours=5),
        "prediction": number % 2,
        "prediction.probability": 0.25,
    }
    return {**usual, **values}


def original(number: int, **values: object) -> dict[str, Any]:
    """A row of the original training data, which has no time."""
    nothing = dict.fromkeys(
        ("_external_id", "_request_id", "_at", "_actual_at", "prediction", "prediction.probability")
    )
    return {**row(number), **nothing, "_id": f"original-0123456789ab-{number:09d}", **values}


def table(rows: Sequence[dict[str, Any]]) -> pa.Table:
    return pa.Table.from_pylist(sorted(rows, key=lambda one: one["_id"]), ARRIVING)


def batches(rows: pa.Table, size: int = 3) -> Callable[[], Iterator[pa.RecordBatch]]:
    return lambda: iter(rows.to_batches(max_chunksize=size))

"""Rows to learn from, of versions whose schema is all that matters."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa

from shared.hours import Hour
from shared.registry.manifest import Lineage, Manifest, Source, Task
from shared.schema import Feature, FeatureType, Output, Schema
from shared.sealing.tables.columns import ARROW_TYPES, TIME

FIRST = Hour.parse("2026-03-01T09")
LINEAGE = Lineage(
    parent="1",
    start="2026-03-01T09",
    end="2026-03-02T09",
    trainer="train",
    trained_at=datetime(2026, 3, 2, 10, tzinfo=UTC),
)


def schema_of(*features: Feature, answer: FeatureType = FeatureType.INTEGER) -> Schema:
    return Schema(features=features, outputs=(Output(name="prediction", type=answer),))


def parent_of(schema: Schema, *, version: str = "1") -> Manifest:
    """Return a version of a classifier."""
    return Manifest(
        model="flights",
        version=version,
        task=Task.CLASSIFICATION,
        schema=schema,
        sources=(Source(tensor="label"),),
        flavour="onnx",
        files={},
        actual="late",
        training_data="0" * 64,
        training_rows=1,
        registered_at=datetime(2026, 1, 1, tzinfo=UTC),
    )


def matched_rows(parent: Manifest, columns: Mapping[str, Sequence[Any]], actual: pa.Array) -> pa.Table:
    """Return rows as they are once their actuals have been found, one a second."""
    types = {feature.name: ARROW_TYPES[feature.type] for feature in parent.schema.features}
    ats = [FIRST.start + timedelta(seconds=row) for row in range(len(actual))]
    return pa.table(
        {
            "_id": [f"{row:06}" for row in range(len(actual))],
            **{name: pa.array(values, types[name]) for name, values in columns.items()},
            "_at": pa.array(ats, TIME),
            "_actual": actual,
        }
    )

"""Rows to learn from, of versions whose schema is all that matters."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa

from shared.datasets.manifest import DatasetManifest
from shared.datasets.recipe import Recipe
from shared.hours import Hour
from shared.registry.manifest import Lineage, Manifest, Source, Task
from shared.retraining.training_set import TrainingSet, training_set
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


def rows_of(
    parent: Manifest,
    columns: Mapping[str, Sequence[Any]],
    actual: Sequence[Any],
    *,
    weights: Sequence[int] | None = None,
) -> pa.Table:
    """Return rows as a dataset's parts have them, one a second, with the columns of a training set."""
    types = {feature.name: ARROW_TYPES[feature.type] for feature in parent.schema.features}
    ats = [FIRST.start + timedelta(seconds=row) for row in range(len(actual))]
    return pa.table(
        {
            "_id": [f"{row:06}" for row in range(len(actual))],
            "_at": pa.array(ats, TIME),
            **{name: pa.array(values, types[name]) for name, values in columns.items()},
            parent.actual: pa.array(actual, ARROW_TYPES[parent.schema.outputs[0].type]),
            "_weight": pa.array(weights or [1_000_000] * len(actual), pa.int64()),
        }
    )


def dataset_of(parent: Manifest, *, masked: Mapping[str, str] | None = None) -> DatasetManifest:
    """Return the manifest of a dataset with a parent's features."""
    names = tuple(feature.name for feature in parent.schema.features)
    return DatasetManifest(
        model=parent.model,
        dataset="ab" * 32,
        build="cd" * 32,
        recipe=Recipe(model=parent.model, versions=("1",), start=FIRST.key, end=LINEAGE.end, features=names),
        task=parent.task,
        schema=parent.schema,
        masked=dict(masked or {}),
        actual=parent.actual,
        inputs=(),
        rows_in=10,
        excluded={"no_actual": 2},
        not_predictions={},
        rows={"train": 6, "test": 2},
        columns=(),
        checks=(),
        parts=(),
        engine={"name": "duckdb"},
        built_at=LINEAGE.trained_at,
    )


def set_of(parent: Manifest, train: pa.Table, held_out: pa.Table | None = None) -> TrainingSet:
    """Return a training set of a dataset with a parent's features."""
    return training_set(parent, dataset_of(parent), train, train.slice(0, 0) if held_out is None else held_out)

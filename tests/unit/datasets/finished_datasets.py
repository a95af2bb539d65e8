"""A dataset as it lies on a disk when it is to be checked, with nothing wrong with it unless a test sees to that."""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from shared.datasets.files import DatasetFiles
from shared.datasets.manifest import TEST, TRAIN, DatasetManifest, Part
from shared.datasets.recipe import Recipe, Split
from shared.registry.manifest import Task
from shared.schema import Feature, FeatureType, Output, Schema
from shared.sealing.tables.columns import TIME

AS_OF = datetime(2026, 3, 8, tzinfo=UTC)
RECIPE = Recipe(model="flights", as_of=AS_OF, split=Split(test=0.2))
SCHEMA = Schema(
    features=(
        Feature(name="distance", type=FeatureType.FLOAT),
        Feature(name="stops", type=FeatureType.INTEGER, nullable=True),
        Feature(name="carrier", type=FeatureType.CATEGORY, categories=("AA", "DL", "UA")),
    ),
    outputs=(Output(name="late", type=FeatureType.INTEGER),),
)
_BEGIN = datetime(2026, 3, 1, tzinfo=UTC)
_SYSTEM = {
    "_id": pa.string(),
    "_external_id": pa.string(),
    "_request_id": pa.string(),
    "_at": TIME,
    "_split": pa.string(),
    "_weight": pa.int64(),
}


def rows(split: str, count: int, *, seed: int = 0, **columns: Any) -> pa.Table:  # noqa: ANN401 - whatever Arrow takes
    """Return rows whose actual depends a little on the distance; ``columns`` take the place of some, or come on top."""
    rng = np.random.default_rng([seed, *split.encode()])
    distance = rng.normal(size=count)
    late = (distance + rng.normal(size=count) > 0).astype(np.int64)
    ids = [f"{split}-{number:06}" for number in range(count)]
    made = {
        "_id": ids,
        "_external_id": [f"flight-{one}" for one in ids],
        "_request_id": [f"request-{one}" for one in ids],
        "_at": [_BEGIN + timedelta(seconds=number) for number in range(count)],
        "_split": [split] * count,
        "_weight": [1_000_000] * count,
        "distance": distance,
        "stops": rng.integers(0, 9, size=count),
        "carrier": rng.choice(["AA", "DL", "UA"], size=count),
        "late": late,
    }
    made |= {name: value for name, value in columns.items() if name in made}
    extra = {name: value for name, value in columns.items() if name not in made}
    order = [name for name in made if name != "late"] + list(extra) + ["late"]
    table = pa.table({name: (made | extra)[name] for name in order})
    return table.cast(pa.schema([(name, _SYSTEM.get(name, table.schema.field(name).type)) for name in order]))


def late(table: pa.Table) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Return the actuals of rows."""
    return np.array(table["late"].to_pylist())


def parts(folder: Path, tables: Mapping[str, pa.Table]) -> DatasetFiles:
    """Write each part as two files, so that nothing depends on there being one."""
    return DatasetFiles.of(folder, written(folder, tables))


def written(folder: Path, tables: Mapping[str, pa.Table]) -> tuple[Part, ...]:
    """Write each part as two files, and return what a manifest says of them."""
    found: list[Part] = []
    for split, table in tables.items():
        half = len(table) // 2
        for number, piece in enumerate((table.slice(0, half), table.slice(half))):
            path = folder / split / f"part-{number:05}.parquet"
            path.parent.mkdir(parents=True, exist_ok=True)
            pq.write_table(piece, path)
            data = path.read_bytes()
            found.append(
                Part(
                    file=f"{split}/{path.name}",
                    split=split,
                    sha256=hashlib.sha256(data).hexdigest(),
                    size_bytes=len(data),
                    rows=len(piece),
                )
            )
    return tuple(found)


def sound(folder: Path, *, train: int = 800, test: int = 200) -> DatasetFiles:
    """Return a dataset with nothing wrong."""
    return parts(folder, {TRAIN: rows(TRAIN, train), TEST: rows(TEST, test)})


def made(
    *more: Feature, recipe: Recipe = RECIPE, excluded: Mapping[str, int] | None = None, found: Sequence[Part] = ()
) -> DatasetManifest:
    """Return what the manifest of such a dataset says, with ``more`` features behind the others."""
    counts: dict[str, int] = {}
    for part in found:
        counts[part.split] = counts.get(part.split, 0) + part.rows
    return DatasetManifest(
        model="flights",
        dataset="ab" * 32,
        build="cd" * 32,
        recipe=recipe,
        task=Task.CLASSIFICATION,
        schema=Schema(features=(*SCHEMA.features, *more), outputs=SCHEMA.outputs),
        actual="late",
        inputs=(),
        rows_in=sum(counts.values()),
        excluded=dict(excluded or {}),
        not_predictions={},
        rows=counts,
        columns=(),
        checks=(),
        parts=tuple(found),
        engine={"name": "duckdb"},
        built_at=AS_OF,
    )

"""The files that drift is measured on: ``python -m benchmarks.columns FOLDER --rows N [--seed S]``.

Two Parquet files as pyarrow writes them by default, 40 numbers and 10 categories, one value in a hundred missing. Numbers
are of five kinds, and some have moved. In a process of its own: whoever starts the programs that are measured must be
small, since a process counts the memory of the one it came from.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from shared.schema import Feature, FeatureType, Output, Schema

NUMBERS: Final = 40
CATEGORIES: Final = 10
SIDES: Final = ("baseline", "current")

_MISSING = 0.01
_SHIFTS = (0.0, 0.0, 0.01, 0.05, 0.3)
_CATEGORY_SIZES = (3, 4, 5, 8, 12, 20, 50, 100, 200, 500)


def table(rows: int, *, seed: int, moved: bool) -> pa.Table:
    """Draw one side; ``moved`` is by how much the current rows differ."""
    rng = np.random.default_rng((seed, moved))
    columns: dict[str, pa.Array] = {}
    for place in range(NUMBERS):
        shift = _SHIFTS[place // 5 % 5] if moved else 0.0
        columns[f"number_{place}"] = pa.array(_number(rng, place % 5, rows, shift), mask=rng.random(rows) < _MISSING)
    for place, size in enumerate(_CATEGORY_SIZES):
        shares = 1 / np.arange(1, size + 1)
        shares[0] *= 1.02 if moved and place % 2 else 1.0
        indices = rng.choice(size, p=shares / shares.sum(), size=rows).astype(np.int32)
        names = pa.array([f"category {one}" for one in range(size)])
        drawn = pa.DictionaryArray.from_arrays(pa.array(indices, mask=rng.random(rows) < _MISSING), names)
        columns[f"category_{place}"] = drawn.cast(pa.string())
    return pa.table(columns)


def schema_of(rows: pa.Table) -> Schema:
    """Return the schema of drawn rows: what is called a category is one, and ``prediction`` is no feature."""
    kinds = {
        name: FeatureType.CATEGORY if name.startswith("category") else FeatureType.FLOAT
        for name in rows.column_names
        if name != "prediction"
    }
    features = (
        Feature(name=name, type=kind, nullable=True, categories=_known(rows, name, kind))
        for name, kind in kinds.items()
    )
    return Schema(features=tuple(features), outputs=(Output(name="score", type=FeatureType.FLOAT),))


def _known(rows: pa.Table, name: str, kind: FeatureType) -> tuple[str, ...] | None:
    if kind is not FeatureType.CATEGORY:
        return None
    return tuple(sorted(rows.column(name).drop_null().unique().to_pylist()))


def _number(rng: np.random.Generator, kind: int, rows: int, shift: float) -> NDArray[np.float64] | NDArray[np.int64]:
    match kind:
        case 0:
            return rng.normal(shift, size=rows)
        case 1:
            return rng.lognormal(shift, size=rows)
        case 2:
            return rng.poisson(4.0 + 2 * shift, size=rows)
        case 3:
            return np.round(rng.gamma(2.0, 10.0 * (1 + shift), size=rows), 2)
        case _:
            return (rng.normal(size=rows) + shift) * (rng.random(rows) < 0.5)


def main(arguments: Sequence[str] | None = None) -> None:
    """Write both files."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.columns", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rows", type=int, required=True)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args(arguments)
    for moved, side in enumerate(SIDES):
        pq.write_table(table(asked.rows, seed=asked.seed, moved=bool(moved)), asked.folder / f"{side}.parquet")
    print("{}")


if __name__ == "__main__":
    main()

"""Original training data stands among captured rows as if it had been captured."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from shared.datasets.manifest import Input, Use
from shared.datasets.mixing import mixed_in, wanted
from shared.datasets.recipe import Original, Sample, Split, SplitBy
from shared.errors import InvalidRecipe
from tests.unit.datasets import chosen

SHA256 = "ab" * 32
SHAPE = pa.schema([*chosen.ARRIVING, ("_group", pa.string()), ("_input", pa.string())])


def taken(folder: Path, rows: pa.Table, *, captured: int, share: float = 0.5, **recipe: Any) -> pa.Table:  # noqa: ANN401 - any field
    pq.write_table(rows, folder / "original.parquet", row_group_size=7)
    asked = chosen.plan(original=Original(sha256=SHA256, share=share), **recipe)
    plan = msgspec.structs.replace(
        asked,
        recipe=msgspec.structs.replace(asked.recipe, features=("distance", "seats", "carrier", "night")),
        time="day",
        inputs=(Input(use=Use.ORIGINAL, path="original", sha256=SHA256, size_bytes=0, rows=rows.num_rows),),
    )
    return pa.Table.from_batches(mixed_in(folder / "original.parquet", plan, SHAPE, captured=captured), SHAPE)


def training(rows: int, **columns: Any) -> pa.Table:  # noqa: ANN401 - any column
    made = {
        "distance": [float(row) for row in range(rows)],
        "seats": list(range(rows)),
        "carrier": pa.array(["AA"] * rows).dictionary_encode(),
        "night": [True] * rows,
        "late": [row % 2 == 0 for row in range(rows)],
        "day": ["2026-01-01T00:00:00Z"] * rows,
    }
    return pa.table({**made, **columns})


@pytest.mark.parametrize(("share", "captured", "rows"), [(0.5, 10, 10), (0.1, 90, 10), (0.2, 0, 0), (0.99, 1, 99)])
def test_a_share_is_of_the_whole(share: float, captured: int, rows: int) -> None:
    assert wanted(share, captured=captured) == rows


def test_rows_have_the_types_of_captured_ones_and_ids_of_their_own(tmp_path: Path) -> None:
    rows = taken(tmp_path, training(20), captured=20, split=Split(group="night", by=SplitBy.GROUP))

    assert rows.schema == SHAPE
    first = rows.to_pylist()[3]
    assert first["_id"] == f"original-{'ab' * 6}-000000003"
    assert (first["distance"], first["seats"], first["carrier"], first["_actual"]) == (3.0, 3, "AA", 0.0)
    assert (first["_weight"], first["_ppm"], first["_group"]) == (1, 10**6, "true")
    assert (first["_request_id"], first["prediction"]) == (None, None)
    assert first["_at"] == datetime(2026, 1, 1, tzinfo=UTC)


def test_the_same_seed_draws_the_same_rows_and_more_are_more_of_them(tmp_path: Path) -> None:
    some, more, other = (
        set(
            taken(tmp_path, training(50), captured=captured, sample=Sample(rows=100, seed=seed))
            .column("_id")
            .to_pylist()
        )
        for captured, seed in ((10, 0), (20, 0), (10, 1))
    )

    assert (len(some), len(more), len(other)) == (10, 20, 10)
    assert some < more
    assert some != other


def test_rows_without_an_actual_teach_nothing(tmp_path: Path) -> None:
    late = pa.array([None if row % 2 else 1 for row in range(10)], pa.int64())

    assert taken(tmp_path, training(10, late=late), captured=100).num_rows == 5


@pytest.mark.parametrize(
    ("column", "values"),
    [("seats", [0.5] * 3), ("distance", ["far"] * 3), ("late", ["never"] * 3), ("night", ["x"] * 3)],
)
def test_what_is_something_else_is_refused_by_its_column(tmp_path: Path, column: str, values: list[Any]) -> None:
    with pytest.raises(InvalidRecipe, match=f"^original: column {column} cannot be read as"):
        taken(tmp_path, training(3, **{column: values}), captured=3)

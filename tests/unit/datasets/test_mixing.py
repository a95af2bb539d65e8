"""Original training data stands among captured rows as if it had been captured."""

import hashlib
from datetime import UTC, date, datetime
from fractions import Fraction
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.datasets import weighing
from shared.datasets.manifest import Input, Use
from shared.datasets.mixing import draw, mean_weight, mixed_in, wanted
from shared.datasets.recipe import Original, Sample, Split, SplitBy
from shared.errors import InvalidRecipe
from tests.unit.datasets import chosen

MILLION = 10**6
SHA256 = "ab" * 32
SHAPE = pa.schema([*chosen.ARRIVING, ("_group", pa.string()), ("_input", pa.string())])


def taken(folder: Path, rows: pa.Table, *, captured: int, share: float = 0.5, **recipe: Any) -> pa.Table:  # noqa: ANN401 - any field
    return drawn(folder, rows, captured=captured, share=share, **recipe)[0]


def drawn(
    folder: Path,
    rows: pa.Table,
    *,
    captured: int,
    share: float = 0.5,
    weight: int = MILLION,
    **recipe: Any,  # noqa: ANN401 - any field
) -> tuple[pa.Table, dict[str, int]]:
    """Return the rows that are taken, and how many are not, by reason."""
    pq.write_table(rows, folder / "original.parquet", row_group_size=7)
    asked = chosen.plan(original=Original(sha256=SHA256, share=share), **recipe)
    plan = msgspec.structs.replace(
        asked,
        recipe=msgspec.structs.replace(asked.recipe, features=("distance", "seats", "carrier", "night")),
        time="day",
        inputs=(Input(use=Use.ORIGINAL, path="original", sha256=SHA256, size_bytes=0, rows=rows.num_rows),),
    )
    file = folder / "original.parquet"
    found = draw(file, plan, captured=captured)
    made = pa.Table.from_batches(mixed_in(file, plan, SHAPE, found, weight=weight), SHAPE)
    assert made.num_rows + sum(found.excluded.values()) == rows.num_rows
    return made, found.excluded


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


def test_they_are_drawn_by_the_hash_of_their_ids_as_captured_rows_are(tmp_path: Path) -> None:
    """By another way: all ids sorted by the text of the hash."""
    late = [None if row % 7 == 0 else 1 for row in range(200)]
    ids = [f"original-{'ab' * 6}-{row:09}" for row in range(200) if row % 7]

    rows = taken(tmp_path, training(200, late=pa.array(late, pa.int64())), captured=60, sample=Sample(rows=9, seed=3))

    smallest = sorted(ids, key=lambda one: hashlib.md5(f"3|{one}".encode()).hexdigest())[:60]
    assert rows.column("_id").to_pylist() == sorted(smallest)


@pytest.mark.parametrize(
    ("segments", "seats"),
    [
        ({"carrier": ("AA", "UA")}, [0, 2, 3, 5]),
        ({"night": (True,)}, [0, 1, 2]),
        ({"seats": ("2", "4", "9")}, [2, 4]),
        ({"carrier": ("DL",), "night": (False,)}, [4]),
    ],
)
def test_they_are_of_the_segments_that_captured_rows_are_of(
    tmp_path: Path, segments: dict[str, tuple[str | bool, ...]], seats: list[int]
) -> None:
    """What is unknown is of no segment."""
    carriers = pa.array(["AA", "DL", "UA", "AA", "DL", "UA", None]).dictionary_encode()
    nights = [True, True, True, False, False, False, None]

    rows, excluded = drawn(
        tmp_path,
        training(7, carrier=carriers, night=nights, seats=pa.array([*range(6), None], pa.float64())),
        captured=99,
        segments=segments,
    )

    assert rows.column("seats").to_pylist() == seats
    assert excluded == {"original_segment": 7 - len(seats)}


@pytest.mark.parametrize(
    "days",
    [
        [
            "2026-02-28T23:59:59.999999Z",
            "2026-03-01T00:00:00Z",
            "2026-03-01T00:30:00+01:00",
            "soon",
            None,
            "1912-04-14",
        ],
        pa.array(["2026-02-28T23:00", "2026-03-01", "2026-02-01", "2027-01-01", None, "1912-04-14"]).cast(
            pa.timestamp("us")
        ),
        pa.array([date(2026, 2, 28), date(2026, 3, 1), date(2026, 2, 1), date(2027, 1, 1), None, date(1912, 4, 14)]),
    ],
    ids=["texts", "times", "dates"],
)
def test_what_is_not_known_to_be_from_before_the_first_hour_is_left_out(tmp_path: Path, days: Any) -> None:  # noqa: ANN401 - any column
    """Captured rows tell of that time; a later one would tell training of what it is tested on."""
    rows, excluded = drawn(tmp_path, training(6, day=days), captured=99)

    assert rows.column("seats").to_pylist() == [0, 2, 5]
    assert excluded == {"original_not_before_start": 3}
    assert max(rows.column("_at").to_pylist()) < datetime(2026, 3, 1, tzinfo=UTC)


def test_a_row_is_left_out_for_one_reason(tmp_path: Path) -> None:
    rows, excluded = drawn(
        tmp_path,
        training(
            8,
            day=["2026-03-02T00:00Z"] + ["2026-02-01T00:00Z"] * 7,
            night=[False, False] + [True] * 6,
            late=pa.array([None, None, float("nan"), 1.0, 1.0, 1.0, 1.0, 1.0], pa.float64()),
        ),
        captured=3,
        segments={"night": (True,)},
    )

    assert rows.num_rows == 3
    assert excluded == {
        "original_not_before_start": 1,
        "original_segment": 1,
        "original_no_actual": 1,
        "original_sampled_out": 2,
    }


def test_whose_rows_they_are_is_kept_where_the_file_says_so(tmp_path: Path) -> None:
    """They stay together with captured ones of the same, and an erasure finds them."""
    whose = [f"order {row}" for row in range(5)]

    rows = taken(tmp_path, training(5, _external_id=whose), captured=99, split=Split(group="_external_id"))

    assert rows.column("_external_id").to_pylist() == rows.column("_group").to_pylist() == whose


WEIGHTS = st.lists(st.tuples(st.integers(1, 1_000), st.integers(MILLION, 10**15)), min_size=1, max_size=30)


@given(WEIGHTS, st.floats(0.01, 0.99))
def test_a_share_holds_by_rows_and_by_weight(captured: list[tuple[int, int]], share: float) -> None:
    """An original row weighs as much as a captured one does on average; the half of a millionth is what rounding takes."""
    weights, ppm = (pa.array(one) for one in zip(*captured, strict=True))
    batches = pa.table({"_weight": weights.cast(pa.int32()), "_ppm": ppm}).to_batches(max_chunksize=7)

    weight = mean_weight(batches)

    ours = [Fraction(a * b) for a, b in captured]
    assert weight == round(sum(ours) / len(ours))
    rows = wanted(share, captured=len(captured))
    by_rows = Fraction(rows, rows + len(captured))
    by_weight = Fraction(rows * weight) / (rows * weight + sum(ours))
    assert abs(by_weight - by_rows) <= Fraction(1, 2 * MILLION)
    one, million = np.array([1]), np.array([MILLION])
    assert weighing.product(one, np.array([weight]), million, million).tolist() == [weight]


def test_where_nothing_is_captured_a_row_weighs_one() -> None:
    assert mean_weight([]) == MILLION

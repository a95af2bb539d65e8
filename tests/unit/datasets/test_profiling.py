"""What is said of each column."""

import math
import statistics
from datetime import UTC, datetime, timedelta

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from shared.datasets.manifest import Column
from shared.datasets.profiling import ColumnProfiles
from shared.sealing.tables.columns import TIME


def profiled(kind: pa.DataType, values: list[object], *, pieces: int = 1) -> Column:
    schema = pa.schema([("x", kind)])
    profiles = ColumnProfiles(schema)
    rows = pa.table({"x": pa.array(values, kind)}, schema)
    size = max(1, math.ceil(len(values) / pieces))
    for start in range(0, len(values), size):
        profiles.add(rows.slice(start, size))
    (column,) = profiles.columns
    return column


def test_of_numbers_it_says_range_mean_and_what_is_missing() -> None:
    """NaN is no value; an infinity is one, and would leave no mean."""
    column = profiled(pa.float64(), [1.0, None, 2.5, math.nan, math.inf, -4.0])

    assert column == Column(name="x", type="double", missing=2, minimum="-4.0", maximum="inf", mean=-0.5 / 3)


def test_of_integers_it_is_exact() -> None:
    column = profiled(pa.int64(), [2**53 + 1, 2**63 - 1, None])

    assert (column.minimum, column.maximum) == (str(2**53 + 1), str(2**63 - 1))
    assert column.mean == float((2**53 + 2**63) // 2)


def test_of_times_it_says_the_first_and_the_last_in_utc() -> None:
    first = datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)

    column = profiled(TIME, [first + timedelta(days=1), first, None])

    assert column.type == "timestamp[us, tz=UTC]"
    assert (column.minimum, column.maximum) == ("1969-12-31T23:59:59.999999Z", "1970-01-01T23:59:59.999999Z")
    assert column.mean is None


def test_of_texts_and_booleans_it_says_how_many_there_are_and_none_of_them() -> None:
    """They may be of persons; a range would be two of them."""
    assert profiled(pa.string(), ["a", "b", "a", None]) == Column(name="x", type="string", missing=1, distinct=2)
    assert profiled(pa.bool_(), [True, True, None]) == Column(name="x", type="bool", missing=1, distinct=1)


def test_past_a_thousand_texts_are_not_counted() -> None:
    assert profiled(pa.string(), [str(number) for number in range(1_000)], pieces=7).distinct == 1_000
    assert profiled(pa.string(), [str(number) for number in range(1_001)], pieces=7).distinct is None
    assert profiled(pa.string(), [str(number % 1_001) for number in range(9_000)], pieces=3).distinct is None


@given(
    st.lists(st.none() | st.floats(allow_infinity=False, allow_nan=False), min_size=1, max_size=30), st.integers(1, 9)
)
def test_the_pieces_that_rows_come_in_change_nothing(values: list[float | None], pieces: int) -> None:
    column = profiled(pa.float64(), list(values), pieces=pieces)

    assert column == profiled(pa.float64(), list(values))
    known = [value for value in values if value is not None]
    assert column.mean == (statistics.mean(known) if known else None)


def test_of_a_column_without_a_value_nothing_is_said() -> None:
    assert profiled(pa.float64(), [None, math.nan]) == Column(name="x", type="double", missing=2)
    assert profiled(pa.int64(), []) == Column(name="x", type="int64", missing=0)

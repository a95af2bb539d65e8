"""Failures are counted by code and feature, and what is counted adds up."""

import hashlib
from collections import Counter

import msgspec
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.capture.records import Kind
from shared.sealing.accounting.examining import examine
from shared.sealing.hours.failures import FailureCount, added_up, counted
from shared.sealing.hours.generations import _Decoded, _file
from shared.sealing.hours.hour import Generation, write

rows = st.lists(
    st.tuples(
        st.sampled_from(["invalid_rows", "model_failed"]),
        st.sampled_from([None, "", "carrier"]),
        st.sampled_from([None, 1, 1_000, 2**31 - 1]),
    )
)
Rows = list[tuple[str, str | None, int | None]]


def table(rows: Rows) -> pa.Table:
    types = {"code": pa.string(), "feature": pa.string(), "rows": pa.int64()}
    return pa.table({name: pa.array([row[at] for row in rows], types[name]) for at, name in enumerate(types)})


def count(rows: Rows) -> tuple[FailureCount, ...]:
    return counted(table(rows))


@given(rows)
def test_every_row_is_counted_once_and_the_order_of_rows_is_not_seen(found: Rows) -> None:
    counts = count(found)

    requests, sizes = Counter[tuple[str, str | None]](), Counter[tuple[str, str | None]]()
    for code, feature, size in found:
        requests[code, feature] += 1
        sizes[code, feature] += 1 if size is None else size
    assert {(one.code, one.feature): one.requests for one in counts} == requests
    assert {(one.code, one.feature): one.rows for one in counts} == sizes
    assert count(found[::-1]) == counts


@given(rows, rows, rows)
def test_parts_add_up_to_the_whole_in_any_grouping_and_order(one: Rows, other: Rows, third: Rows) -> None:
    """A day is made of hours and those of generations: how they came must not change a byte."""
    whole = count(one + other + third)

    assert added_up([added_up([count(one), count(other)]), count(third)]) == whole
    assert added_up([count(third), added_up([count(other), count(one)])]) == whole


def test_what_was_sealed_before_rows_were_counted_has_one_for_each_request() -> None:
    """Its rows are not known, and its footer must still be that of its file when somebody verifies it."""
    before = b'[{"code": "invalid_rows", "feature": "carrier", "requests": 3}]'
    read = msgspec.json.decode(before, type=tuple[FailureCount, ...])
    now = count([("invalid_rows", "carrier", 1_000)])

    assert read == counted(table([("invalid_rows", "carrier", None)] * 3).drop_columns("rows"))
    assert added_up([read, now]) == (FailureCount(code="invalid_rows", feature="carrier", requests=4, rows=1_003),)


def test_with_a_part_that_was_not_counted_nobody_knows_the_sum() -> None:
    """Taken for none, an hour that was sealed earlier would hide its refusals."""
    assert added_up([count([("invalid_rows", None, None)]), None]) is None
    assert added_up([]) == ()


def decoded(kind: Kind, rows: Rows) -> _Decoded:
    return _Decoded(kind, (), table(rows), None, {}, ())


def test_what_predictions_have_under_the_same_names_is_not_counted() -> None:
    """Their columns are features, and a value of one has no place in a manifest."""
    rows: Rows = [("secret", "carrier", None)]

    assert _file(decoded(Kind.PREDICTION, rows), None)[1].failures is None
    assert _file(decoded(Kind.FAILURE, rows), None)[1].failures == count(rows)


def test_a_record_that_is_a_double_is_not_counted() -> None:
    rows: Rows = [("invalid_rows", "carrier", 7), ("invalid_rows", "carrier", 7), ("model_failed", None, None)]

    _, about, _ = _file(decoded(Kind.FAILURE, rows), np.array([True, False, True]))

    assert about.failures == count([rows[0], rows[2]])


@pytest.mark.parametrize(
    ("says", "told"),
    [
        ([("late", None, 7)], []),
        ([("late", "carrier", 7)], ["its rows failed in other ways than it says"]),
        ([("late", None, 8)], ["its rows failed in other ways than it says"]),
    ],
)
def test_a_count_that_is_not_that_of_the_rows_is_told(says: Rows, told: list[str]) -> None:
    """Nobody looks at the rows again but whoever verifies them."""
    rows, footer, _ = _file(decoded(Kind.FAILURE, [("late", None, 7)]), None)
    about = msgspec.structs.replace(footer, failures=count(says))
    data = write(rows, about)
    sha256 = hashlib.sha256(data).hexdigest()
    generation = Generation(
        number=0, rows_file="rows-0.parquet", size_bytes=len(data), sha256=sha256, profile=None, footer=about
    )

    assert examine(data, generation, None).problems == told

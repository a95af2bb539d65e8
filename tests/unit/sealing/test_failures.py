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

rows = st.lists(st.tuples(st.sampled_from(["invalid_rows", "model_failed"]), st.sampled_from([None, "", "carrier"])))
Rows = list[tuple[str, str | None]]


def table(rows: Rows) -> pa.Table:
    codes, features = [code for code, _ in rows], [feature for _, feature in rows]
    return pa.table({"code": pa.array(codes, pa.string()), "feature": pa.array(features, pa.string())})


def count(rows: Rows) -> tuple[FailureCount, ...]:
    return counted(table(rows))


@given(rows)
def test_every_row_is_counted_once_and_the_order_of_rows_is_not_seen(found: Rows) -> None:
    counts = count(found)

    assert Counter({(one.code, one.feature): one.requests for one in counts}) == Counter(found)
    assert count(found[::-1]) == counts


@given(rows, rows, rows)
def test_parts_add_up_to_the_whole_in_any_grouping_and_order(one: Rows, other: Rows, third: Rows) -> None:
    """A day is made of hours and those of generations: how they came must not change a byte."""
    whole = count(one + other + third)

    assert added_up([added_up([count(one), count(other)]), count(third)]) == whole
    assert added_up([count(third), added_up([count(other), count(one)])]) == whole


def test_with_a_part_that_was_not_counted_nobody_knows_the_sum() -> None:
    """Taken for none, an hour that was sealed earlier would hide its refusals."""
    assert added_up([count([("invalid_rows", None)]), None]) is None
    assert added_up([]) == ()


def decoded(kind: Kind, rows: Rows) -> _Decoded:
    return _Decoded(kind, (), table(rows), None, {}, ())


def test_what_predictions_have_under_the_same_names_is_not_counted() -> None:
    """Their columns are features, and a value of one has no place in a manifest."""
    rows: Rows = [("secret", "carrier")]

    assert _file(decoded(Kind.PREDICTION, rows), None)[1].failures is None
    assert _file(decoded(Kind.FAILURE, rows), None)[1].failures == count(rows)


def test_a_record_that_is_a_double_is_not_counted() -> None:
    rows: Rows = [("invalid_rows", "carrier"), ("invalid_rows", "carrier"), ("model_failed", None)]

    _, about, _ = _file(decoded(Kind.FAILURE, rows), np.array([True, False, True]))

    assert about.failures == count([rows[0], rows[2]])


@pytest.mark.parametrize(
    ("says", "told"), [([("late", None)], []), ([("late", "carrier")], ["its rows failed in other ways than it says"])]
)
def test_a_count_that_is_not_that_of_the_rows_is_told(says: Rows, told: list[str]) -> None:
    """Nobody looks at the rows again but whoever verifies them."""
    rows, footer, _ = _file(decoded(Kind.FAILURE, [("late", None)]), None)
    about = msgspec.structs.replace(footer, failures=count(says))
    data = write(rows, about)
    sha256 = hashlib.sha256(data).hexdigest()
    generation = Generation(
        number=0, rows_file="rows-0.parquet", size_bytes=len(data), sha256=sha256, profile=None, footer=about
    )

    assert examine(data, generation, None).problems == told

"""Which actual counts, and what the others are."""

import itertools
import random
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.actuals.columns import OF_ACTUALS
from shared.actuals.counting import Counts, added_up, counts_of, in_order
from shared.sealing.tables.columns import TIME

AT = datetime(2026, 3, 1, 9, tzinfo=UTC)
TOLD = st.tuples(
    st.integers(0, 3), st.integers(0, 5) | st.just(60 * 24 * 31), st.none() | st.integers(0, 2), st.integers(0, 1)
)
"""Which prediction, after how many minutes, at which place in the hub (imported: none), and what."""


def table(told: list[tuple[int, int, int | None, int]], *, of_texts: bool) -> pa.Table:
    rows = [
        {
            "_id": str(UUID(int=which + 1)),
            "_actual_id": str(UUID(int=number + 100)),
            "_actual_at": AT,
            "_actual_enqueued_at": AT + timedelta(minutes=minutes),
            "_actual_partition": place,
            "_actual_sequence": place,
            "_actual_index": place,
            "actual": str(value) if of_texts else float(value),
            "_at": AT,
        }
        for number, (which, minutes, place, value) in enumerate(told)
    ]
    value_type = pa.string() if of_texts else pa.float64()
    return pa.Table.from_pylist(
        rows, pa.schema([("_id", pa.string()), *OF_ACTUALS, ("actual", value_type), ("_at", TIME)])
    )


def plainly(told: list[tuple[int, int, int | None, int]]) -> dict[str, Any]:
    """Count one record after the other."""
    by_prediction: defaultdict[int, list[tuple[int, int, int, int]]] = defaultdict(list)
    for number, (which, minutes, place, value) in enumerate(told):
        by_prediction[which].append((minutes, -1 if place is None else place, number, value))
    ordered = [sorted(some) for some in by_prediction.values()]
    following = [(before[3], one[3]) for some in ordered for before, one in itertools.pairwise(some)]
    return {
        "joined": len(ordered),
        "duplicates": sum(before == one for before, one in following),
        "corrected": sum(before != one for before, one in following),
        "late": sum(some[0][0] > 60 * 24 * 30 for some in ordered),
        "last": {which: max(some)[3] for which, some in by_prediction.items()},
    }


@pytest.mark.parametrize("of_texts", [False, True])
@given(told=st.lists(TOLD, max_size=15), seed=st.integers(0, 2**16))
def test_rows_in_any_order_are_counted_as_one_by_one(
    told: list[tuple[int, int, int | None, int]], seed: int, *, of_texts: bool
) -> None:
    shuffled = table(told, of_texts=of_texts)
    order = list(range(len(told)))
    random.Random(seed).shuffle(order)

    ordered = in_order(shuffled.take(pa.array(order, pa.int64())))

    expected = plainly(told)
    counts = counts_of(ordered)
    counting = ordered.rows.filter(pa.array(ordered.is_last))
    assert (counts.joined, counts.duplicates, counts.corrected, counts.late) == tuple(
        expected[name] for name in ("joined", "duplicates", "corrected", "late")
    )
    assert sum(counts.delays.values()) == counts.joined
    found = zip(counting.column("_id").to_pylist(), counting.column("actual").to_pylist(), strict=True)
    assert {UUID(one).int - 1: int(float(value)) for one, value in found} == expected["last"]


COUNTS = st.builds(
    Counts,
    joined=st.integers(0, 9),
    misfits=st.integers(0, 9),
    delays=st.dictionaries(st.integers(0, 81), st.integers(1, 9), max_size=4).map(
        lambda one: dict(sorted(one.items()))
    ),
)


@given(COUNTS, COUNTS, COUNTS)
def test_counts_add_up_in_any_order_and_grouping(a: Counts, b: Counts, c: Counts) -> None:
    assert added_up([a, b, c]) == added_up([c, a, b]) == a.plus(added_up([b, c]))


@given(COUNTS, COUNTS)
def test_what_was_added_can_be_taken_away(a: Counts, b: Counts) -> None:
    """An hour's counts are mended where predictions gain a second actual."""
    assert a.plus(b).plus(b, times=-1) == a

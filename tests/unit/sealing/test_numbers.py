"""Every change of a set of numbers is told, number by number."""

from collections import Counter

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from shared.sealing.accounting.numbers import Range, missing, outside, too_often


def expanded(ranges: list[Range]) -> list[int]:
    return [number for first, last in ranges for number in range(first, last + 1)]


@given(st.lists(st.integers(-5, 40), max_size=80), st.integers(0, 20), st.integers(0, 20))
def test_a_multiset_is_known_from_what_is_missing_too_often_and_outside(
    numbers: list[int], first: int, more: int
) -> None:
    """If nothing is told, every number of the range was there exactly once and no other was: the deep account sees all."""
    last = first + more
    found = np.array(numbers, dtype=np.int64)
    counts = Counter(numbers)

    assert expanded(missing(found, first, last)) == [one for one in range(first, last + 1) if not counts[one]]
    assert expanded(too_often(found)) == sorted(one for one, count in counts.items() if count > 1)
    assert expanded(outside(found, first, last)) == sorted({one for one in numbers if not first <= one <= last})


@given(
    st.sets(st.integers(0, 40)),
    st.lists(st.tuples(st.integers(0, 40), st.integers(0, 10)).map(lambda one: (one[0], one[0] + one[1])), max_size=4),
)
def test_what_is_elsewhere_is_not_missing(numbers: set[int], elsewhere: list[Range]) -> None:
    found = np.array(sorted(numbers), dtype=np.int64)

    told = expanded(missing(found, 0, 40, elsewhere))

    assert told == [one for one in range(41) if one not in numbers and one not in expanded(elsewhere)]


def test_ranges_are_as_long_as_they_can_be() -> None:
    assert missing(np.array([3, 7]), 0, 9) == [(0, 2), (4, 6), (8, 9)]
    assert missing(np.array([], dtype=np.int64), 5, 4) == []

"""What is lost or doubled shows in three sums."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.sealing.hours.tally import contiguous, merged, tally

numbers = st.lists(st.integers(0, 2**62), min_size=1, max_size=40)


@given(st.integers(0, 2**62), st.integers(0, 200))
def test_a_contiguous_range_has_its_closed_form(first: int, more: int) -> None:
    assert contiguous("i", 0, first, first + more) == tally("i", 0, range(first, first + more + 1))


@given(numbers, numbers)
def test_adding_up_tallies_is_counting_everything_at_once(one: list[int], other: list[int]) -> None:
    parts = [tally("i", 0, one), tally("i", 0, other)]

    assert merged(part for part in reversed(parts) if part) == (tally("i", 0, [*one, *other]),)


@pytest.mark.parametrize(
    "found",
    [[0, 1, 3, 4], [0, 1, 2, 2, 3, 4], [0, 2, 2, 2, 4], [0, 1, 1, 3, 4], [0, 1, 2, 3, 5]],
    ids=["lost", "doubled", "two lost for a triple", "one lost for another", "one too far"],
)
def test_whatever_is_lost_or_doubled_moves_a_sum(found: list[int]) -> None:
    """Count and sum alone would take two losses and a triple between them for the whole range."""
    assert tally("i", 0, found) != contiguous("i", 0, 0, 4)


def test_there_is_no_tally_of_nothing() -> None:
    assert tally("i", 0, []) is None
    assert contiguous("i", 0, 5, 4) is None

"""What must be there, held against what was found."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from shared.capture.gap import Gap
from shared.hours import Hour
from shared.sealing.accounting.account import Booked, Span, Totals, closes, differences, gap_tallies, unaccepted
from shared.sealing.accounting.numbers import missing
from shared.sealing.hours.tally import Tally, tally
from tests.unit.sealing.logs import ENQUEUED_AT

NINE = Hour.parse("2026-03-01T09")
SPAN = Span("i", 0, 0, 29)


def booked(*hours: list[int]) -> list[Booked]:
    """Return the numbers of nine o'clock, of ten o'clock and so on."""
    found = [(NINE.plus(index), tally("i", 0, numbers)) for index, numbers in enumerate(hours)]
    return [Booked(hour, one) for hour, one in found if one is not None]


def of(*hours: list[int]) -> list[Tally]:
    return [one.tally for one in booked(*hours)]


def gap(first: int, last: int, *, by: str | None = None) -> Gap:
    return Gap(incarnation="i", partition=0, first=first, last=last, found_at=ENQUEUED_AT, accepted_by=by)


def test_what_was_found_and_what_is_lost_make_the_whole() -> None:
    hours = [list(range(10)), list(range(12, 20)), list(range(20, 30))]

    assert closes(SPAN, of(*hours), [gap(10, 11)])
    assert not closes(SPAN, of(*hours), [])
    assert not closes(SPAN, of(*hours), [gap(9, 11)]), "a number that is there is not lost"


def test_overlapping_gaps_count_a_lost_number_once() -> None:
    """Two captures may find the same loss, one of them after the hub let go of more."""
    lost = gap_tallies(SPAN, [gap(10, 14), gap(10, 11), gap(13, 15)])

    assert sum(one.events for one in lost) == 6


def test_gaps_of_others_and_beyond_the_cursor_do_not_count() -> None:
    other = Gap(incarnation="i", partition=1, first=0, last=9, found_at=ENQUEUED_AT)

    assert gap_tallies(SPAN, [other, gap(30, 40)]) == []


def test_a_gap_within_accepted_ones_is_accepted() -> None:
    small, large = gap(3, 4), gap(1, 9, by="Ada")

    assert unaccepted([small, large]) == []
    assert unaccepted([gap(3, 10), large]) == [gap(3, 10)]


def test_what_is_wrong_is_told_with_its_hour() -> None:
    hours = booked(list(range(9)), list(range(10, 20)), [20, 22, 22, 22, 24, 25, 26, 27, 28])

    assert [(hour, why.split(":")[0]) for hour, why in differences(SPAN, hours, [])] == [
        (NINE.plus(1), "number 9 is missing"),
        (NINE.plus(2), "as many events as there must be, and not the same ones"),
        (None, "number 29 is missing"),
    ]


def test_totals_add_up_name_by_name() -> None:
    assert Totals(events=1, rows=2) + Totals(rows=3, hours=1) == Totals(events=1, rows=5, hours=1)


_ALL = list(range(30))


@given(st.integers(0, 29))
def test_a_number_that_is_lost_or_doubled_is_named(number: int) -> None:
    lost = [one for one in _ALL if one != number]

    ((_, missing),) = list(differences(SPAN, booked(lost), []))
    ((_, doubled),) = list(differences(SPAN, booked([*_ALL, number]), []))

    assert missing == f"number {number} is missing"
    assert doubled == f"number {number} is there once too often"


@given(st.integers(1, 28), st.integers(1, 10))
def test_two_losses_for_a_triple_do_not_close(middle: int, apart: int) -> None:
    """Count and sum are as they must be; the squares are not."""
    low, high = middle - apart, middle + apart
    if low >= 0 and high <= 29:
        changed = [*(one for one in _ALL if one not in {low, high}), middle, middle]
        assert not closes(SPAN, of(changed), [])


def test_three_losses_for_three_doubles_may_hide_from_the_sums() -> None:
    """So the deep account looks at the numbers themselves: 0, 4, 5 and 1, 2, 6 have the same count, sum and squares."""
    changed = [*(one for one in _ALL if one not in {0, 4, 5}), 1, 2, 6]

    assert closes(SPAN, of(changed), [])
    assert missing(np.array(changed), 0, 29) == [(0, 0), (4, 5)]


def test_a_range_of_hours_reaches_from_the_last_number_before_to_the_first_after() -> None:
    everything = booked(list(range(8)), list(range(10, 18)), list(range(20, 30)))
    ten = NINE.plus(1)

    assert SPAN.narrowed(everything, start=ten, end=ten.plus(1)) == Span("i", 0, 8, 19)
    assert SPAN.narrowed(everything, start=None, end=None) == SPAN
    assert SPAN.narrowed([], start=ten, end=ten.plus(1)) == SPAN

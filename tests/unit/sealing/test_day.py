"""The account of a day never shrinks."""

import msgspec

from shared.sealing.days.day import Day, DayAccount
from shared.sealing.hours.tally import contiguous


def day(version: str = "1", *, last: int = 9) -> Day:
    tally = contiguous("i", 0, 0, last)
    return Day(
        kind="prediction",
        model="flights",
        version=version,
        date="2026-03-01",
        hours=(),
        account=(tally,) if tally else (),
        rows=last + 1,
        doubles=0,
        unreadable=0,
        imported=0,
        profile=None,
    )


def test_a_day_replaces_the_entry_of_its_shelf_and_leaves_the_others() -> None:
    first = DayAccount.noting(day("1"), None)

    second = DayAccount.noting(day("2"), first)
    grown = DayAccount.noting(day("1", last=20), second)

    assert list(grown.shelves) == [f"kind=prediction/model=flights/version={version}" for version in "12"]
    assert [one.rows for one in grown.shelves.values()] == [21, 10]


def test_an_older_reading_of_a_day_does_not_take_anything_out_of_the_account() -> None:
    """One that was stopped after it had read the hours brings what they were: retention goes by this account."""
    newer = DayAccount.noting(day(last=20), None)

    assert DayAccount.noting(day(last=9), newer) == newer


def test_the_order_in_which_shelves_come_is_not_seen() -> None:
    one, other = day("1"), day("2")

    assert DayAccount.noting(one, DayAccount.noting(other, None)) == DayAccount.noting(
        other, DayAccount.noting(one, None)
    )


def test_a_day_of_which_rows_were_erased_is_newer_than_one_of_which_none_were() -> None:
    """It has fewer rows, and whoever was held up with those there were before must not bring them back."""
    before = day()
    after = msgspec.structs.replace(before, rows=before.rows - 2, erased=2)

    assert DayAccount.noting(before, DayAccount.noting(after, None)) == DayAccount.noting(after, None)
    assert DayAccount.noting(after, DayAccount.noting(before, None)) == DayAccount.noting(after, None)

"""The chain of generations."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from shared.ids import uuid7
from shared.sealing.hours.chain import days_with, widened

uuids = st.uuids().map(str)


@given(st.lists(st.tuples(st.sampled_from(["2026-03-01", "2026-03-02"]), uuids, uuids)), uuids, uuids)
def test_no_day_is_left_out_that_has_an_id_between_two(
    generations: list[tuple[str, str, str]], one: str, other: str
) -> None:
    """Whatever is looked for there would be kept a second time. A day too many costs a listing."""
    low, high = min(one, other), max(one, other)
    ids: dict[str, tuple[str, str]] = {}
    for date, first, last in generations:
        ids = widened(ids, date, (min(first, last), max(first, last)))

    found = days_with(ids, (low, high))

    assert set(found) >= {date for date, *ends in generations if min(ends) <= high and low <= max(ends)}
    assert widened(ids, "2026-03-01", None) == ids


def test_ids_that_were_made_in_other_days_are_not_looked_for_in_this_one() -> None:
    """In normal traffic an hour looks at its own day, and at the day before around midnight."""
    days = [datetime(2026, 3, day, 12, tzinfo=UTC) for day in (1, 2, 3)]
    ids: dict[str, tuple[str, str]] = {}
    for day in days:
        ids = widened(ids, f"{day:%Y-%m-%d}", (uuid7(day.replace(hour=0)), uuid7(day.replace(hour=23))))

    assert days_with(ids, (uuid7(days[1]), uuid7(days[1]))) == ["2026-03-02"]

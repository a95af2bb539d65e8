"""Periods tile time, and are settled when their actuals have had the time they take."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.hours import Hour
from shared.registry.manifest import AliasChange
from shared.retraining.periods import Period, champion_of, champions_before, newest_settled

MOMENTS = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - hypothesis wants it
HOURS = MOMENTS.map(Hour.containing)
LENGTHS = st.integers(1, 24 * 30)
DELAYS = st.timedeltas(timedelta(0), timedelta(days=60))


def changes(*named: tuple[str, str]) -> list[AliasChange]:
    """Return changes of the champion, each ``(hour, version)``."""
    return [AliasChange(alias="champion", version=version, at=Hour.parse(hour).start) for hour, version in named]


@given(HOURS, LENGTHS)
def test_every_hour_is_in_one_period(hour: Hour, hours: int) -> None:
    period = Period.containing(hour, hours=hours)

    assert period.first <= hour < period.end
    assert period.hours == hours
    assert Period.containing(period.first, hours=hours) == Period.containing(period.end.plus(-1), hours=hours) == period
    assert Period.containing(period.end, hours=hours) == period.plus(1)


@pytest.mark.parametrize(("hours", "first"), [(24, "2026-03-04T00"), (168, "2026-03-02T00"), (6, "2026-03-04T12")])
def test_days_begin_at_midnight_and_weeks_on_mondays(hours: int, first: str) -> None:
    assert Period.containing(Hour.parse("2026-03-04T15"), hours=hours).key == first


@given(MOMENTS, LENGTHS)
def test_the_first_period_from_a_moment_on_holds_nothing_of_before(moment: datetime, hours: int) -> None:
    period = Period.from_first(moment, hours=hours)

    assert period.plus(-1).first.start < moment <= period.first.start


@given(HOURS, LENGTHS, DELAYS)
def test_a_period_is_settled_when_its_end_and_the_delay_lie_before_the_watermark(
    watermark: Hour, hours: int, delay: timedelta
) -> None:
    settled = newest_settled(watermark, hours=hours, delay=delay)

    assert settled.end.start + delay <= watermark.start
    assert settled.plus(1).end.start + delay > watermark.start


def test_the_champion_of_a_period_is_who_answered_for_most_of_it() -> None:
    day = Period.containing(Hour.parse("2026-03-04T00"), hours=24)
    history = changes(("2026-03-01T00", "1"), ("2026-03-04T06", "2"), ("2026-03-04T20", "1"))

    assert champion_of(day, history) == "2"
    assert champion_of(day.plus(1), history) == champion_of(day.plus(-1), history) == "1"
    assert champion_of(day.plus(-4), history) is None
    assert champion_of(day, changes(("2026-03-01T00", "1"), ("2026-03-04T12", "2"))) == "2", "as long, and later"


def test_other_aliases_make_no_champion() -> None:
    day = Period.containing(Hour.parse("2026-03-04T00"), hours=24)

    assert champion_of(day, [AliasChange(alias="challenger", version="1", at=day.first.start)]) is None


def test_champions_before_are_named_once_and_the_last_one_first() -> None:
    history = changes(*((f"2026-03-0{day}T00", version) for day, version in enumerate("12132", start=1)))

    assert champions_before("2", history) == ["3", "1"]
    assert champions_before("3", history) == ["1", "2"]
    assert champions_before("1", changes(("2026-03-01T00", "1"))) == []

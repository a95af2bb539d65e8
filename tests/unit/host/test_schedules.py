"""When timers tick, and what counts as missed."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.local.host.errors import CannotStart
from infra.local.host.schedules import Schedule, TimerStatus

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("0 */5 * * * *", datetime(2026, 3, 1, 12, 5, tzinfo=UTC)),
        ("*/10 * * * * *", datetime(2026, 3, 1, 12, 0, 10, tzinfo=UTC)),
        ("0 5 * * * *", datetime(2026, 3, 1, 12, 5, tzinfo=UTC)),
        ("30 0 0 * * *", datetime(2026, 3, 2, 0, 0, 30, tzinfo=UTC)),
        ("0 30 9 * * 1-5", datetime(2026, 3, 2, 9, 30, tzinfo=UTC)),
        ("0 0 0 1 Jan *", datetime(2027, 1, 1, tzinfo=UTC)),
    ],
)
def test_the_first_field_is_seconds(expression: str, expected: datetime) -> None:
    assert Schedule(expression).next_after(NOON) == expected


def test_both_days_must_match() -> None:
    """NCRONTAB and cron differ: this is Friday the 13th, not every Friday and every 13th."""
    assert Schedule("0 0 0 13 * Fri").next_after(NOON) == datetime(2026, 3, 13, tzinfo=UTC)


@pytest.mark.parametrize("expression", ["* * * * *", "00:05:00", "0 61 * * * *", "x * * * * *", ""])
def test_anything_but_six_good_fields_is_refused(expression: str) -> None:
    with pytest.raises(CannotStart, match="schedule"):
        Schedule(expression)


@pytest.mark.parametrize(("expression", "expected"), [("*/30 * * * * *", False), ("0 * * * * *", True)])
def test_status_is_kept_for_ticks_a_minute_apart_or_more(expression: str, expected: bool) -> None:  # noqa: FBT001
    assert Schedule(expression).monitored is expected


@given(st.datetimes(datetime(2013, 1, 1), datetime(2033, 1, 1)))  # noqa: DTZ001 - hypothesis wants them naive
def test_a_tick_is_always_later(moment: datetime) -> None:
    """A tick at its own moment would be run twice."""
    tick = Schedule("0 */5 * * * *").next_after(moment.replace(tzinfo=UTC))

    assert timedelta() < tick - moment.replace(tzinfo=UTC) <= timedelta(minutes=5)


def test_one_run_covers_every_tick_that_fell_into_it() -> None:
    """With a fast clock a run can last an hour of the calendar: the next tick is after its end."""
    hourly = Schedule("0 */5 * * * *")

    status = TimerStatus.after_run(hourly, started=NOON, now=NOON + timedelta(hours=1, seconds=1))

    assert status.next == NOON + timedelta(hours=1, minutes=5)
    assert not status.missed(hourly, NOON + timedelta(hours=1, minutes=4))
    assert status.missed(hourly, NOON + timedelta(hours=1, minutes=5))


def test_a_changed_schedule_decides_anew_what_was_missed() -> None:
    """A daily timer made hourly has missed ticks that its stored status knows nothing of."""
    status = TimerStatus.initial(Schedule("0 0 0 * * *"), NOON)

    assert status.missed(Schedule("0 0 * * * *"), NOON + timedelta(hours=2))
    assert not status.missed(Schedule("0 0 0 * * *"), NOON + timedelta(hours=2))

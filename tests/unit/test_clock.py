"""Calendar time as a value."""

import math
import time
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.clock import Clock

START = datetime(2013, 7, 1, tzinfo=UTC)

_zones = st.builds(lambda minutes: timezone(timedelta(minutes=minutes)), st.integers(-14 * 60, 14 * 60))
_clocks = st.builds(
    Clock,
    start=st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1), timezones=_zones),  # noqa: DTZ001 - given zones
    speed=st.floats(0, 1e9, exclude_max=True),
    anchor=st.floats(allow_nan=False, allow_infinity=False),
)


@given(_clocks)
def test_parsing_undoes_writing(clock: Clock) -> None:
    """Every process of a system reads its clock from text: they must agree to the last bit."""
    assert Clock.parse(str(clock)) == clock


def test_no_text_is_the_clock_on_the_wall() -> None:
    before = datetime.now(UTC)

    now = Clock.parse("").now()

    assert before <= now + timedelta(microseconds=2)
    assert now <= datetime.now(UTC) + timedelta(microseconds=2)
    assert now.tzinfo is UTC


def test_a_standing_clock_says_the_same_for_ever() -> None:
    clock = Clock.standing(START)

    assert clock.now() == clock.now() == START
    assert clock.real_seconds_until(START + timedelta(microseconds=1)) == math.inf
    assert clock.real_seconds_until(START) == 0.0


@given(st.floats(1e-3, 1e4), st.floats(0, 1e6))
def test_a_fast_clock_is_that_many_times_farther_from_its_anchor(speed: float, elapsed_s: float) -> None:
    """Started again after an hour it goes on from where it would be, not from where it stopped."""
    before = time.time()
    now = Clock(START, speed, before - elapsed_s).now()
    after = time.time()

    passed = (now - START).total_seconds()
    assert passed >= elapsed_s * speed - 1e-3 * max(speed, 1.0)
    assert passed <= (elapsed_s + after - before) * speed + 1e-3 * max(speed, 1.0)


@given(st.floats(1e-3, 1e6), st.floats(1, 1e5))
def test_a_wait_is_as_much_shorter_as_the_clock_is_faster(speed: float, ahead_s: float) -> None:
    before = time.time()
    clock = Clock(START, speed, before)
    wait_s = clock.real_seconds_until(START + timedelta(seconds=ahead_s))
    spent_s = time.time() - before

    resolution_s = 1e-5 + 2e-6 / speed  # it says microseconds of its own time
    assert wait_s <= ahead_s / speed + resolution_s
    assert wait_s >= ahead_s / speed - spent_s - resolution_s
    assert clock.real_seconds_until(START - timedelta(seconds=1)) == 0.0


def test_it_answers_in_utc_wherever_it_started() -> None:
    clock = Clock.parse("2013-07-01T02:00:00+02:00@0@0")

    assert clock.now() == START
    assert clock.now().tzinfo is UTC


@pytest.mark.parametrize(
    "text",
    [
        "2013-07-01T00:00:00@1@0",
        "2013-07-01T00:00:00+00:00@-1@0",
        "2013-07-01T00:00:00+00:00@nan@0",
        "2013-07-01T00:00:00+00:00@inf@0",
        "2013-07-01T00:00:00+00:00@1@nan",
        "2013-07-01T00:00:00+00:00@1@inf",
        "2013-07-01T00:00:00+00:00@1",
        "2013-07-01T00:00:00+00:00@1@0@0",
        "now@1@0",
    ],
)
def test_what_is_no_clock_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        Clock.parse(text)

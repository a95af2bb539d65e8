"""Hours: how everything that is kept is filed."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.hours import Hour

_zones = st.builds(lambda minutes: timezone(timedelta(minutes=minutes)), st.integers(-14 * 60, 14 * 60))
_moments = st.datetimes(datetime(1000, 1, 3), datetime(9000, 1, 1), timezones=_zones)  # noqa: DTZ001 - given zones
_hours = _moments.map(Hour.containing)


@given(_moments)
def test_an_hour_contains_its_start_and_not_its_end(moment: datetime) -> None:
    hour = Hour.containing(moment)

    assert hour.start <= moment < hour.end
    assert hour.end - hour.start == timedelta(hours=1)
    assert Hour.containing(hour.start) == hour
    assert Hour.containing(hour.end) == hour.plus(1)


@given(_hours)
def test_parsing_undoes_naming(hour: Hour) -> None:
    assert Hour.parse(hour.key) == hour
    assert Hour.at_path(f"captures/logs/kind=actual/{hour.folder}/x-p0-r0.jsonl") == hour


@given(_hours, _hours)
def test_keys_and_folders_sort_in_time_order(a: Hour, b: Hour) -> None:
    """Listings come in the order of paths, and the newest of anything is the last of its listing."""
    assert (a < b) == (a.key < b.key) == (a.folder < b.folder)


@given(_hours, st.integers(-1_000, 1_000), st.integers(-1_000, 1_000))
def test_moving_adds_up(hour: Hour, a: int, b: int) -> None:
    assert hour.plus(a).plus(b) == hour.plus(a + b)
    assert (hour.plus(a) < hour) == (a < 0)


@given(_hours, st.integers(-5, 50))
def test_until_yields_every_hour_before_the_end_once(hour: Hour, hours: int) -> None:
    assert list(hour.until(hour.plus(hours))) == [hour.plus(number) for number in range(hours)]


@pytest.mark.parametrize(
    "start",
    [
        datetime(2026, 3, 1, 9, 1, tzinfo=UTC),
        datetime(2026, 3, 1, 9, 0, 0, 1, tzinfo=UTC),
        datetime(2026, 3, 1, 9, tzinfo=timezone(timedelta(hours=1))),
        datetime(2026, 3, 1, 9),  # noqa: DTZ001 - that is the point
    ],
)
def test_a_value_that_is_no_utc_hour_cannot_be_one(start: datetime) -> None:
    with pytest.raises(ValueError, match="starts on a UTC hour"):
        Hour(start)


def test_a_naive_time_is_in_no_hour() -> None:
    with pytest.raises(ValueError, match="naive"):
        Hour.containing(datetime(2026, 3, 1, 9))  # noqa: DTZ001 - that is the point


@pytest.mark.parametrize("key", ["", "2026-03-01", "2026-03-01T9", "2026-3-01T09", "2026-03-01T24", "2026-03-01T09:00"])
def test_a_text_that_no_hour_has_for_its_key_is_refused(key: str) -> None:
    """Two names for one hour would be two places for its rows."""
    with pytest.raises(ValueError, match=r".+"):
        Hour.parse(key)

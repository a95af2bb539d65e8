"""Which window is settled, and what of each hour came in time."""

from datetime import timedelta

import pytest

from shared.actuals.counting import Counts
from shared.actuals.reading import HourCounts
from shared.hours import Hour
from shared.monitoring.settling import Settled, arrivals, learned_delay
from shared.monitoring.window import Window
from shared.signals.performance.arriving import Arrivals

NOON = Hour.parse("2026-03-20T12")
DAY = Window.before(NOON, hours=24)
MINUTES_IN_BINS = {1: 0, 50: 23, 90: 27, 600: 54}
"""In which bin a delay of so many minutes is counted."""


def counts(hour: Hour, *minutes: int, predictions: int = 10) -> HourCounts:
    counted = {bin_: sum(MINUTES_IN_BINS[one] == bin_ for one in minutes) for bin_ in set(MINUTES_IN_BINS.values())}
    delays = {bin_: count for bin_, count in sorted(counted.items()) if count}
    return HourCounts(hour, predictions, Counts(joined=len(minutes), delays=delays))


@pytest.mark.parametrize(("delay", "hours"), [(timedelta(0), 1), (timedelta(minutes=64), 2), (timedelta(hours=24), 25)])
def test_a_window_is_settled_once_its_actuals_could_come_and_be_joined(delay: timedelta, hours: int) -> None:
    """An hour for that: or the newest actuals would be missing whenever a look comes before the join."""
    settled = Settled.of(DAY, known=NOON, delay=delay)

    assert settled.delay_hours == hours
    assert settled.delay >= delay
    assert settled.window == Window.before(NOON.plus(-hours - 1), hours=24)


def test_a_window_that_ends_long_before_what_is_known_may_be_settled_itself() -> None:
    assert Settled.of(DAY, known=NOON.plus(72), delay=timedelta(hours=24)).window == DAY


def test_of_a_young_version_the_first_half_is_what_it_is_compared_with() -> None:
    """A loss that has lasted for some days must not become what is usual."""
    settled = Settled.of(DAY, known=NOON, delay=timedelta(0))
    first = Hour.parse("2026-03-09T10")

    assert settled.window.first.key == "2026-03-19T10"
    assert settled.of_past(first) == Window(first, Hour.parse("2026-03-14T00"))
    assert settled.of_past(first.plus(-24 * 90)).hours == 30 * 24 - 10, "whole days, thirty at most"


def test_what_an_estimate_was_learned_from_was_known_when_its_window_was_new() -> None:
    settled = Settled.of(DAY, known=NOON, delay=timedelta(hours=48))
    learned = settled.to_learn_from(Hour.parse("2026-01-01T00"))

    assert learned.end.plus(settled.delay_hours + 1) <= settled.window.end
    assert learned.end <= settled.window.first
    assert learned.hours == 30 * 24


def test_a_version_that_is_hardly_older_than_the_window_has_nothing_to_learn_from() -> None:
    settled = Settled.of(DAY, known=NOON, delay=timedelta(hours=48))

    assert settled.to_learn_from(settled.window.first).hours == 0
    assert settled.of_past(settled.window.first).hours == 0


def test_actuals_that_took_longer_than_the_delay_are_in_no_count() -> None:
    """Hours long ago have more of those than hours just now."""
    past, now = NOON.plus(-10), NOON
    hours = [counts(past, 1, 1, 50, 90, 600), counts(now, 1, 50)]

    found = arrivals(hours, past=Window(past, now), delay=timedelta(seconds=3_840))

    assert found == [Arrivals(predictions=10, came=3, soon=2), Arrivals(predictions=10, came=2, soon=1)]


def test_the_delay_is_learned_from_those_that_came() -> None:
    assert learned_delay([counts(NOON, *[50] * 96, *[600] * 4)]) == timedelta(seconds=3_229)
    assert learned_delay([counts(NOON)]) is None

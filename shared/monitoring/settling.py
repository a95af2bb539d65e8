"""Which window is settled: the newest one whose actuals should have come. And what of each hour came in time: no I/O."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Self

import numpy as np

from shared.actuals import delays
from shared.actuals.reading import HourCounts
from shared.hours import Hour
from shared.monitoring.window import Window
from shared.signals.performance.arriving import Arrivals

PAST_HOURS: Final = 30 * 24
"""So many hours before the settled window say what is usual; as many of a version's first ones, how good it was."""

_NEARLY_ALL: Final = 0.95
_HOUR: Final = timedelta(hours=1)
_TO_JOIN: Final = 1
"""Hours that sealing and joining may take, or the newest actuals would seem to be missing at every look."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """The newest window whose actuals should have come.

    Attributes:
        window: its hours.
        delay: an actual that took longer is left out wherever it is, since of later hours it has not come yet. It is the end
            of a bin that delays are counted in.
    """

    window: Window
    delay: timedelta

    @classmethod
    def of(cls, window: Window, *, known: Hour, delay: timedelta) -> Self:
        """Return the settled window at a look.

        Args:
            window: what is looked at.
            known: everything before this hour is sealed.
            delay: how long an actual may take.
        """
        edge = min(int(np.searchsorted(delays.EDGES_S, delay.total_seconds())), len(delays.EDGES_S) - 1)
        limit = timedelta(seconds=int(delays.EDGES_S[edge]))
        end = min(window.end, known.plus(-_hours(limit) - _TO_JOIN))
        return cls(window=Window.before(end, hours=window.hours), delay=limit)

    @property
    def delay_hours(self) -> int:
        """Return the delay in hours, rounded up."""
        return _hours(self.delay)

    @property
    def past(self) -> Window:
        """Return the hours before it that say what is usual."""
        return Window.before(self.window.first, hours=PAST_HOURS)

    def of_past(self, first: Hour) -> Window:
        """Return the hours of the version's first rows with actuals, which begin with ``first``; perhaps none.

        Of a young version it is the first half of them: so what it is compared with is not what has become worse of late. They
        grow by whole days, so that they are not read again at every look.
        """
        known = Window(first, max(self.window.first, first)).hours
        return Window(first, self._until(first.plus(min(max(known // 2, self.window.hours), PAST_HOURS)), first))

    def to_learn_from(self, first: Hour) -> Window:
        """Return the hours that an estimate of this window's performance would have been learned from when it was new."""
        end = self._until(self.window.end.plus(-self.delay_hours - _TO_JOIN), first)
        return Window(max(first, end.plus(-PAST_HOURS)), end)

    def _until(self, end: Hour, first: Hour) -> Hour:
        end = max(min(end, self.window.first), first)
        midnight = end.plus(-end.start.hour)
        return midnight if midnight > first else end


def learned_delay(hours: Iterable[HourCounts]) -> timedelta | None:
    """Return within which time 95 % of the actuals came that were joined to the predictions of some hours."""
    return delays.quantile(delays.merged(hour.counts.delays for hour in hours), _NEARLY_ALL)


def arrivals(hours: Sequence[HourCounts], *, past: Window, delay: timedelta) -> list[Arrivals]:
    """Return what of each hour came in time.

    Args:
        hours: in their order.
        past: those that say within which time usually half of what comes in time has come.
        delay: what is in time.
    """
    before = delays.merged(_within(hour, delay) for hour in hours if past.first <= hour.hour < past.end)
    half = delays.quantile(before, 0.5) or delay
    return [
        Arrivals(
            predictions=hour.predictions,
            came=sum(_within(hour, delay).values()),
            soon=sum(_within(hour, half).values()),
        )
        for hour in hours
    ]


def _within(hour: HourCounts, limit: timedelta) -> delays.Delays:
    """Return the delays that are not longer than the end of a bin."""
    bins = int(np.searchsorted(delays.EDGES_S, limit.total_seconds(), side="right"))
    return {one: count for one, count in hour.counts.delays.items() if one < bins}


def _hours(delay: timedelta) -> int:
    return -(-delay // _HOUR)

"""Periods: the step of decisions. They are tiled from a Monday's midnight, so that every process cuts time alike."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Self

from shared.hours import Hour
from shared.registry.manifest import CHAMPION, AliasChange


@dataclass(frozen=True, slots=True, order=True)
class Period:
    """The hours from ``first`` up to ``end``, which is not among them."""

    first: Hour
    end: Hour

    @classmethod
    def containing(cls, hour: Hour, *, hours: int) -> Self:
        """Return the period of so many hours that an hour falls in."""
        first = hour.plus(-(hour.since_monday % hours))
        return cls(first, first.plus(hours))

    @classmethod
    def from_first(cls, moment: datetime, *, hours: int) -> Self:
        """Return the first period that begins at a moment or after it."""
        period = cls.containing(Hour.containing(moment), hours=hours)
        return period if period.first.start == moment else period.plus(1)

    @property
    def key(self) -> str:
        """Return its name, which is that of its first hour; keys sort in time order."""
        return self.first.key

    @property
    def hours(self) -> int:
        """Return how many hours it has."""
        return self.end.since_monday - self.first.since_monday

    def plus(self, periods: int) -> Self:
        """Return the period so many later; earlier when negative."""
        hours = self.hours * periods
        return type(self)(self.first.plus(hours), self.end.plus(hours))

    def until(self, last: Self) -> Iterator[Self]:
        """Yield this period and those after it up to ``last``, which is among them."""
        period = self
        while period <= last:
            yield period
            period = period.plus(1)


def newest_settled(watermark: Hour, *, hours: int, delay: timedelta) -> Period:
    """Return the last period whose predictions are sealed, and whose actuals have had the time they take.

    Args:
        watermark: the first hour that is not known to be sealed.
        hours: how long a period is.
        delay: how long after a prediction its actual is known, 0 or more.
    """
    reached = Hour.containing(watermark.start - delay)
    return Period.containing(reached, hours=hours).plus(-1)


def in_periods(duration: timedelta, *, hours: int) -> int:
    """Return how many periods of so many hours a duration takes, the last of them not in full.

    >>> in_periods(timedelta(hours=25), hours=24)
    2
    """
    return -(-duration // timedelta(hours=hours))


def champion_of(period: Period, changes: Sequence[AliasChange]) -> str | None:
    """Return the version that was champion for most of a period; None where none was.

    Of two that were for as long it is the later one.

    Args:
        period: which.
        changes: of a model's aliases, in their order.
    """
    crowned = [(max(one.at, period.first.start), one.version) for one in changes if one.alias == CHAMPION]
    held: dict[str, timedelta] = {}
    for (since, version), (until, _) in pairwise([*crowned, (period.end.start, None)]):
        if version is not None and since < min(until, period.end.start):
            held[version] = held.get(version, timedelta(0)) + min(until, period.end.start) - since
    return max(reversed(held), key=held.__getitem__, default=None)


def champions_before(version: str, changes: Sequence[AliasChange]) -> list[str]:
    """Return the versions that were champion before ``version`` last became it, the last one first, each once."""
    named = [one.version for one in changes if one.alias == CHAMPION and one.version is not None]
    place = len(named) - 1 - named[::-1].index(version) if version in named else len(named)
    return [one for one in dict.fromkeys(reversed(named[:place])) if one != version]

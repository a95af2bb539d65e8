"""Hours: how everything that is kept is filed."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Self

_HOUR = timedelta(hours=1)
_MONDAY = datetime(1970, 1, 5, tzinfo=UTC)


@dataclass(frozen=True, slots=True, order=True)
class Hour:
    """One UTC hour: ``start`` is in the hour, ``end`` is not."""

    start: datetime

    def __post_init__(self) -> None:
        if self.start.tzinfo is not UTC or self.start.minute or self.start.second or self.start.microsecond:
            raise ValueError(f"an hour starts on a UTC hour, not at {self.start!r}")

    @classmethod
    def containing(cls, moment: datetime) -> Self:
        """Return the hour that ``moment`` (aware, any zone) falls in."""
        if moment.tzinfo is None:
            raise ValueError(f"naive datetime: {moment!r}")
        return cls(moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0))

    @classmethod
    def parse(cls, key: str) -> Self:
        """Read the name of an hour, as ``key`` writes it.

        Raises:
            ValueError: it is not one.
        """
        hour = cls(datetime.strptime(key, "%Y-%m-%dT%H").replace(tzinfo=UTC))
        if hour.key != key:  # strptime takes 2026-3-1T9 as well, and one hour has one name
            raise ValueError(f"the hour is called {hour.key}, not {key}")
        return hour

    @classmethod
    def at_path(cls, path: str) -> Self:
        """Read the hour out of a blob's path, where ``folder`` wrote it.

        >>> Hour.at_path("captures/logs/kind=actual/date=2026-03-01/hour=09/1-p0-r0.jsonl").key
        '2026-03-01T09'
        """
        date, hour = (path.split(f"{name}=", 1)[1].split("/", 1)[0] for name in ("date", "hour"))
        return cls.parse(f"{date}T{hour}")

    @property
    def end(self) -> datetime:
        """Return the first moment after it."""
        return self.start + _HOUR

    @property
    def key(self) -> str:
        """Return the name of this hour; keys sort in time order.

        >>> Hour.containing(datetime(2026, 3, 1, 9, 59, tzinfo=UTC)).key
        '2026-03-01T09'
        """
        return f"{self.start:%Y-%m-%dT%H}"

    @property
    def folder(self) -> str:
        """Return its part of a path, which Spark, DuckDB and pandas read as two columns.

        >>> Hour.parse("2026-03-01T09").folder
        'date=2026-03-01/hour=09'
        """
        # strftime takes six times as long, and capture asks once an event.
        return f"date={self.date}/hour={self.start.hour:02}"

    @property
    def date(self) -> str:
        """Return the date it belongs to.

        >>> Hour.parse("2026-03-01T09").date
        '2026-03-01'
        """
        return self.start.date().isoformat()

    @property
    def since_monday(self) -> int:
        """Return how many hours lie between it and a Monday's midnight long ago, in 1970.

        >>> Hour.parse("2026-03-02T09").since_monday % 168
        9
        """
        return int((self.start - _MONDAY).total_seconds()) // 3600

    def plus(self, hours: int) -> Self:
        """Return the hour so many hours later; earlier when negative."""
        return type(self)(self.start + hours * _HOUR)

    def is_within(self, start: Self | None, end: Self | None) -> bool:
        """Whether it is among the hours from ``start`` up to ``end``, which is not among them; None is no bound."""
        return (start is None or start <= self) and (end is None or self < end)

    def until(self, end: Self) -> Iterator[Self]:
        """Yield this hour and those after it up to ``end``, which is not among them."""
        hour = self
        while hour < end:
            yield hour
            hour = hour.plus(1)


def hours_of(date: str) -> tuple[Hour, Hour]:
    """Return the first hour of a date, and the first one after it.

    >>> [hour.key for hour in hours_of("2026-02-28")]
    ['2026-02-28T00', '2026-03-01T00']
    """
    first = Hour.parse(f"{date}T00")
    return first, first.plus(24)


def dates_of(first: Hour, end: Hour) -> list[str]:
    """Return the dates of the hours from ``first`` up to ``end``, which is not among them, in their order.

    >>> dates_of(Hour.parse("2026-02-27T23"), Hour.parse("2026-03-01T00"))
    ['2026-02-27', '2026-02-28']
    """
    dates: list[str] = []
    while first < end:
        dates.append(first.date)
        first = hours_of(first.date)[1]
    return dates

"""Consecutive hours, which are judged together."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from shared.hours import Hour, hours_of


@dataclass(frozen=True, slots=True)
class Window:
    """The hours from ``first`` up to ``end``, which is not among them."""

    first: Hour
    end: Hour

    @classmethod
    def before(cls, end: Hour, *, hours: int) -> "Window":
        """Return the window of so many hours that ends with ``end``."""
        return cls(end.plus(-hours), end)

    @property
    def start(self) -> datetime:
        """Return its first moment."""
        return self.first.start

    @property
    def hours(self) -> int:
        """Return how many hours it has."""
        return int((self.end.start - self.first.start).total_seconds()) // 3600

    @property
    def is_day(self) -> bool:
        """Whether it is a whole day."""
        return hours_of(self.first.date) == (self.first, self.end)

    def by_day(self) -> Iterator["Window"]:
        """Yield its part of each day that it touches."""
        first = self.first
        while first < self.end:
            end = min(hours_of(first.date)[1], self.end)
            yield Window(first, end)
            first = end

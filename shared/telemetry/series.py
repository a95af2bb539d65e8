"""Metrics added up before they are sent, so that a thousand observations cost one item."""

import threading
from datetime import datetime

import msgspec

from shared.telemetry.items import Metric, Subject

_Key = tuple[str, str | None, str | None, tuple[tuple[str, str], ...]]


class _Sums(msgspec.Struct):
    """What is known of one series since it was last taken."""

    subject: Subject
    count: int = 0
    total: float = 0.0
    least: float = float("inf")
    most: float = float("-inf")


class Series:
    """Sums per name, model, version and properties: at most ``limit`` of them at a time.

    Observations of further series are dropped and counted: properties that take too many values must not become
    memory.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._sums: dict[_Key, _Sums] = {}
        self._lock = threading.RLock()
        self._dropped = 0

    def __len__(self) -> int:
        return len(self._sums)

    @property
    def dropped(self) -> int:
        """Return how many observations found no room so far."""
        return self._dropped

    def add(self, name: str, value: float, subject: Subject) -> None:
        """Add one observation; ``value`` is finite."""
        extra = tuple(sorted(subject.extra.items())) if subject.extra else ()
        key = (name, subject.model, subject.version, extra)
        with self._lock:
            sums = self._sums.get(key)
            if sums is None:
                if len(self._sums) >= self._limit:
                    self._dropped += 1
                    return
                sums = self._sums[key] = _Sums(subject)
            sums.count += 1
            sums.total += value
            sums.least = min(sums.least, value)
            sums.most = max(sums.most, value)

    def take(self, at: datetime) -> list[Metric]:
        """Remove and return what was added up, stamped with the time ``at``."""
        with self._lock:
            taken, self._sums = self._sums, {}
        return [
            Metric(name, at, sums.count, sums.total, sums.least, sums.most, sums.subject)
            for (name, *_), sums in taken.items()
        ]

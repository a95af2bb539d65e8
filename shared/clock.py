"""Calendar time as a value.

Only calendar time can be made to run faster: time stamps, hours, timer ticks, windows, alert schedules. Durations
(time-outs, leases, latencies, signatures) are real and are taken with ``time.monotonic`` and ``time.perf_counter``.
"""

import math
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Self


@dataclass(frozen=True, slots=True)
class Clock:
    """A line through one anchor: at ``anchor`` it was ``start``, and ``speed`` seconds pass in a real second.

    ``start`` is aware; ``anchor`` is in real seconds since the Unix epoch. Every process that is given the same
    three numbers, restarted ones too, agrees on the time. A ``speed`` of 0 stands still.
    """

    start: datetime
    speed: float
    anchor: float

    def __post_init__(self) -> None:
        if self.start.tzinfo is None:
            raise ValueError(f"naive datetime: {self.start!r}")
        if not 0.0 <= self.speed < 1e9:
            raise ValueError(f"a clock's speed is 0 or more, not {self.speed!r}")
        if not math.isfinite(self.anchor):
            raise ValueError(f"a clock's anchor is a number of seconds, not {self.anchor!r}")

    @classmethod
    def real(cls) -> Self:
        """Return the clock on the wall."""
        return cls(datetime.fromtimestamp(0, UTC), 1.0, 0.0)

    @classmethod
    def standing(cls, moment: datetime) -> Self:
        """Return a clock that always says ``moment``."""
        return cls(moment, 0.0, 0.0)

    @classmethod
    def starting(cls, start: datetime, *, speed: float) -> Self:
        """Return a clock that says ``start`` now and runs ``speed`` times as fast as the wall's."""
        return cls(start, speed, time.time())

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``<start>@<speed>@<anchor>``, the value of the setting ``CLOCK``; an empty text is the real clock.

        Raises:
            ValueError: the text is none of these.

        >>> Clock.parse("2013-07-01T00:00:00+00:00@0@0").now().isoformat()
        '2013-07-01T00:00:00+00:00'
        """
        if not text:
            return cls.real()
        parts = text.split("@")
        if len(parts) != 3:
            raise ValueError("a clock is <start>@<speed>@<anchor>")
        start, speed, anchor = parts
        return cls(datetime.fromisoformat(start), float(speed), float(anchor))

    def __str__(self) -> str:
        return f"{self.start.isoformat()}@{self.speed!r}@{self.anchor!r}"

    def now(self) -> datetime:
        """Return the time it says now, aware, in UTC."""
        elapsed = timedelta(seconds=(time.time() - self.anchor) * self.speed)
        return (self.start + elapsed).astimezone(UTC)

    def real_seconds_until(self, moment: datetime) -> float:
        """Return how long, in real seconds, until it says ``moment``: 0 when past, infinity when it stands still."""
        ahead = (moment - self.now()).total_seconds()
        if ahead <= 0.0:
            return 0.0
        return ahead / self.speed if self.speed else float("inf")

"""Retry policies of functions."""

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Self

from infra.local.host.durations import parse_duration

FOR_EVER: Final = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """How often (``limit``, or ``FOR_EVER``) and after how many real seconds an invocation is repeated.

    The first delay is ``shortest_s``, each further one doubles, up to ``longest_s``; a fixed delay has both equal.
    The real host also moves an exponential delay by up to a fifth at random.
    """

    limit: int
    shortest_s: float
    longest_s: float

    @classmethod
    def parse(cls, settings: Mapping[str, str]) -> Self:
        """Read the settings that ``@retry`` keeps.

        Raises:
            ValueError: an unknown strategy, or a count or interval that cannot be read.
        """
        match settings["strategy"]:
            case "fixed_delay":
                shortest = longest = parse_duration(settings["delay_interval"])
            case "exponential_backoff":
                shortest = parse_duration(settings.get("minimum_interval") or "00:00:00")
                longest = parse_duration(settings.get("maximum_interval") or "24855.03:14:07")
            case other:
                raise ValueError(f"retry strategy {other!r}")
        return cls(
            limit=int(settings["max_retry_count"]),
            shortest_s=shortest.total_seconds(),
            longest_s=longest.total_seconds(),
        )

    def delays_s(self) -> Iterator[float]:
        """Yield the wait before the first, second … retry, ``limit`` of them."""
        retries = itertools.count() if self.limit < 0 else range(self.limit)
        # 2**62 is longer than any interval, and further doubling would leave the range of floats.
        return (min(self.shortest_s * 2.0 ** min(retry, 62), self.longest_s) for retry in retries)


NO_RETRY: Final = RetryPolicy(limit=0, shortest_s=0.0, longest_s=0.0)

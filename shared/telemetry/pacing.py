"""How long to wait after a failed post."""

import random
from collections.abc import Callable


class Backoff:
    """Exponential, with jitter: the n-th failure in a row waits between half and all of ``base_s * 2**(n-1)``.

    ``jitter`` gives numbers in [0, 1); it keeps instances that failed together from coming back together.
    """

    def __init__(self, *, base_s: float, most_s: float, jitter: Callable[[], float] = random.random) -> None:
        self._base_s = base_s
        self._most_s = most_s
        self._jitter = jitter
        self._failures = 0

    def failed(self) -> float:
        """Count a failure and return the seconds to wait."""
        # bounded, because 2.0**1024 overflows after a long weekend
        span_s = min(self._base_s * 2.0 ** min(self._failures, 64), self._most_s)
        self._failures += 1
        return span_s * (0.5 + 0.5 * self._jitter())

    def succeeded(self) -> None:
        """Begin again at ``base_s``."""
        self._failures = 0

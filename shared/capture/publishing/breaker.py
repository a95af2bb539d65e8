"""Whether a commit tries the hub or goes straight to the spool: a rule over what became of the commits before it.

Seconds are those of any clock that does not run backwards; they are passed in.
"""

from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

FIRST_REST_S: Final = 1.0
LONGEST_REST_S: Final = 30.0


class Way(Enum):
    """Where a commit goes."""

    SEND = auto()
    PROBE = auto()
    SPOOL = auto()


@dataclass(slots=True)
class Breaker:
    """Closed at first. One failed commit opens it, because what it costs to be wrong is a detour through the spool.

    Open, it rests for a second; then one commit is the probe, and no other tries while that is under way. Each probe that
    fails doubles the rest, up to 30 seconds; any commit that arrives closes it. Where the spool is away too, there is
    nothing to rest for.
    """

    _rest_s: float = 0.0
    _rests_until: float = 0.0
    _is_probing: bool = False

    @property
    def is_open(self) -> bool:
        """Whether commits stay away from the hub."""
        return self._rest_s > 0.0

    def way(self, now: float) -> Way:
        """Return where the next commit goes. Whoever is told to probe says how that ended."""
        if not self.is_open:
            return Way.SEND
        if self._is_probing or now < self._rests_until:
            return Way.SPOOL
        self._is_probing = True
        return Way.PROBE

    def succeeded(self) -> None:
        """Take note that the hub acknowledged a commit."""
        self._rest_s = 0.0
        self._is_probing = False

    def hurry(self, now: float) -> None:
        """End the rest, so that the next commit probes: in the spool it would be lost."""
        self._rests_until = min(self._rests_until, now)

    def failed(self, way: Way, now: float) -> None:
        """Take note that a commit failed which went this ``way``.

        Of several that were under way when the hub went, the first opens; the others say nothing new.
        """
        if way is Way.PROBE:
            self._is_probing = False
            self._rest_s = min(max(2.0 * self._rest_s, FIRST_REST_S), LONGEST_REST_S)
        elif self.is_open:
            return
        else:
            self._rest_s = FIRST_REST_S
        self._rests_until = now + self._rest_s

"""Owner levels: which receivers may read one partition in one consumer group.

A receiver with an owner level (an epoch) is alone: it disconnects those of its own level, of a lower one and of none,
and keeps out lower ones and those of none.
"""

from collections.abc import Callable

from infra.local.eventhubs.errors import STOLEN, Refused


class Receivers:
    """The receivers of one partition in one consumer group; ``None`` is the level of those without one."""

    def __init__(self) -> None:
        self._levels: dict[Callable[[Refused], None], int | None] = {}

    def admit(self, disconnect: Callable[[Refused], None], level: int | None) -> None:
        """Let a receiver in; ``disconnect`` is called when another takes its place.

        Raises:
            Refused: a receiver with a higher owner level is there.
        """
        owned = [each for each in self._levels.values() if each is not None]
        highest = max(owned, default=None)
        if highest is not None and (level is None or level < highest):
            raise Refused(STOLEN, f"A receiver with epoch '{highest}' exists, so epoch '{level}' is not allowed.")
        replaced = list(self._levels) if level is not None else []
        for other in replaced:
            del self._levels[other]
        self._levels[disconnect] = level
        for other in replaced:
            other(Refused(STOLEN, f"New receiver with higher epoch of '{level}' is created."))

    def leave(self, disconnect: Callable[[Refused], None]) -> None:
        self._levels.pop(disconnect, None)

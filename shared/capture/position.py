"""How far a partition was captured, and in which life of its hub: what a batch is compared with before it is appended.

A hub that was deleted and created again counts from 0 again, and its events would be taken for old ones. So whenever
numbers do not go on where they ended, the hub is asked when it was created.
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final

from shared.capture.cursor import Cursor, Cursors
from shared.capture.hub import Hub, incarnation_named
from shared.capture.place import Place
from shared.capture.records import Event

_ASKED_ANEW_S: Final = 5.0
"""How long a process goes by what the hub said last, where numbers go on: less than it takes to create one anew.

A host that goes on in the new hub where it was in the old one may come to the very next number.
"""
_TRUSTED_S: Final = 60.0
"""How long it goes by its own memory of a partition: another process may have been at it, and broken off."""


@dataclass(frozen=True, slots=True)
class Position:
    """Where a partition stands; ``cursor`` is None where nothing of this incarnation was captured yet.

    ``is_live`` says that the hub has this incarnation still, and can be asked for what is missing. Where an attempt may
    have broken off above the cursor, ours or another process's, it ``may_repeat``.
    """

    place: Place
    cursor: Cursor | None
    is_live: bool
    may_repeat: bool = True
    known_at: float = 0.0


@dataclass(slots=True)
class Positions:
    """Finds positions, and remembers those of partitions whose last batch was captured by this process."""

    hub: Hub
    cursors: Cursors
    monotonic: Callable[[], float] = time.monotonic
    _known: dict[str, Position] = field(default_factory=dict)
    _live: str = ""
    _asked_at: float = -math.inf

    async def find(self, partition: str, event: Event) -> Position:
        """Return where a partition stands that ``event`` is the first of a batch of; nothing is remembered from here on.

        Raises:
            EventsUnavailable: the hub has to be asked, and cannot be.
        """
        known = self._known.pop(partition, None)
        asks = self.monotonic() - self._asked_at >= _ASKED_ANEW_S
        live = await self._ask() if asks else self._live
        if known is not None and known.place.incarnation == live and self._is_trusted(known, event):
            return known
        if not asks:
            cursor = await self.cursors.read(live, partition)
            if _follows(cursor, event) or _is_behind(cursor, event):
                return Position(Place(live, partition), cursor, is_live=True)
            live = await self._ask()
        incarnation = await self._incarnation_of(event, partition, live)
        cursor = await self.cursors.read(incarnation, partition)
        return Position(Place(incarnation, partition), cursor, is_live=incarnation == live)

    def remember(self, position: Position, cursor: Cursor) -> None:
        """Remember how far a partition was captured."""
        now = self.monotonic()
        self._known[position.place.partition] = replace(position, cursor=cursor, may_repeat=False, known_at=now)

    async def _ask(self) -> str:
        asked_at = self.monotonic()
        self._live = await self.hub.incarnation()
        self._asked_at = asked_at
        return self._live

    def _is_trusted(self, known: Position, event: Event) -> bool:
        return self.monotonic() - known.known_at < _TRUSTED_S and _follows(known.cursor, event)

    async def _incarnation_of(self, event: Event, partition: str, live: str) -> str:
        """Return the live incarnation, or the one before for an event that is older than the live one.

        The clocks of a hub may differ a little: an event that does not go with what was captured of the one before is
        the live one's, whatever its time.
        """
        named = incarnation_named(event.enqueued_at)
        if named >= live:
            return live
        for incarnation in reversed(await self.cursors.incarnations()):
            if incarnation <= named:
                cursor = await self.cursors.read(incarnation, partition)
                return incarnation if _is_of_one_hub(cursor, event) else live
        return live


def _follows(cursor: Cursor | None, event: Event) -> bool:
    """Whether an event comes right after the last one captured, in time as well."""
    return cursor is not None and event.sequence == cursor.sequence + 1 and _is_of_one_hub(cursor, event)


def _is_behind(cursor: Cursor | None, event: Event) -> bool:
    """Whether an event was captured before: its number is an old one, and so is its time."""
    if cursor is None or cursor.enqueued_at is None:
        return False
    return event.sequence <= cursor.sequence and event.enqueued_at <= cursor.enqueued_at


def _is_of_one_hub(cursor: Cursor | None, event: Event) -> bool:
    """Whether number and time of an event say the same of whether it came before the last one captured."""
    if cursor is None or cursor.enqueued_at is None or event.enqueued_at == cursor.enqueued_at:
        return True
    return (event.sequence > cursor.sequence) == (event.enqueued_at > cursor.enqueued_at)

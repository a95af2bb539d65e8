"""How far a partition has been captured: never backwards, whoever writes."""

from dataclasses import dataclass
from datetime import datetime

from shared import documents
from shared.blobs import Blobs
from shared.clock import Clock
from shared.documents import Document


class Cursor(Document, frozen=True, kw_only=True):
    """Everything from ``first`` up to ``sequence`` has been captured; nothing yet when that is below ``first``.

    ``enqueued_at`` is the hub's time of the event ``sequence``, None before there is one; ``at`` is when this was
    written.
    """

    first: int
    sequence: int
    enqueued_at: datetime | None
    at: datetime


def cursors_folder(incarnation: str) -> str:
    """Return where the cursors of an incarnation are, ending in a slash."""
    return f"captures/cursors/{incarnation}/"


@dataclass(slots=True)
class Cursors:
    """The cursors of all partitions."""

    blobs: Blobs
    clock: Clock

    async def incarnations(self) -> list[str]:
        """Return the incarnations that anything was ever captured of, the oldest first."""
        return [folder.split("/")[2] for folder in await self.blobs.folders("captures/cursors/")]

    async def read(self, incarnation: str, partition: str) -> Cursor | None:
        """Return a partition's cursor; None where nothing of it was ever captured."""
        return await documents.find(self.blobs, _path(incarnation, partition), Cursor)

    async def begin(self, incarnation: str, partition: str, *, first: int) -> Cursor:
        """Write down, before anything is appended, where an incarnation's capture begins, and return the cursor.

        Where one is already, it stays what it is.
        """
        start = Cursor(first=first, sequence=first - 1, enqueued_at=None, at=self.clock.now())
        return await documents.swap(self.blobs, _path(incarnation, partition), Cursor, lambda old: old or start)

    async def advance(self, incarnation: str, partition: str, *, sequence: int, enqueued_at: datetime) -> Cursor:
        """Move a cursor that has begun to ``sequence``, and return it; it stays where it is when that is behind it."""
        now = self.clock.now()

        def forward(old: Cursor | None) -> Cursor:
            if old is not None and old.sequence >= sequence:
                return old
            first = sequence if old is None else old.first
            return Cursor(first=first, sequence=sequence, enqueued_at=enqueued_at, at=now)

        return await documents.swap(self.blobs, _path(incarnation, partition), Cursor, forward)


def _path(incarnation: str, partition: str) -> str:
    return f"{cursors_folder(incarnation)}p{partition}.json"

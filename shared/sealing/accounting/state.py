"""How far everything has come: what the hub has, what was captured of it, sealed and lost, and what waits to be sent."""

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from shared.bounded import each
from shared.capture.cursor import Cursor
from shared.capture.gap import Gap
from shared.capture.hub import Hub, Partition
from shared.errors import EventsUnavailable
from shared.sealing.accounting.account import Discrepancy, PartitionAccount, SpoolState
from shared.sealing.accounting.books import Books
from shared.sealing.accounting.counting import Sealed
from shared.sealing.hours.erased import ERASURES, Begun
from shared.sealing.hours.watermark import WATERMARK_PATH, Watermark

_CURSORS: Final = "captures/cursors/"
_GAPS: Final = "captures/gaps/"
_SPOOL: Final = "captures/spool/"


@dataclass(frozen=True, slots=True)
class HubState:
    """What the hub says of itself; ``problem`` says why it could not be asked."""

    incarnation: str | None = None
    partitions: dict[int, Partition] = field(default_factory=dict)
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Erasing:
    """An erasure, and how far it has come: another ETag is further."""

    path: str
    etag: str
    is_done: bool


@dataclass(slots=True)
class State:
    """Reads it; what cannot be read is noted in ``wrong``."""

    hub: Hub
    books: Books

    async def ask_hub(self) -> HubState:
        """Ask the hub; that it cannot be asked is an answer too."""
        try:
            partitions = await self.hub.partitions()
            incarnation = await self.hub.incarnation()
        except EventsUnavailable as unavailable:
            return HubState(problem=unavailable.reason)
        return HubState(incarnation, {int(one.id): one for one in partitions})

    async def cursors(self, wrong: list[Discrepancy]) -> dict[tuple[str, int], Cursor]:
        """Return every cursor, by incarnation and partition."""
        paths = [stored.path async for stored in self.books.blobs.under(_CURSORS)]
        read = await each(paths, lambda path: self.books.document(path, Cursor, wrong))
        return {_partition_at(path): one.document for path, one in zip(paths, read, strict=True) if one is not None}

    async def gaps(self, wrong: list[Discrepancy]) -> list[Gap]:
        """Return every gap."""
        paths = [stored.path async for stored in self.books.blobs.under(_GAPS)]
        read = await each(paths, lambda path: self.books.document(path, Gap, wrong))
        return [one.document for one in read if one is not None]

    async def spool(self) -> SpoolState:
        """Return what waits in the spool; ages are real, by storage's clock and ours."""
        written = [stored.modified_at async for stored in self.books.blobs.under(_SPOOL)]
        if not written:
            return SpoolState(waiting=0, oldest_s=None)
        age = datetime.fromtimestamp(time.time(), UTC) - min(written)
        return SpoolState(waiting=len(written), oldest_s=max(0.0, age.total_seconds()))

    async def erasures(self) -> list[Erasing]:
        """Return the erasures that were ever begun, as far as they have come."""
        listed = [stored async for stored in self.books.blobs.under(ERASURES)]
        read = await each(listed, lambda stored: self.books.document(stored.path, Begun, [], etag=stored.etag))
        found = zip(listed, read, strict=True)
        return [Erasing(at.path, one.etag, one.document.ended_at is not None) for at, one in found if one is not None]

    async def sealed(self, wrong: list[Discrepancy]) -> Sealed | None:
        async for stored in self.books.blobs.under(WATERMARK_PATH):
            found = await self.books.document(stored.path, Watermark, wrong)
            return Sealed(found.document.hour, stored.modified_at) if found is not None else None
        return None


def not_begun(hub: HubState, cursors: dict[tuple[str, int], Cursor]) -> list[PartitionAccount]:
    """Return the partitions that have events of which nothing was captured yet."""
    return [
        PartitionAccount(
            incarnation=hub.incarnation,
            partition=partition,
            is_live=True,
            cursor=said.first_sequence - 1,
            moved_at=None,
            newest_at=said.last_enqueued_at,
            first=said.first_sequence,
            last=said.first_sequence - 1,
            events=0,
            lost=0,
            in_flight=said.last_sequence - said.first_sequence + 1,
            closes=True,
        )
        for partition, said in sorted(hub.partitions.items())
        if hub.incarnation is not None and (hub.incarnation, partition) not in cursors and not said.is_empty
    ]


def _partition_at(path: str) -> tuple[str, int]:
    """Read whose cursor is at a path."""
    incarnation, name = path.removeprefix(_CURSORS).split("/")
    return incarnation, int(name.removeprefix("p").removesuffix(".json"))

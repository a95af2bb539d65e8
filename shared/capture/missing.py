"""Numbers that the hub no longer has: they are recorded as lost before a cursor passes them."""

import contextlib
import logging

from shared import documents
from shared.capture import resting
from shared.capture.cursor import Cursor, Cursors
from shared.capture.gap import Gap, gap_path, gaps_folder, numbers_at, uncovered
from shared.capture.hub import Hub, Partition
from shared.capture.place import Place
from shared.errors import BlobChanged, EventsUnavailable

logger = logging.getLogger(__name__)


async def record_lost(cursors: Cursors, place: Place, cursor: Cursor, *, last: int) -> int:
    """Record as lost what is missing above a cursor up to ``last``, and return how many numbers that is.

    What is recorded already is not recorded again, and what a capture that broke off had appended is not missing. Two
    that find a gap at the same time may record ranges that overlap: lost is their union.
    """
    blobs = cursors.blobs
    known = [numbers_at(one.path) async for one in blobs.under(gaps_folder(place.incarnation, place.partition))]
    there = await resting.everywhere(blobs, place, since=cursor.enqueued_at, above=cursor.sequence)
    ranges = [*known, *((number, number) for number in there)]
    lost = 0
    for begins, ends in uncovered(cursor.sequence + 1, last, ranges):
        gap = Gap(
            incarnation=place.incarnation,
            partition=int(place.partition),
            first=begins,
            last=ends,
            found_at=cursors.clock.now(),
        )
        with contextlib.suppress(BlobChanged):  # somebody else has found the same
            path = gap_path(place.incarnation, place.partition, begins, ends)
            await blobs.create(path, documents.encode(gap))
        logger.error("events lost", extra={"partition": place.partition, "from": begins, "to": ends})
        lost += ends - begins + 1
    return lost


async def dropped_unread(hub: Hub, cursors: Cursors, incarnation: str, partition: Partition) -> Cursor | None:
    """Return the cursor of a partition, after what it dropped unread was recorded as lost and passed.

    That is known of a partition that is empty. What went before capture ever began is not missed: then the cursor
    begins behind it. None where nothing was ever sent or captured.

    Args:
        hub: asked once more whether it is the same, before anything is written.
        cursors: where cursors and gaps are.
        incarnation: the hub's, asked before ``partition`` was: numbers of another one would hide those of this.
        partition: what the hub says of it.

    Raises:
        EventsUnavailable: the hub cannot be asked, or was created anew meanwhile.
    """
    cursor = await cursors.read(incarnation, partition.id)
    last, last_at = partition.last_sequence, partition.last_enqueued_at
    if not partition.is_empty or last_at is None:
        return cursor
    if cursor is not None and cursor.sequence >= last:
        return cursor
    if await hub.incarnation() != incarnation:
        raise EventsUnavailable("the hub was created anew while it was asked")
    if cursor is None:
        return await cursors.begin(incarnation, partition.id, first=last + 1)
    await record_lost(cursors, Place(incarnation, partition.id), cursor, last=last)
    return await cursors.advance(incarnation, partition.id, sequence=last, enqueued_at=last_at)

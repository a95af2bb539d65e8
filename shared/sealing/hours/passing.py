"""Cursors are moved over what was sealed above them of a capture that broke off, before the logs of that go."""

from shared.capture.cursor import Cursors
from shared.capture.missing import record_lost
from shared.capture.place import Place
from shared.hours import Hour
from shared.sealing.hours.tally import Tally


async def pass_over(cursors: Cursors, hour: Hour, sealed: Tally) -> None:
    """Move the cursor of a partition over what an hour has of it, where that is above the cursor.

    It is for events that never come again, because their hub is gone or has let go of them. Which numbers they are only
    logs say: without those the account could not count up to the cursor. What is missing in between is recorded as lost.
    """
    place = Place(sealed.incarnation, str(sealed.partition))
    cursor = await cursors.read(place.incarnation, place.partition)
    if cursor is None or cursor.sequence >= sealed.last:
        return
    await record_lost(cursors, place, cursor, last=sealed.last)
    at = hour.start if cursor.enqueued_at is None else max(hour.start, cursor.enqueued_at)
    await cursors.advance(place.incarnation, place.partition, sequence=sealed.last, enqueued_at=at)

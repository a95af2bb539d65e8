"""A cursor never goes backwards."""

import asyncio
import random
import uuid
from datetime import UTC, datetime

from shared.blobs import Blobs
from shared.capture.cursor import Cursors
from shared.clock import Clock

AT = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)


async def test_a_cursor_that_has_begun_says_that_nothing_was_captured_yet(blobs: Blobs, clock: Clock) -> None:
    cursors, incarnation = Cursors(blobs, clock), str(uuid.uuid4())

    assert await cursors.read(incarnation, "0") is None
    await cursors.begin(incarnation, "0", first=5)
    begun = await cursors.read(incarnation, "0")

    assert begun is not None
    assert (begun.first, begun.sequence, begun.enqueued_at) == (5, 4, None)


async def test_where_capture_began_is_written_once(blobs: Blobs, clock: Clock) -> None:
    """The account starts there: a later process that begins later must not hide what came before."""
    incarnation = str(uuid.uuid4())
    await Cursors(blobs, clock).begin(incarnation, "0", first=5)
    await Cursors(blobs, clock).advance(incarnation, "0", sequence=9, enqueued_at=AT)

    await Cursors(blobs, clock).begin(incarnation, "0", first=7)
    cursor = await Cursors(blobs, clock).read(incarnation, "0")

    assert cursor is not None
    assert (cursor.first, cursor.sequence) == (5, 9)


async def test_a_cursor_never_goes_backwards_whoever_writes(blobs: Blobs, clock: Clock) -> None:
    incarnation = str(uuid.uuid4())
    await Cursors(blobs, clock).begin(incarnation, "0", first=0)
    steps = random.Random(5).sample(range(100), 10)
    seen: list[int] = []

    async def move(sequence: int) -> None:
        await Cursors(blobs, clock).advance(incarnation, "0", sequence=sequence, enqueued_at=AT)
        cursor = await Cursors(blobs, clock).read(incarnation, "0")
        assert cursor is not None
        seen.append(cursor.sequence)

    await asyncio.gather(*map(move, steps))

    assert seen == sorted(seen)
    assert seen[-1] == max(steps)

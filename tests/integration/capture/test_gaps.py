"""Numbers that are missing before a batch are read back, and what the hub let go is written down."""

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager
from pathlib import Path

import azure.functions as func
import pytest
from azure.eventhub import EventData
from azure.eventhub.aio import EventHubConsumerClient

from shared.blobs import Appended, Blobs
from shared.capture.missing import dropped_unread
from shared.capture.reading_back import ReadingBack
from shared.capture.records import Event
from shared.errors import EventsUnavailable, StorageUnavailable
from tests.integration.capture.delivery import HUB, handed_over
from tests.integration.capture.streams import MINUTE, Frozen, Stream, expired, stream
from tests.integration.stored import Killed
from tests.unit.capture.records import record

EXPIRED_S = 1.0


@pytest.fixture
async def kept_long(azurite: str, tmp_path: Path) -> AsyncIterator[Stream]:
    """A hub that keeps its events."""
    async with stream(azurite, tmp_path) as made:
        yield made


@pytest.fixture
async def kept_short(azurite: str, tmp_path: Path) -> AsyncIterator[Stream]:
    """A hub that keeps its events for a second."""
    async with stream(azurite, tmp_path, retention_s=EXPIRED_S) as made:
        yield made


async def test_what_is_missing_before_a_batch_is_read_back_and_captured_in_order(kept_long: Stream) -> None:
    for some in (range(4), range(4, 150), range(150, 152)):
        await kept_long.send_numbered(*some)
    arrived = kept_long.delivered
    capturing = kept_long.capturing()
    await capturing.append(arrived[:2])

    await capturing.append(arrived[150:])

    assert await kept_long.kept() == list(range(152))
    assert await kept_long.gaps() == []
    cursor = await kept_long.cursor()
    assert (cursor.first, cursor.sequence) == (0, 151)


async def test_what_is_missing_within_a_batch_is_read_back(kept_long: Stream) -> None:
    arrived = await kept_long.send_numbered(*range(9))

    await kept_long.capturing().append([*arrived[:2], *arrived[4:6], arrived[8]])

    assert await kept_long.kept() == list(range(9))
    assert await kept_long.gaps() == []


async def test_the_first_batch_of_all_may_begin_anywhere(kept_long: Stream) -> None:
    """A host with a checkpoint of another hub of that name begins in the middle: what is before it would be lost."""
    arrived = await kept_long.send_numbered(*range(6))

    await kept_long.capturing().append(arrived[4:])

    assert await kept_long.kept() == list(range(6))
    assert (await kept_long.cursor()).first == 0


async def test_what_is_read_back_is_kept_a_piece_at_a_time(kept_long: Stream) -> None:
    """A gap may be a million events: whoever dies in it goes on where it was, and holds no more than a piece."""
    arrived = await kept_long.send_numbered(*range(201))
    capturing = kept_long.capturing()
    await capturing.append(arrived[:1])
    sizes: list[int] = []

    class Watched(Blobs):
        async def append(self, path: str, data: bytes, *, position: int) -> Appended:
            if len(sizes) == 2:
                raise StorageUnavailable(path, reason="it is down")
            sizes.append(data.count(b"\n"))
            return await super().append(path, data, position=position)

    with pytest.RaisesGroup(StorageUnavailable):
        await kept_long.capturing(Watched(kept_long.blobs._service)).append(arrived[200:])
    between = await kept_long.cursor()
    await kept_long.capturing().append(arrived[200:])

    assert max(sizes) <= 50
    assert between.sequence == sum(sizes)
    assert await kept_long.kept() == list(range(201))


async def test_no_more_is_read_than_whoever_captures_it_can_follow(kept_long: Stream) -> None:
    """Storage may be slower than the hub by far, and an event may have a mebibyte."""
    await kept_long.send_numbered(*range(400))
    sizes: list[int] = []

    async with aclosing(kept_long.reading_back().pieces("0", 0, 399)) as pieces:
        async for piece in pieces:
            sizes.append(len(piece))
            await asyncio.sleep(0.1)  # meanwhile the client receives as much as it is allowed to

    assert sum(sizes) == 400
    assert max(sizes) <= 50


async def test_what_the_hub_no_longer_has_is_recorded_before_the_cursor_passes_it(kept_short: Stream) -> None:
    """Otherwise a crash in between would leave numbers that nobody captured, and nobody says are lost."""
    await kept_short.capturing().append(await kept_short.send_numbered(0, 1))
    await kept_short.send_numbered(2, 3, 4)
    await expired(kept_short.hub, first=5)
    late = await kept_short.send_numbered(5, 6)

    class Dying(Blobs):
        async def append(self, path: str, data: bytes, *, position: int) -> Appended:
            del path, data, position
            raise Killed

    with pytest.RaisesGroup(Killed):
        await kept_short.capturing(Dying(kept_short.blobs._service)).append(late)
    gaps, cursor = await kept_short.gaps(), await kept_short.cursor()
    await kept_short.capturing().append(late)

    assert (gaps, cursor.sequence) == ([(2, 4)], 1)
    assert await kept_short.gaps() == [(2, 4)]
    assert await kept_short.kept() == [0, 1, 5, 6]
    assert (await kept_short.cursor()).sequence == 6


async def test_a_gap_that_has_grown_since_it_was_found_is_not_recorded_twice(kept_short: Stream) -> None:
    """The account adds gaps up: a number in two of them would be lost twice."""
    await kept_short.capturing().append(await kept_short.send_numbered(0))
    await kept_short.send_numbered(1, 2)
    await expired(kept_short.hub, first=3)
    early = await kept_short.send_numbered(3)

    class Down(Blobs):
        async def append(self, path: str, data: bytes, *, position: int) -> Appended:
            del data, position
            raise StorageUnavailable(path, reason="it is down")

    with pytest.RaisesGroup(StorageUnavailable):
        await kept_short.capturing(Down(kept_short.blobs._service)).append(early)
    await expired(kept_short.hub, first=4)
    await kept_short.capturing().append(await kept_short.send_numbered(4))

    assert await kept_short.gaps() == [(1, 2), (3, 3)]
    assert await kept_short.kept() == [0, 4]


async def test_what_a_capture_had_appended_before_it_broke_off_is_not_lost(kept_short: Stream) -> None:
    """Its cursor did not move, and the hub let everything go: what stands in a log would be lost and kept at once."""
    await kept_short.capturing().append(await kept_short.send_numbered(0))
    arrived = await kept_short.send(record(n=1), b"unreadable", record(n=3, kind="actual"))
    await _append_and_die(kept_short, arrived)
    await kept_short.send_numbered(4)
    await expired(kept_short.hub, first=5)
    late = await kept_short.send_numbered(5)

    await kept_short.capturing().append(late)

    assert sorted(await kept_short.kept()) == [0, 1, 3, 5]
    assert await kept_short.gaps() == [(4, 4)]


async def test_what_is_found_missing_is_said(kept_short: Stream, caplog: pytest.LogCaptureFixture) -> None:
    await kept_short.capturing().append(await kept_short.send_numbered(0))
    await kept_short.send_numbered(1, 2)
    await expired(kept_short.hub, first=3)
    late = await kept_short.send_numbered(3)

    with caplog.at_level(logging.ERROR):
        await kept_short.capturing().append(late)

    (cried,) = [one for one in caplog.records if one.message == "events lost"]
    assert (cried.__dict__["from"], cried.__dict__["to"]) == (1, 2)


async def test_a_hub_that_does_not_answer_is_given_up_in_time(kept_long: Stream) -> None:
    """The client tries again for ever, without a word: the trigger would stand until the host ends it."""
    began = time.monotonic()

    with pytest.raises(EventsUnavailable, match="not read back"):
        [piece async for piece in kept_long.reading_back(patience_s=1.0).pieces("0", 7, 9)]

    assert time.monotonic() - began < 10.0


async def test_a_receiver_beside_those_with_an_owner_level_is_let_in(kept_long: Stream) -> None:
    """The host receives with one: in its own group whoever reads back would be refused, silently and for ever."""
    await kept_long.send_numbered(*range(5))

    async with _owner(kept_long, "$Default"):
        with pytest.raises(EventsUnavailable):
            [piece async for piece in kept_long.reading_back(patience_s=1.0).pieces("0", 0, 3)]
    async with _owner(kept_long, "capture"):
        pieces = [piece async for piece in kept_long.reading_back().pieces("0", 0, 3)]

    assert [event.sequence for piece in pieces for event in piece] == [0, 1, 2, 3]


async def test_too_long_a_gap_is_gone_on_with_at_the_next_try(kept_long: Stream) -> None:
    """A trigger may not run for ever; what was captured by then stays captured."""
    arrived = await kept_long.send_numbered(*range(120))
    await kept_long.capturing().append(arrived[:1])

    with pytest.raises(EventsUnavailable, match="goes on later"):
        await kept_long.capturing(longest_s=0.0).append(arrived[-1:])
    await kept_long.capturing().append(arrived[-1:])

    assert await kept_long.kept() == list(range(120))


async def test_what_was_read_back_of_another_hub_is_not_captured(kept_long: Stream) -> None:
    """It was created anew after it was asked: its events have the missing numbers, and are others."""
    arrived = await kept_long.send_numbered(*range(4))
    anew = Event(1, kept_long.calendar.now() + MINUTE, record(n=99))

    class Elsewhere(ReadingBack):
        async def pieces(self, partition: str, first: int, last: int) -> AsyncGenerator[list[Event], None]:
            del partition, first, last
            yield [anew]

    capturing = kept_long.capturing()
    await capturing.append(arrived[:1])
    capturing.reading_back = Elsewhere(kept_long.reading_back().consumer)
    with pytest.raises(EventsUnavailable, match="anew"):
        await capturing.append(arrived[3:])

    assert await kept_long.kept() == [0]
    assert await kept_long.gaps() == []


async def test_a_hub_that_does_not_have_what_it_delivered_is_asked_again(kept_long: Stream) -> None:
    """It is another one, or does not know yet: what is missing is not lost because of that."""
    arrived = await kept_long.send_numbered(*range(3))
    await kept_long.capturing().append(arrived)
    ahead = handed_over(record(n=7), "0", sequence=7, at=kept_long.calendar.now())

    with pytest.raises(EventsUnavailable, match="no event 7"):
        await kept_long.capturing().append([ahead])

    assert await kept_long.kept() == [0, 1, 2]
    assert await kept_long.gaps() == []


async def test_numbers_dropped_unread_are_a_gap_that_the_cursor_passes(kept_short: Stream) -> None:
    """A partition that went quiet before capture came: no batch would ever come after the gap to find it."""
    await kept_short.capturing().append(await kept_short.send_numbered(0, 1))
    await kept_short.send_numbered(2, 3)
    sent_at = kept_short.calendar.now()
    partition = await expired(kept_short.hub, first=4)

    incarnation = await kept_short.hub.incarnation()
    for _ in range(2):
        moved = await dropped_unread(kept_short.hub, kept_short.cursors, incarnation, partition)

    assert moved == await kept_short.cursor()
    assert moved is not None
    assert (moved.first, moved.sequence, moved.enqueued_at) == (0, 3, sent_at)
    assert await kept_short.gaps() == [(2, 3)]


async def test_what_was_dropped_before_capture_began_is_not_missed(kept_short: Stream) -> None:
    await kept_short.send_numbered(0, 1)
    partition = await expired(kept_short.hub, first=2)

    begun = await dropped_unread(kept_short.hub, kept_short.cursors, await kept_short.hub.incarnation(), partition)
    await kept_short.capturing().append(await kept_short.send_numbered(2))

    assert begun is not None
    assert (begun.first, begun.sequence) == (2, 1)
    assert await kept_short.gaps() == []
    assert (await kept_short.cursor()).sequence == 2


async def test_what_a_hub_dropped_says_nothing_of_the_one_created_after_it(kept_short: Stream) -> None:
    """Its numbers would be taken for those of the new one, whose first events would then be old."""
    incarnation = await kept_short.hub.incarnation()
    await kept_short.send_numbered(0, 1)
    partition = await expired(kept_short.hub, first=2)
    await kept_short.recreate()

    with pytest.raises(EventsUnavailable, match="anew"):
        await dropped_unread(kept_short.hub, kept_short.cursors, incarnation, partition)


async def test_a_partition_that_still_has_events_has_dropped_nothing(kept_long: Stream) -> None:
    incarnation = await kept_long.hub.incarnation()
    untouched = await dropped_unread(kept_long.hub, kept_long.cursors, incarnation, await kept_long.hub.partition("0"))
    await kept_long.send_numbered(0, 1)
    lagging = await dropped_unread(kept_long.hub, kept_long.cursors, incarnation, await kept_long.hub.partition("0"))

    assert (untouched, lagging) == (None, None)
    assert await kept_long.gaps() == []


async def _append_and_die(stream: Stream, batch: Sequence[func.EventHubEvent]) -> None:
    capturing = stream.capturing()
    capturing.cursors = Frozen(stream.blobs, stream.calendar)
    with pytest.raises(Killed):
        await capturing.append(batch)


@asynccontextmanager
async def _owner(stream: Stream, group: str) -> AsyncIterator[None]:
    """Receive with an owner level, as the host does, while the block runs."""
    receiving = asyncio.Event()

    async def on_batch(_: object, batch: list[EventData]) -> None:
        if batch:
            receiving.set()

    client = EventHubConsumerClient.from_connection_string(
        stream.emulator.connection_string(), consumer_group=group, eventhub_name=HUB, load_balancing_interval=0.2
    )
    task = asyncio.create_task(client.receive_batch(on_batch, partition_id="0", owner_level=1, starting_position="-1"))
    try:
        async with asyncio.timeout(30.0):
            await receiving.wait()
        yield
    finally:
        await client.close()
        await task

"""Dead letters are found again, and what has a place by now is sent again."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from shared.capture.dead import DeadLetters, Found, Wanted
from shared.capture.records import MOST_EVENT_BYTES, Kind, Shelf
from shared.hours import Hour
from shared.registry.store import Registry
from tests.integration.capture.delivery import delivered, received
from tests.integration.capture.streams import Stream, stream
from tests.unit.capture.records import record

TRAINS = Shelf(Kind.PREDICTION, "trains", "1")


@pytest.fixture
async def hub(azurite: str, tmp_path: Path) -> AsyncIterator[Stream]:
    async with stream(azurite, tmp_path) as made:
        yield made


def letters(hub: Stream) -> DeadLetters:
    return DeadLetters(hub.blobs, hub.hub, Registry(hub.blobs, hub.calendar))


async def found(hub: Stream, wanted: Wanted) -> list[Found]:
    return [one async for one in letters(hub).find(wanted)]


async def test_letters_are_found_by_hour_and_by_what_they_are_about(hub: Stream) -> None:
    first = Hour.containing(hub.calendar.now())
    await hub.capturing().append(await hub.send(record(model="trains"), b"?", record(model="trains", version="2")))
    hub.calendar.set(first.end)
    await hub.capturing().append(await hub.send(record(kind="actual", model="ships", version=None)))

    async def sequences(**wanted: object) -> list[int]:
        return [one.letter.sequence for one in await found(hub, Wanted(**wanted))]  # type: ignore[arg-type]

    assert await sequences() == [0, 1, 2, 3]
    assert await sequences(end=first.plus(1)) == [0, 1, 2]
    assert await sequences(start=first.plus(1)) == [3]
    assert await sequences(model="trains") == [0, 2]
    assert await sequences(model="trains", version="2") == [2]
    assert await sequences(kind=Kind.ACTUAL) == [3]
    assert await sequences(reason="not registered") == [0, 2, 3]


async def test_what_is_replayed_goes_its_way_under_its_own_id(hub: Stream) -> None:
    """Sealing knows a record by its id: replayed twice, it is a double and dropped."""
    bodies = [record(n=0, model="trains"), b"?", record(n=2, model="ships"), record(n=3, model="trains")]
    await hub.capturing().append(await hub.send(*bodies))
    await hub.register("trains")

    replay = await letters(hub).replay(Wanted(), is_dry=False)

    arrived = await received(hub.emulator.connection_string(), expected=5)
    await hub.capturing().append([delivered(event) for event in arrived])
    assert (replay.records, replay.events, replay.unreadable) == (2, 1, 1)
    assert replay.not_registered == {Shelf(Kind.PREDICTION, "ships", "1"): 1}
    properties = arrived[4].properties
    assert properties[b"replayed"] == b"true"
    assert (properties[b"kind"], properties[b"model"], properties[b"records"]) == (b"prediction", b"trains", b"2")
    assert arrived[4].body_as_str().encode() == b"\n".join((bodies[0], bodies[3]))
    assert await hub.kept("model=trains") == [0, 3]


async def test_a_dry_run_sends_nothing_and_says_what_it_would(hub: Stream) -> None:
    await hub.capturing().append(await hub.send(record(n=0, model="trains")))
    await hub.register("trains")

    replay = await letters(hub).replay(Wanted(), is_dry=True)

    assert (replay.records, replay.events) == (1, 1)
    assert (await hub.hub.partition("0")).last_sequence == 0


async def test_large_letters_are_read_in_steps_and_sent_in_events_that_fit(hub: Stream) -> None:
    """Ten thousand letters of a quarter of a mebibyte are more than a machine has memory for."""
    large = [record(n=number, model="trains", inputs="x" * 200_000) for number in range(45)]
    small = [b"\n".join(record(n=number, model="trains") for number in range(100, 4_000))]
    await hub.capturing().append(await hub.send(*large, *small))
    await hub.register("trains")
    told: list[tuple[int, int]] = []

    replay = await letters(hub).replay(Wanted(), is_dry=False, done=lambda done, total: told.append((done, total)))

    again = (await received(hub.emulator.connection_string(), expected=46 + replay.events))[46:]
    assert replay.records == 45 + 3_900
    assert max(len(event.body_as_str()) for event in again) <= MOST_EVENT_BYTES
    assert max(int(event.properties[b"records"]) for event in again) <= 1_000
    assert len(told) > 2
    assert told[-1][0] == told[-1][1]
    await hub.capturing().append([delivered(event) for event in again])
    assert await hub.kept("model=trains") == [*range(45), *range(100, 4_000)]


async def test_a_record_that_belongs_elsewhere_than_its_event_can_be_replayed(hub: Stream) -> None:
    await hub.register("trains")
    await hub.capturing().append(await hub.send(b"\n".join((record(n=0), record(n=1, model="trains")))))

    (one,) = await found(hub, Wanted())
    replay = await letters(hub).replay(Wanted(), is_dry=True)

    assert (one.shelf, one.letter.part) == (TRAINS, True)
    assert replay.records == 1

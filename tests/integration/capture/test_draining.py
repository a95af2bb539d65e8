"""What was spooled arrives: each record once or, where a drain was interrupted, twice under the same id."""

import asyncio
import gc
import json
from collections import Counter
from pathlib import Path

import pytest

from infra.local.eventhubs.emulator import Emulator
from shared.blobs import Blobs
from shared.capture.hub import Hub, producer
from shared.capture.publishing.spool import FOLDER, Spool
from shared.capture.records import Kind, Outgoing, Shelf
from shared.clock import Clock
from shared.errors import BlobMissing, EventRefused, EventsUnavailable, InvalidDocument
from shared.scoring.prediction import Kept
from tests.chaos.proxies.tcp import TcpProxy
from tests.integration.capture.conftest import CONFIG
from tests.integration.capture.delivery import HUB, predictions, received
from tests.integration.capture.publishing import TIMEOUT_S, drained, publisher
from tests.integration.stored import Killed, Mortal
from tests.unit.capture.records import record

NOW = Clock.real()
TRAINS = Shelf(Kind.PREDICTION, "trains", "2")


async def spool(blobs: Blobs, *numbers: int, model: str = "flights") -> str:
    """Spool a commit of one record for each number, and return where."""
    shelf = Shelf(Kind.PREDICTION, model, "1")
    bodies = [record(n=number, model=model) for number in numbers]
    return await Spool(blobs).keep([Outgoing(shelf, body) for body in bodies], timeout_s=TIMEOUT_S)


async def waiting(blobs: Blobs) -> list[str]:
    return [stored.path async for stored in blobs.under(FOLDER)]


async def arrived(address: Emulator) -> list[int]:
    """Return the numbers of all that arrived, in the order in which it did."""
    hub = Hub(producer(address.connection_string(), namespace="", hub=HUB))
    (partition,) = await hub.partitions()
    await hub.close()
    found = await received(address.connection_string(), expected=partition.last_sequence + 1)
    return [json.loads(line)["n"] for event in found for line in event.body_as_str().split("\n")]


async def test_what_was_published_while_the_hub_was_down_arrives_once_it_is_drained(
    address: Emulator, storage: Blobs
) -> None:
    """From the request to the hub: nothing is lost, and what may have been sent before says that it was replayed."""
    publishing = publisher(address, storage)
    requests = [predictions(NOW, 3, version=str(number % 3)) for number in range(30)]
    kept = await asyncio.gather(*(publishing.keep(request) for request in requests))
    await publishing.close()

    async with address:
        blobs = await drained(address, storage)
        events = await received(address.connection_string(), expected=3)

    found = Counter(json.loads(line)["id"] for event in events for line in event.body_as_str().split("\n"))
    assert set(kept) == {Kept.SPOOLED}
    assert found == Counter(one.id for request in requests for one in request)
    assert {event.properties[b"replayed"] for event in events} == {b"true"}
    assert {event.properties[b"version"] for event in events} == {b"0", b"1", b"2"}
    assert blobs > 0
    assert await waiting(storage) == []


async def test_the_oldest_goes_first(address: Emulator, storage: Blobs) -> None:
    """Names are digests: their order says nothing."""
    paths = {number: await spool(storage, number) for number in range(10)}
    by_name = sorted(paths, key=lambda number: paths[number])
    await storage.delete(paths[by_name[0]])
    await asyncio.sleep(1.0)  # storage counts in whole seconds
    await spool(storage, by_name[0])

    async with address:
        await drained(address, storage)
        assert (await arrived(address))[-1] == by_name[0]


async def test_a_hub_that_is_still_down_costs_nothing_of_what_waits(address: Emulator, storage: Blobs) -> None:
    path = await spool(storage, 1)

    with pytest.raises(EventsUnavailable):
        await drained(address, storage)

    assert await waiting(storage) == [path]


async def test_an_empty_spool_needs_no_hub(address: Emulator, storage: Blobs) -> None:
    assert await drained(address, storage) == 0


async def test_a_drain_that_ends_in_the_middle_loses_nothing(address: Emulator, storage: Blobs) -> None:
    """What it had sent and not deleted goes once more, under the same ids."""
    for number in range(70):
        await spool(storage, number)

    async with address:
        with pytest.raises(Killed):
            await drained(address, Mortal(storage, writes=10))
        left = len(await waiting(storage))
        await drained(address, storage)
        found = Counter(await arrived(address))

    assert 60 <= left < 70, "those that were being deleted when it ended may be there or not"
    assert set(found) == set(range(70))
    assert set(found.values()) == {1, 2}
    assert await waiting(storage) == []


async def test_a_drain_that_takes_long_leaves_the_rest_to_the_next(
    address: Emulator, storage: Blobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What waits after a long outage takes hours, and the host ends a worker whose function takes ten minutes."""
    monkeypatch.setattr("shared.capture.publishing.draining._LONGEST_S", 0.0)
    for number in range(40):
        await spool(storage, number)

    async with address:
        drained_blobs = [await drained(address, storage) for _ in range(3)]

    assert drained_blobs == [32, 8, 0]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
async def test_a_slow_way_to_the_hub_does_not_keep_what_waits(
    address: Emulator, storage: Blobs, tmp_path: Path
) -> None:
    """Nobody waits for a drain: it may take longer to connect than a request may wait for its acknowledgement."""
    await spool(storage, 1)

    async with address, TcpProxy(to=address.port, delay_s=0.3) as far:
        through = Emulator(CONFIG, tmp_path / "nowhere", port=far.port)
        publishing = publisher(through, storage)
        kept = await publishing.keep(predictions(NOW, 1))
        await publishing.close()
        drained_blobs = await drained(through, storage)
    gc.collect()

    assert (kept, drained_blobs) == (Kept.SPOOLED, 2)


async def test_two_drains_at_once_neither_fail_nor_lose_anything(address: Emulator, storage: Blobs) -> None:
    for number in range(40):
        await spool(storage, number)

    async with address:
        await asyncio.gather(*(drained(address, storage) for _ in range(2)))
        found = Counter(await arrived(address))

    assert set(found) == set(range(40))
    assert await waiting(storage) == []


async def test_a_blob_that_goes_between_listing_and_reading_is_passed_over(address: Emulator, storage: Blobs) -> None:
    class Taken(Blobs):
        async def read(self, path: str) -> object:  # type: ignore[override]
            raise BlobMissing(path)

    await spool(storage, 1)

    async with address:
        assert await drained(address, Taken(storage._service)) == 0


@pytest.mark.parametrize("data", [b'{"half": "a line', b"", record(n=7)], ids=["torn", "empty", "changed"])
async def test_a_blob_that_is_not_what_its_name_says_is_reported_and_stays_alone(
    address: Emulator, storage: Blobs, data: bytes
) -> None:
    """Nobody knows whose records those were; the others are waited for."""
    broken = f"{FOLDER}{'0' * 64}.jsonl"
    await storage.create(broken, data)
    await spool(storage, 1)

    async with address:
        with pytest.raises(ExceptionGroup) as caught:
            await drained(address, storage)
        assert await arrived(address) == [1]

    (fault,) = caught.value.exceptions
    assert isinstance(fault, InvalidDocument)
    assert fault.path == broken
    assert await waiting(storage) == [broken]


async def test_a_blob_that_no_drain_can_read_is_reported_too(address: Emulator, storage: Blobs) -> None:
    """Its name is right, and its records are of a format to come: a later release may send them."""
    path = await Spool(storage).keep([Outgoing(TRAINS, record(format=2))], timeout_s=TIMEOUT_S)

    async with address:
        with pytest.raises(ExceptionGroup, match="not everything"):
            await drained(address, storage)

    assert await waiting(storage) == [path]


async def test_what_the_hub_is_too_small_for_holds_up_nothing_else(
    address: Emulator, storage: Blobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    await spool(storage, 1)
    large = await Spool(storage).keep([Outgoing(TRAINS, record(n=2, note="x" * 200_000))], timeout_s=TIMEOUT_S)
    monkeypatch.setattr("infra.local.eventhubs.performatives.MAX_MESSAGE_BYTES", 100_000)

    async with address:
        with pytest.raises(ExceptionGroup) as caught:
            await drained(address, storage)
        assert await arrived(address) == [1]

    assert [type(fault) for fault in caught.value.exceptions] == [EventRefused]
    assert await waiting(storage) == [large]


async def test_what_is_spooled_twice_is_there_once(storage: Blobs) -> None:
    """A time-out of storage is as ambiguous as one of the hub."""
    assert await spool(storage, 1, 2) == await spool(storage, 1, 2)
    assert len(await waiting(storage)) == 1

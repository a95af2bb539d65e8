"""What cannot be kept is said in time, and what can be kept later is."""

import asyncio
import gc
import json
import logging
import socket
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from azure.eventhub import EventData

from infra.local.eventhubs.emulator import Emulator
from infra.local.processes import free_port
from shared.blobs import Blobs, service
from shared.capture.hub import Hub, producer
from shared.capture.publisher import CaptureOff, Publisher
from shared.capture.records import Actual, Kind, Outgoing, Shelf
from shared.capture.spool import FOLDER
from shared.clock import Clock
from shared.errors import EventRefused, EventsUnavailable, RequestTooLarge
from shared.ids import uuid7
from shared.scoring.prediction import Failure, Kept
from tests.integration.capture.conftest import CONFIG
from tests.integration.capture.delivery import HUB, predictions, received
from tests.integration.capture.publishing import TIMEOUT_S, publisher
from tests.integration.stored import own_storage

NOW = Clock.real()
LOST = "records lost"
AWAY = f"AccountName=a;AccountKey=a2V5;BlobEndpoint=http://127.0.0.1:{free_port()}/a;"


@pytest.fixture
def address(tmp_path: Path) -> Emulator:
    """A hub that is not there yet: its port is known, and nobody listens."""
    return Emulator(CONFIG, tmp_path / "hub", port=free_port())


@pytest.fixture
async def storage(azurite: str) -> AsyncIterator[Blobs]:
    async with own_storage(azurite) as blobs:
        yield blobs


@pytest.fixture
async def ours(address: Emulator, storage: Blobs) -> AsyncIterator[Publisher]:
    publishing = publisher(address, storage)
    yield publishing
    await publishing.close()


@asynccontextmanager
async def without_storage(address: Emulator, **options: Any) -> AsyncIterator[Publisher]:  # noqa: ANN401 - of a publisher
    """Yield what publishes while nobody answers for storage."""
    blobs = Blobs(service(AWAY))
    publishing = publisher(address, blobs, **options)
    yield publishing
    await publishing.close()
    await blobs.close()


async def test_requests_that_publish_at_once_share_events(address: Emulator, ours: Publisher) -> None:
    """An event costs the client 300 µs whatever is in it, and so does a batch: that is what capture cost a request."""
    rows = [predictions(NOW, 1, version=str(number % 2)) for number in range(40)]

    async with address:
        kept = await asyncio.gather(*(ours.keep(one) for one in rows))
        events = await received(address.connection_string(), expected=2)

    assert set(kept) == {Kept.ACKED}
    assert sorted(ids_of(events)) == sorted(one.id for request in rows for one in request)
    assert {event.properties[b"records"] for event in events} == {b"20"}
    assert {event.properties[b"version"] for event in events} == {b"0", b"1"}


async def test_with_the_hub_down_a_request_is_spooled_within_the_time_out(ours: Publisher, storage: Blobs) -> None:
    started = time.monotonic()
    rows = predictions(NOW, 3)

    kept = await ours.keep(rows)

    assert kept is Kept.SPOOLED
    assert time.monotonic() - started < 2 * TIMEOUT_S
    assert await spooled(storage) == Counter(one.id for one in rows)


async def test_while_the_hub_is_known_to_be_down_nobody_waits_for_it(ours: Publisher, storage: Blobs) -> None:
    """Every request would otherwise take as long as the time-out; and one blob each would be many."""
    await ours.keep(predictions(NOW, 1))
    started = time.monotonic()

    kept = await asyncio.gather(*(ours.keep(predictions(NOW, 1)) for _ in range(50)))

    assert set(kept) == {Kept.SPOOLED}
    assert time.monotonic() - started < TIMEOUT_S
    assert sum((await spooled(storage)).values()) == 51
    assert len([stored async for stored in storage.under(FOLDER)]) < 10


async def test_a_hub_that_went_and_came_back_is_used_again(address: Emulator, ours: Publisher) -> None:
    """One outage must not send every record through the spool until the process ends."""
    async with address:
        before = await ours.keep(predictions(NOW, 1))
    during = [await ours.keep(predictions(NOW, 1)), *await at_once(ours, 4)]
    async with address:
        after = await until_acked(ours)
        at_last = await at_once(ours, 4)

    assert before is Kept.ACKED
    assert set(during) == {Kept.SPOOLED}
    assert set(after) == {Kept.SPOOLED, Kept.ACKED}
    assert set(at_last) == {Kept.ACKED}


# The SDK leaves the connection it was interrupted in to the garbage collector, which warns when it closes it.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
async def test_a_hub_that_takes_calls_and_says_nothing_is_given_up_in_time(address: Emulator, ours: Publisher) -> None:
    """This is what a hub behind a broken network looks like: nothing is refused, and nothing comes."""
    with socket.create_server(("127.0.0.1", address.port)):
        during = await at_once(ours, 3)
    gc.collect()
    async with address:
        after = await until_acked(ours)

    assert set(during) == {Kept.SPOOLED}
    assert after[-1] is Kept.ACKED


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
async def test_the_probe_of_a_hub_that_says_nothing_costs_nobody_the_time_out(
    address: Emulator, ours: Publisher
) -> None:
    with socket.create_server(("127.0.0.1", address.port)):
        await ours.keep(predictions(NOW, 1))
        await asyncio.sleep(1.1)
        started = time.monotonic()
        kept = await ours.keep(predictions(NOW, 1))
        took_s = time.monotonic() - started
        is_probing = ours.sending.breaker._is_probing
        await ours.close()
    gc.collect()

    assert (kept, is_probing) == (Kept.SPOOLED, True)
    assert took_s < TIMEOUT_S / 2


async def test_a_probe_that_arrives_leaves_nothing_in_the_spool(
    address: Emulator, ours: Publisher, storage: Blobs
) -> None:
    """Else each outage would end with a record that is sent twice."""
    await ours.keep(predictions(NOW, 1))
    (before,) = await spooled(storage)
    probe = predictions(NOW, 1)

    async with address:
        await asyncio.sleep(1.1)
        await ours.keep(probe)
        await ours.close()
        (event,) = await received(address.connection_string(), expected=1)

    assert ids_of([event]) == [probe[0].id]
    assert await spooled(storage) == Counter([before])


async def test_with_hub_and_storage_down_records_are_lost_in_time_and_loudly(
    address: Emulator, caplog: pytest.LogCaptureFixture
) -> None:
    async with without_storage(address) as publishing:
        started = time.monotonic()
        kept = await publishing.keep(predictions(NOW, 3))
        took_s = time.monotonic() - started

    assert kept is Kept.LOST
    assert took_s < 3 * TIMEOUT_S
    (cried,) = [one for one in caplog.records if one.message == LOST]
    assert (cried.levelno, cried.__dict__["records"]) == (logging.CRITICAL, 3)


async def test_with_storage_down_a_hub_that_came_back_is_found_all_the_same(address: Emulator) -> None:
    """The spool is no condition for the probe: without the one, the other is all there is."""
    async with without_storage(address) as publishing:
        during = await publishing.keep(predictions(NOW, 1))
        async with address:
            after = await until_acked(publishing)

    assert during is Kept.LOST
    assert set(after) <= {Kept.LOST, Kept.ACKED}


async def test_who_does_not_wait_is_told_so_and_sends_all_the_same(address: Emulator, storage: Blobs) -> None:
    publishing = publisher(address, storage, waits=False)
    rows = [predictions(NOW, 2) for _ in range(30)]

    async with address:
        kept = [await publishing.keep(one) for one in rows]
        await publishing.close()
        events = await received(address.connection_string(), expected=1)

    assert set(kept) == {Kept.SENT}
    assert sorted(ids_of(events)) == sorted(one.id for request in rows for one in request)


async def test_what_nobody_waits_for_is_spooled_too_when_the_hub_is_down(address: Emulator, storage: Blobs) -> None:
    publishing = publisher(address, storage, waits=False)
    rows = predictions(NOW, 2)

    kept = await publishing.keep(rows)
    await publishing.close()

    assert kept is Kept.SENT
    assert await spooled(storage) == Counter(one.id for one in rows)


async def test_of_a_sample_the_kept_rows_say_how_many_they_stand_for(address: Emulator, storage: Blobs) -> None:
    publishing = publisher(address, storage, one_in=4)
    rows = predictions(NOW, 400)
    actual = Actual(id=uuid7(NOW.now()), model="flights", prediction_id=None, external_id="a", at="2026", value=1)

    async with address:
        kept = await publishing.keep(rows)
        others = [await publishing.keep([one]) for one in rows[:20]]
        actuals = [await publishing.keep_actuals([actual]) for _ in range(5)]
        await publishing.close()
        (event, *_) = await received(address.connection_string(), expected=1)

    found = [json.loads(record) for record in event.body_as_str().split("\n")]
    assert kept is Kept.SAMPLED_OUT
    assert set(others) == {Kept.SAMPLED_OUT, Kept.ACKED}
    assert set(actuals) == {Kept.ACKED}
    assert 50 < len(found) < 150
    assert {one["weight"] for one in found} == {4}


async def test_a_failure_is_kept_on_a_shelf_of_its_own(address: Emulator, ours: Publisher) -> None:
    failure = Failure(
        id=uuid7(NOW.now()),
        model="flights",
        version=None,
        request_id="request",
        at="2026",
        status=404,
        code="unknown_model",
        feature=None,
        asked=None,
    )

    async with address:
        await ours.keep_failure(failure)
        (event,) = await received(address.connection_string(), expected=1)

    assert (event.properties[b"kind"], event.properties[b"version"]) == (b"failure", b"_none")
    assert json.loads(event.body_as_str())["version"] is None


async def test_a_request_of_more_than_one_commit_keeps_its_order_within_each_event(
    address: Emulator, ours: Publisher
) -> None:
    """The properties say what an event holds without opening it."""
    rows = predictions(NOW, 20, note="x" * 200_000)

    async with address:
        assert await ours.keep(rows) is Kept.ACKED
        events = await received(address.connection_string(), expected=10)

    order = {row.id: row.row for row in rows}
    found = [[order[one] for one in ids_of([event])] for event in events]
    assert sorted(found) == [[number, number + 1] for number in range(0, 20, 2)]
    assert {event.properties[b"records"] for event in events} == {b"2"}
    assert {event.properties[b"kind"] for event in events} == {b"prediction"}
    assert {(event.properties[b"model"], event.properties[b"version"]) for event in events} == {(b"flights", b"1")}
    assert {event.properties.get(b"replayed") for event in events} == {None}


async def test_nothing_of_a_request_is_sent_when_one_row_is_too_large(address: Emulator, ours: Publisher) -> None:
    fits, large = predictions(NOW, 1), predictions(NOW, 1, note="x" * 300_000)

    async with address, hub(address) as asked:
        with pytest.raises(RequestTooLarge, match="row's record"):
            await ours.keep([*fits, *large])
        await ours.close()
        partitions = await asked.partitions()

    assert [one.last_sequence for one in partitions] == [-1]


async def test_an_event_that_the_hub_is_too_small_for_takes_no_other_along(address: Emulator) -> None:
    """The tiers differ in what they take; a prediction that was made is answered on all of them."""
    shelf = Shelf(Kind.PREDICTION, "flights", "1")
    fits, large = Outgoing(shelf, b"x"), Outgoing(shelf, b"x" * 2_000_000)

    async with address, hub(address) as asked, without_storage(address) as publishing:
        with pytest.raises(EventRefused, match="2000000 bytes"):
            await asked.send([fits, large], timeout_s=TIMEOUT_S)
        nothing = await asked.partitions()
        kept = await publishing.sending.leave(
            [fits, large, fits], lane=0, waiting_since=asyncio.get_running_loop().time()
        )

    assert [one.last_sequence for one in nothing] == [-1]
    assert kept == [Kept.ACKED, Kept.LOST, Kept.ACKED]


async def test_a_hub_that_is_away_cannot_say_who_it_is(address: Emulator) -> None:
    """Capture must not guess an incarnation: it would file events under a hub that never was."""
    async with hub(address) as asked:
        with pytest.raises(EventsUnavailable):
            await asked.incarnation(timeout_s=TIMEOUT_S)


async def test_with_capture_off_nothing_is_kept_and_that_is_said() -> None:
    off = CaptureOff()
    actual = Actual(id="1", model="flights", prediction_id=None, external_id="a", at="2026-03-01", value=1)

    assert await off.keep(predictions(NOW, 1)) is Kept.OFF
    assert await off.keep_actuals([actual]) is Kept.OFF


@asynccontextmanager
async def hub(address: Emulator) -> AsyncIterator[Hub]:
    made = Hub(producer(address.connection_string(), namespace="", hub=HUB))
    yield made
    await made.close()


async def at_once(publishing: Publisher, requests: int) -> list[Kept]:
    """Return how requests were kept that came together; each is answered in time."""
    started = time.monotonic()
    kept = await asyncio.gather(*(publishing.keep(predictions(NOW, 1)) for _ in range(requests)))
    assert time.monotonic() - started < 2 * TIMEOUT_S
    return list(kept)


async def until_acked(publishing: Publisher) -> list[Kept]:
    """Return how one request after the other was kept, up to the first that the hub acknowledged."""
    kept = [await publishing.keep(predictions(NOW, 1))]
    async with asyncio.timeout(20.0):
        while kept[-1] is not Kept.ACKED:
            await asyncio.sleep(0.05)
            kept.append(await publishing.keep(predictions(NOW, 1)))
    return kept


async def spooled(storage: Blobs) -> Counter[str]:
    """Return how often each record is in the spool."""
    paths = [stored.path async for stored in storage.under(FOLDER)]
    data = b"".join([(await storage.read(path)).data for path in paths])
    return Counter(json.loads(line)["id"] for line in data.splitlines())


def ids_of(events: list[EventData]) -> list[str]:
    return [json.loads(record)["id"] for event in events for record in event.body_as_str().split("\n")]

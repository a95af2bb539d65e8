"""What cannot be kept is said in time, and what can be kept later is."""

import asyncio
import gc
import logging
import socket
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from infra.local.eventhubs.emulator import Emulator
from infra.local.processes import free_port
from shared.capture.hub import Hub, producer
from shared.capture.publisher import CaptureOff, Publisher
from shared.capture.records import Actual
from shared.clock import Clock
from shared.errors import EventsUnavailable, RequestTooLarge
from shared.scoring.prediction import Kept
from shared.telemetry import Telemetry
from tests.integration.capture.conftest import CONFIG
from tests.integration.capture.delivery import HUB, predictions, received

TIMEOUT_S = 2.0
NOW = Clock.real()
AFTER_ALL = "records lost"


@pytest.fixture
def address(tmp_path: Path) -> Emulator:
    """A hub that is not there yet: its port is known, and nobody listens."""
    return Emulator(CONFIG, tmp_path / "hub", port=free_port())


@pytest.fixture
async def publisher(address: Emulator) -> AsyncIterator[Publisher]:
    hub = Hub(producer(address.connection_string(), namespace="", hub=HUB))
    yield Publisher(hub, Telemetry.to("", clock=NOW), NOW, timeout_s=TIMEOUT_S)
    await hub.close()


async def test_with_the_hub_down_a_request_is_answered_within_the_time_out(
    publisher: Publisher, caplog: pytest.LogCaptureFixture
) -> None:
    started = time.monotonic()

    kept = await publisher.keep(predictions(NOW, 3))

    assert kept is Kept.LOST
    assert time.monotonic() - started < 2 * TIMEOUT_S
    (cried,) = [one for one in caplog.records if one.message == AFTER_ALL]
    assert (cried.levelno, cried.__dict__["records"]) == (logging.CRITICAL, 3)


async def test_a_hub_that_went_and_came_back_is_used_again(address: Emulator, publisher: Publisher) -> None:
    """One outage must not cost every record until the process ends, nor may any of its requests wait for ever."""
    async with address:
        before = await publisher.keep(predictions(NOW, 1))
    during = [await publisher.keep(predictions(NOW, 1)), *await at_once(publisher, 4)]
    async with address:
        after = [await publisher.keep(predictions(NOW, 1)), *await at_once(publisher, 4)]

    assert before is Kept.ACKED
    assert set(during) == {Kept.LOST}
    assert set(after) == {Kept.ACKED}


# The SDK leaves the connection it was interrupted in to the garbage collector, which warns when it closes it.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
async def test_a_hub_that_takes_calls_and_says_nothing_is_given_up_in_time(
    address: Emulator, publisher: Publisher
) -> None:
    """This is what a hub behind a broken network looks like: nothing is refused, and nothing comes."""
    with socket.create_server(("127.0.0.1", address.port)):
        during = await at_once(publisher, 3)
    gc.collect()
    async with address:
        after = [await publisher.keep(predictions(NOW, 1)), *await at_once(publisher, 3)]

    assert set(during) == {Kept.LOST}
    assert set(after) == {Kept.ACKED}


async def test_requests_that_publish_at_once_are_all_kept(address: Emulator, publisher: Publisher) -> None:
    async with address:
        kept = await at_once(publisher, 20)
        events = await received(address.connection_string(), expected=20)

    assert set(kept) == {Kept.ACKED}
    assert len(events) == 20


async def test_a_request_of_more_than_one_batch_is_kept_in_its_order(address: Emulator, publisher: Publisher) -> None:
    """A batch holds a megabyte; the properties say what an event holds without opening it."""
    rows = predictions(NOW, 20, note="x" * 200_000)

    async with address:
        assert await publisher.keep(rows) is Kept.ACKED
        events = await received(address.connection_string(), expected=10)

    ids = [rows[number].id for number in range(20)]
    text = "".join(event.body_as_str() for event in events)
    assert [text.index(one) for one in ids] == sorted(text.index(one) for one in ids)
    assert {event.properties[b"records"] for event in events} == {b"2"}
    assert {event.properties[b"kind"] for event in events} == {b"prediction"}
    assert {(event.properties[b"model"], event.properties[b"version"]) for event in events} == {(b"flights", b"1")}


async def test_nothing_of_a_request_is_sent_when_one_row_is_too_large(address: Emulator, publisher: Publisher) -> None:
    fits, large = predictions(NOW, 1), predictions(NOW, 1, note="x" * 300_000)

    async with address:
        with pytest.raises(RequestTooLarge, match="row's record"):
            await publisher.keep([*fits, *large])
        partitions = await publisher.hub.partitions()

    assert [one.last_sequence for one in partitions] == [-1]


async def test_an_event_that_the_hub_is_too_small_for_is_not_kept(address: Emulator, publisher: Publisher) -> None:
    """The tiers differ in what they take; a prediction that was made is answered on all of them."""
    async with address:
        with pytest.raises(EventsUnavailable, match="ValueError"):
            await publisher.hub.send([b"x" * 2_000_000], {}, timeout_s=TIMEOUT_S)


async def test_a_hub_that_is_away_cannot_say_who_it_is(publisher: Publisher) -> None:
    """Capture must not guess an incarnation: it would file events under a hub that never was."""
    with pytest.raises(EventsUnavailable):
        await publisher.hub.incarnation(timeout_s=TIMEOUT_S)


async def test_with_capture_off_nothing_is_kept_and_that_is_said() -> None:
    off = CaptureOff()
    actual = Actual(id="1", model="flights", prediction_id=None, external_id="a", at="2026-03-01", value=1)

    assert await off.keep(predictions(NOW, 1)) is Kept.OFF
    assert await off.keep_actuals([actual], request_id="request") is Kept.OFF


async def at_once(publisher: Publisher, requests: int) -> list[Kept]:
    """Return how requests were kept that came together; each is answered in time."""
    started = time.monotonic()
    kept = await asyncio.gather(*(publisher.keep(predictions(NOW, 1)) for _ in range(requests)))
    assert time.monotonic() - started < 2 * TIMEOUT_S
    return list(kept)

"""With the hub away nobody waits for it, nothing is lost while there is storage, and what is lost is cried out."""

import asyncio
import gc
import json
import logging
import socket
import time
from collections import Counter
from pathlib import Path

import pytest

from infra.local.eventhubs.emulator import Emulator
from shared.blobs import Blobs, service
from shared.capture.publishing.publisher import Publisher
from shared.capture.publishing.spool import FOLDER
from shared.clock import Clock
from shared.scoring.prediction import Kept
from tests.chaos.proxies.tcp import Line, TcpProxy
from tests.integration.capture.conftest import CONFIG
from tests.integration.capture.delivery import predictions, received
from tests.integration.capture.publishing import TIMEOUT_S, ids_of, publisher, without_storage

NOW = Clock.real()
LOST = "records lost"


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


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
async def test_a_connection_that_nobody_answers_is_not_used_again(
    address: Emulator, tmp_path: Path, storage: Blobs
) -> None:
    """A device between here and the hub may forget a connection and tell nobody: every probe would go into it for ever."""
    async with address, TcpProxy(to=address.port) as proxy:
        publishing = publisher(Emulator(CONFIG, tmp_path / "nowhere", port=proxy.port), storage)
        before = await publishing.keep(predictions(NOW, 1))
        proxy.line = Line.HALF_OPEN
        proxy.line = Line.OPEN
        after = await until_acked(publishing)
        await publishing.close()
    gc.collect()

    assert before is Kept.ACKED
    assert after[0] is Kept.SPOOLED
    assert after[-1] is Kept.ACKED


# The SDK leaves the connection it was interrupted in to the garbage collector, which warns when it closes it.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
async def test_hub_and_storage_that_say_nothing_are_given_up_in_time(address: Emulator) -> None:
    """However many wait, and however long the first ones took: nobody waits for the time-outs of others as well."""
    with socket.create_server(("127.0.0.1", address.port)), socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        blobs = Blobs(service(f"AccountName=a;AccountKey=a2V5;BlobEndpoint=http://127.0.0.1:{port}/a;"))
        publishing = publisher(address, blobs)
        started = time.monotonic()
        first = asyncio.ensure_future(publishing.keep(predictions(NOW, 1)))
        await asyncio.sleep(0.1)
        kept = await asyncio.gather(first, *(publishing.keep(predictions(NOW, 1)) for _ in range(20)))
        took_s = time.monotonic() - started
        await publishing.close()
        await blobs.close()
    gc.collect()

    assert set(kept) == {Kept.LOST}
    assert took_s < 2 * TIMEOUT_S + 2.0


async def test_a_connection_that_was_idle_for_long_is_no_outage(tmp_path: Path, storage: Blobs) -> None:
    """The hub closes it after some minutes, and at night every request would be the first for as long."""
    async with Emulator(CONFIG, tmp_path / "hub", idle_timeout_s=1.0) as address:
        publishing = publisher(address, storage)
        kept = [await publishing.keep(predictions(NOW, 1))]
        await asyncio.sleep(3.0)
        kept.append(await publishing.keep(predictions(NOW, 1)))
        await publishing.close()

    assert kept == [Kept.ACKED, Kept.ACKED]


async def test_with_storage_down_a_hub_that_came_back_is_found_all_the_same(address: Emulator) -> None:
    """The spool is no condition for the probe: without the one, the other is all there is."""
    async with without_storage(address) as publishing:
        during = await publishing.keep(predictions(NOW, 1))
        async with address:
            after = await until_acked(publishing)

    assert during is Kept.LOST
    assert set(after) <= {Kept.LOST, Kept.ACKED}


async def test_what_nobody_waits_for_is_spooled_too_when_the_hub_is_down(address: Emulator, storage: Blobs) -> None:
    publishing = publisher(address, storage, waits=False)
    rows = predictions(NOW, 2)

    kept = await publishing.keep(rows)
    await publishing.close()

    assert kept is Kept.SENT
    assert await spooled(storage) == Counter(one.id for one in rows)


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

"""The hub is down or silent, storage refuses or dawdles, for real seconds and under load: nobody is told, nothing is lost."""

import asyncio
import contextlib
import random
import signal
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Final

import pytest

from shared.clock import Clock
from tests.chaos import campaign, corruption
from tests.chaos.fleet import CAPTURE_TIMEOUT_S, Fleet, fleet
from tests.chaos.ledger import Ledger
from tests.chaos.load import Load
from tests.chaos.proxies.storage import Fault
from tests.chaos.proxies.tcp import Line

BEGIN: Final = datetime(2026, 3, 1, 9, tzinfo=UTC)
REQUESTS_A_SECOND: Final = 50


@pytest.fixture(scope="module")
async def rivals(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Fleet]:
    """Two hosts that each take all partitions for their own: a fight that goes on through every test here."""
    clock = Clock.starting(BEGIN, speed=1_800.0)
    folder = tmp_path_factory.mktemp("rivals")
    async with fleet(folder, hosts=2, clock=clock, rivals=True) as running:
        yield running


@contextlib.asynccontextmanager
async def loaded(rivals: Fleet, name: str) -> AsyncIterator[Load]:
    """Send 50 requests a second, a little longer than the block takes on both sides."""
    load = Load(
        Ledger(rivals.system.folder / f"{name}.jsonl"),
        rivals.addresses,
        rivals.system.key(),
        random.Random(7),
        rows_a_second=REQUESTS_A_SECOND * 1.5,
        most_rows=2,
        # So many that one may wait for some seconds and the pace is kept.
        senders=4 * REQUESTS_A_SECOND,
        history=[],
    )
    over = asyncio.Event()
    sending = asyncio.create_task(load.send_until(over.is_set))
    try:
        await asyncio.sleep(3.0)
        yield load
        await asyncio.sleep(1.0)
    finally:
        over.set()
        await sending


async def assert_kept(rivals: Fleet, load: Load) -> None:
    """Every request was answered the first time, everything is at rest once, and nothing waits any more."""
    assert not load.ledger.broken
    assert set(load.ledger.kept) <= {"acked", "spooled"}
    findings = await campaign.truth(rivals, load.ledger)
    assert findings.nothing_is_wrong, findings


def said_between(load: Load, began: float, ended: float) -> set[str]:
    """Return what ``capture`` said of requests that were sent in a span of (monotonic) time."""
    return {one.capture for one in load.history or () if began < one.at < ended}


async def test_hosts_that_fight_for_partitions_keep_everything_once(rivals: Fleet) -> None:
    """The measure for all that follows: without faults, with two owners of every partition."""
    async with loaded(rivals, "fight") as load:
        pass

    await assert_kept(rivals, load)


async def test_a_hub_that_is_down_for_half_a_minute_is_bridged_by_the_spool(rivals: Fleet) -> None:
    async with loaded(rivals, "down") as load:
        rivals.system.process("eventhubs").signal(signal.SIGKILL)
        began = time.monotonic()
        await asyncio.sleep(30.0)
        ended = time.monotonic()
        await rivals.restart_hub(signal.SIGKILL)

    # An acknowledgement that was under way at the beginning may still have arrived.
    assert said_between(load, began + 0.5, ended) == {"spooled"}
    await assert_kept(rivals, load)


async def test_a_hub_that_says_nothing_holds_no_answer_up_for_long(rivals: Fleet) -> None:
    """Connections that are half-open end by nobody's word: only a time-out finds out."""
    async with loaded(rivals, "silent") as load:
        rivals.hub.line = Line.HALF_OPEN
        await asyncio.sleep(6.0)
        rivals.hub.line = Line.OPEN

    assert load.ledger.kept["spooled"] > 0
    assert max(one.took_s for one in load.history or ()) < CAPTURE_TIMEOUT_S + 2.0
    await assert_kept(rivals, load)


async def test_what_the_hub_took_without_a_word_is_kept_once(rivals: Fleet) -> None:
    """The commit is spooled and sent again: the hub has it twice, at another time and perhaps elsewhere."""
    async with loaded(rivals, "muted") as load:
        rivals.hub.line = Line.MUTED
        await asyncio.sleep(1.5 * CAPTURE_TIMEOUT_S)
        rivals.hub.line = Line.OPEN

    await assert_kept(rivals, load)


async def test_storage_that_dawdles_and_then_refuses_for_a_while_makes_capture_pause(rivals: Fleet) -> None:
    """A key that was rotated, a firewall: 403 is no reason to set anything aside, nor to go on without it."""
    async with loaded(rivals, "refused") as load:
        rivals.storage.delay_s = 0.5
        await asyncio.sleep(4.0)
        rivals.storage.delay_s, rivals.storage.share, rivals.storage.faults = 0.0, 1.0, (Fault.FORBIDDEN,)
        await asyncio.sleep(4.0)
        rivals.storage.share = 0.0

    assert rivals.storage.met["FORBIDDEN"] > 0
    await assert_kept(rivals, load)


async def test_the_account_closes_after_all_of_that(rivals: Fleet) -> None:
    code, account = await corruption.verify(rivals.system)

    assert (code, account["wrong"]) == (0, [])
    assert account["totals"]["doubles"] > 0, "no acknowledgement was lost: less was tried than is said here"

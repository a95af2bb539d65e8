"""The functions host dies in the middle of a stream."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

from infra.local.demo import outcome
from infra.local.demo.traffic import Traffic, traffic
from infra.local.system import System
from shared.hours import Hour
from tests.flying import flying, sealed


async def test_sigkill_in_a_stream_loses_no_acknowledged_row_and_doubles_none(tmp_path: Path) -> None:
    """What was acknowledged is at rest once; requests that broke off are sent again and counted apart."""
    async with flying(tmp_path, hours=8) as (system, hours):
        async with (
            traffic(system.url, system.key(), "flights", system.clock) as sender,
            _killed_meanwhile(system, sender),
        ):
            for hour, some in hours.items():
                await sender.send_hour(hour, some)
        found = await sealed(system, Hour.containing(system.clock.now()))

    ledger = sender.ledger
    lost, doubled = outcome.lost_and_doubled(ledger, found)
    assert ledger.broken > 0, "the host was killed between two requests: nothing was tried"
    assert len(ledger.acknowledged) == ledger.rows == sum(map(len, hours.values()))
    assert (lost, doubled) == (0, 0)
    # Rows of broken requests may have been kept before the answer broke off: at most those are there besides.
    assert 0 <= len(found.predictions) - ledger.rows <= ledger.broken * 6


@contextlib.asynccontextmanager
async def _killed_meanwhile(system: System, sender: Traffic) -> AsyncIterator[None]:
    """Kill the host while requests are under way, and start it again."""

    async def kill() -> None:
        while sender.ledger.rows < 60:  # noqa: ASYNC110 - the sender is the demo's, and signals nothing
            await asyncio.sleep(0.001)
        system.kill_host()
        await asyncio.to_thread(system.start_host)

    killing = asyncio.create_task(kill())
    yield
    await killing

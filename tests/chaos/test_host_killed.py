"""The functions host dies in the middle of a stream."""

import asyncio
import contextlib
import json
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from infra.local.demo import flights as data
from infra.local.demo import outcome, training
from infra.local.demo.traffic import Ledger, Traffic, traffic
from infra.local.processes import HERE
from infra.local.system import System
from shared.blobs import Blobs, service
from shared.clock import Clock
from shared.hours import Hour

BEGIN = Hour.parse("2013-07-01T09")
HOURS = 8
SCHEDULES = {"SEAL_SCHEDULE": "0 20 * * * *", "MONITOR_SCHEDULE": "0 40 * * * *", "DELIVER_SCHEDULE": "0 50 * * * *"}
# Short, so that what a killed host held is soon another's.
QUICK = ("--ownership-s", "4", "--lease-s", "15")


@pytest.fixture(scope="module")
def flights(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[System, dict[Hour, list[data.Flight]]]]:
    """Return a system in which the demo's model answers, and some hours of flights."""
    folder: Path = tmp_path_factory.mktemp("killed")
    table = data.load()
    learned = data.between(table, Hour.parse("2013-01-01T00"), Hour.parse("2013-02-01T00"))
    model, training_data = training.write(folder / "model", learned)
    clock = Clock.starting(BEGIN.plus(-1).start, speed=1_800.0)
    with System.in_folder(folder, clock=clock, settings=SCHEDULES, host_options=QUICK) as system:
        _manage(system, "register", "flights", "1", "--model", str(model), "--training-data", str(training_data))
        _manage(system, "promote", "flights", "1")
        first = Hour.containing(system.clock.now()).plus(1)
        yield system, data.by_hour(data.flights(data.between(table, first, first.plus(HOURS))))


def _manage(system: System, *arguments: str) -> None:
    extra = ("--actual", data.ACTUAL, "--time", data.TIME) if arguments[0] == "register" else ()
    command = [sys.executable, "manage.py", *arguments, *extra, "--json"]
    done = subprocess.run(command, env=system.environment, cwd=HERE, check=True, capture_output=True)
    assert json.loads(done.stdout)["model"] == "flights"


async def test_sigkill_in_a_stream_loses_no_acknowledged_row_and_doubles_none(
    flights: tuple[System, dict[Hour, list[data.Flight]]],
) -> None:
    """What was acknowledged is at rest once; requests that broke off are sent again and counted apart."""
    system, hours = flights

    async with traffic(system.url, system.key(), "flights", system.clock) as sender:
        async with _killed_meanwhile(system, sender):
            for hour, some in hours.items():
                await sender.send_hour(hour, some)
        last = Hour.containing(system.clock.now())
        found = await _sealed(system, last)

    ledger: Ledger = sender.ledger
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


async def _sealed(system: System, last: Hour) -> outcome.Stored:
    """Return what is at rest once everything up to ``last`` is sealed."""
    blobs = Blobs(service(system.settings["STORAGE"]))
    deadline = time.monotonic() + 90
    try:
        while time.monotonic() < deadline:
            before = await outcome.sealed_before(blobs)
            if before is not None and before > last:
                return await outcome.stored(blobs)
            await asyncio.sleep(0.5)
    finally:
        await blobs.close()
    raise AssertionError(f"not sealed in time:\n{system.log('host')[-3000:]}")

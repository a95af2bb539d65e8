"""The demo's flights and model, in a system of the tests' own."""

import asyncio
import contextlib
import json
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

from infra.local.demo import flights as data
from infra.local.demo import outcome, training
from infra.local.processes import HERE
from infra.local.system import System
from shared.blobs import Blobs, service
from shared.clock import Clock
from shared.hours import Hour

BEGIN = Hour.parse("2013-07-01T09")
SCHEDULES = {
    "DRAIN_SCHEDULE": "0 10 * * * *",
    "SEAL_SCHEDULE": "0 20 * * * *",
    "ACCOUNT_SCHEDULE": "0 30 * * * *",
    "JOIN_SCHEDULE": "0 35 * * * *",
    "MONITOR_SCHEDULE": "0 40 * * * *",
    "DECIDE_SCHEDULE": "0 45 * * * *",
    "DATASETS_SCHEDULE": "0 55 * * * *",
    "DELIVER_SCHEDULE": "0 50 * * * *",
}
# Short, so that what a killed host held is soon another's.
QUICK = ("--ownership-s", "4", "--lease-s", "15")


@contextlib.asynccontextmanager
async def flying(
    folder: Path, *, hours: int, python: str = sys.executable, host_options: tuple[str, ...] = QUICK
) -> AsyncIterator[tuple[System, dict[Hour, list[data.Flight]]]]:
    """Start a system in which the demo's model answers, and find the flights of the hours to come."""
    table = await asyncio.to_thread(data.load)
    learned = data.between(table, Hour.parse("2013-01-01T00"), Hour.parse("2013-02-01T00"))
    model, training_data = await asyncio.to_thread(training.write, folder / "model", learned)
    clock = Clock.starting(BEGIN.plus(-1).start, speed=1_800.0)
    options = ("--actual", data.ACTUAL, "--time", data.TIME)
    system = System.in_folder(folder, clock=clock, settings=SCHEDULES, python=python, host_options=host_options)
    try:
        await asyncio.to_thread(system.start)
        registered = ("register", "flights", "1", f"--model={model}", f"--training-data={training_data}", *options)
        await asyncio.to_thread(manage, system, *registered)
        await asyncio.to_thread(manage, system, "promote", "flights", "1")
        first = Hour.containing(system.clock.now()).plus(1)
        yield system, data.by_hour(data.flights(data.between(table, first, first.plus(hours))))
    finally:
        await asyncio.to_thread(system.stop)


def manage(system: System, *arguments: str) -> dict[str, object]:
    """Run one command of the command line, and return its answer."""
    command = [sys.executable, "manage.py", *arguments, "--json"]
    done = subprocess.run(command, env=system.environment, cwd=HERE, check=False, capture_output=True)
    assert done.returncode == 0, done.stderr.decode()
    answer: dict[str, object] = json.loads(done.stdout)
    return answer


async def sealed(system: System, last: Hour) -> outcome.Stored:
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

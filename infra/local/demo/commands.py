"""Run the command line on the demo's system, as a person would."""

import asyncio
import contextlib
import json
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import aiohttp

from infra.local.demo import flights as data
from infra.local.system import System
from shared.hours import Hour

MODEL: Final = "flights"
CHAMPION: Final = "1"
CHALLENGER: Final = "2"

DELAY_HOURS: Final = 18
"""So long after a day it is decided about: of the flights of July the last is reported seventeen hours after departing."""

_MONITOR: Final = f"""\
# What two points of accuracy are worth over two weeks: 0.02 x 14 days = 0.28 mean losses times days.
retrain_cost: {{points: 2, days: 14}}
# Of the flights of July the last is reported seventeen hours after its departure.
actuals_delay: PT{DELAY_HOURS}H
"""
_DAILY: Final = "schedule: {frequency: day}\n"
_VERSION: Final = ("--model", MODEL, "--version", CHAMPION)


async def manage(system: System, *arguments: str) -> dict[str, Any]:
    """Run one command and return its answer; where the story is interrupted, the command is ended as well.

    Raises:
        CalledProcessError: it could not do what was asked; why, it has said on standard error.
    """
    command = [sys.executable, "manage.py", *arguments, "--json"]
    process = await asyncio.create_subprocess_exec(*command, env=system.environment, stdout=subprocess.PIPE)
    try:
        said, _ = await process.communicate()
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
            await process.wait()
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    answer: dict[str, Any] = json.loads(said)
    return answer


async def run_now(system: System, timer: str) -> None:
    """Have a timer's function run, whatever the clock says; it has begun when this returns."""
    headers = {"x-functions-key": system.key("master")}
    async with (
        aiohttp.ClientSession(headers=headers, raise_for_status=True) as session,
        session.post(f"{system.url}/admin/functions/{timer}"),
    ):
        pass


async def register(system: System, model: Path, training_data: Path) -> None:
    """Register the model that learned."""
    files = ("--model", str(model), "--training-data", str(training_data))
    await manage(system, "register", MODEL, CHAMPION, *files, "--actual", data.ACTUAL, "--time", data.TIME)


async def promote(system: System) -> None:
    """Have it answer."""
    await manage(system, "promote", MODEL, CHAMPION, "--as", "champion")


async def configure(system: System, folder: Path) -> None:
    """Say what a retrain costs, and how long actuals take; the file is left in ``folder``."""
    config = folder / "monitor.yaml"
    config.write_text(_MONITOR)
    await manage(system, "monitor", MODEL, "--config", str(config))


async def bring_in(system: System, history: Path) -> int:
    """Import what the model would have answered before, with what turned out; return how many actuals that were."""
    told = ("--actual", data.ACTUAL, "--actual-time", data.KNOWN_AT)
    columns = ("--time", data.TIME, "--external-id", "key", *told)
    answer = await manage(system, "import", str(history), *_VERSION, *columns, "--skip-bad")
    return int(answer["actuals"])


async def retrain(system: System, first: Hour, end: Hour) -> dict[str, Any]:
    """Have a challenger learn from a dataset of these hours, and return what is said of it."""
    trainer = shlex.join([sys.executable, "-m", "infra.local.demo.trainer"])
    # By the next midnight all of these had landed: the dataset is the same whenever it is made.
    hours = ("--from", first.key, "--to", end.key, "--as-of", end.plus(24).start.isoformat())
    return await manage(system, "retrain", MODEL, "--version", CHALLENGER, "--trainer", trainer, *hours)


async def replay(system: System, folder: Path, first: Hour, end: Hour) -> dict[str, Any]:
    """Return what the monitor would have said of these hours, looking once a day."""
    config = folder / "daily.yaml"
    config.write_text(_DAILY)
    return await manage(system, "backtest", *_VERSION, "--config", str(config), "--from", first.key, "--to", end.key)


async def decide(system: System) -> None:
    """Decide now: what was decided while joining lagged behind is measured again."""
    await manage(system, "decide", MODEL)


async def actuals_status(system: System) -> dict[str, Any]:
    """Return what became of the actuals."""
    answer = await manage(system, "actuals", "--status", MODEL)
    status: dict[str, Any] = answer["models"][0]
    return status

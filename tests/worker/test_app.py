"""Driftline itself, loaded and run by the real worker library."""

import asyncio
import time
from pathlib import Path
from typing import Any

import aiohttp

from infra.local.demo import outcome
from infra.local.demo.flights import Flight
from infra.local.demo.traffic import traffic
from infra.local.system import System
from shared.hours import Hour
from tests.flying import QUICK, flying, sealed

_PAGES = (
    "/api/health",
    "/api/models",
    "/api/models/flights",
    "/api/models/flights/versions/1",
    "/api/models/flights/evaluation",
    "/api/models/flights/datasets",
)


async def test_every_function_runs_in_the_real_worker(worker_python: Path, tmp_path: Path) -> None:
    """A scored row becomes an alert: score, actuals, capture, seal, monitor, deliver, and every page that can be read."""
    options = (*QUICK, "--engine", "worker")
    async with flying(tmp_path, hours=6, python=str(worker_python), host_options=options) as (system, hours):
        async with traffic(system.url, system.key(), "flights", system.clock) as sender:
            under_way: list[Flight] = []
            for hour, some in hours.items():
                await sender.send_hour(hour, some)
                under_way = await sender.send_actuals([*under_way, *some], system.clock.now())
            row = next(iter(hours.values()))[0].features
            path = "/api/models/flights/versions/1/score"
            async with sender.session.post(system.url + path, json={"data": [row]}) as response:
                by_version = await response.json()
        found = await sealed(system, Hour.containing(system.clock.now()))
        alerts = await _alerts(system)
        pages = await _pages(system)
        engine = await _engine(system)

    assert engine == "worker"
    assert outcome.lost_and_doubled(sender.ledger, found) == (0, 0)
    assert by_version["capture"] == "acked"
    assert found.predictions[by_version["ids"][0]] == 1
    assert found.actuals == sender.ledger.actuals > 0
    assert any(alert["type"] == "alert.opened" and alert["data"]["signal"] == "drift" for alert in alerts)
    assert not [alert for alert in alerts if alert["data"]["model"] == "_none"], "the account closes all the while"
    assert pages == dict.fromkeys(_PAGES, 200)


async def _alerts(system: System) -> list[dict[str, Any]]:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        alerts = await outcome.delivered(system.sinks_url)
        if alerts:
            return alerts
        await asyncio.sleep(0.5)
    raise AssertionError(f"no alert arrived:\n{system.log('host')[-3000:]}")


async def _pages(system: System) -> dict[str, int]:
    found: dict[str, int] = {}
    async with aiohttp.ClientSession(headers={"x-functions-key": system.key()}) as session:
        for page in _PAGES:
            async with session.get(system.url + page) as response:
                found[page] = response.status
    return found


async def _engine(system: System) -> str:
    headers = {"x-functions-key": system.key("master")}
    async with aiohttp.ClientSession(headers=headers) as session, session.get(f"{system.url}/admin/host/status") as got:
        engine: str = (await got.json())["engine"]
        return engine

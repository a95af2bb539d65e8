"""Can everything be reached?"""

import asyncio

import pytest

from shared import health
from shared.errors import StorageUnavailable
from shared.health import Health


async def reached() -> None:
    await asyncio.sleep(0.01)


async def failing() -> None:
    raise StorageUnavailable("captures", reason="secret.example.com is down")


async def hanging() -> None:
    await asyncio.sleep(3_600)


async def test_everything_that_is_reached_is_ok_with_its_time() -> None:
    report = await Health({"storage": reached, "event_hubs": reached}, lambda: {"sent": 1}).report()

    assert report.status == "ok"
    assert report.telemetry == {"sent": 1}
    assert all(one.reached and 5.0 <= one.duration_ms < 5_000 for one in report.dependencies.values())


async def test_one_that_fails_is_named_by_its_code_and_hides_no_other() -> None:
    """The answer is for anybody who asks, so it names no address."""
    report = await Health({"storage": failing, "event_hubs": reached}, lambda: None).report()

    assert report.status == "failing"
    assert report.dependencies["storage"].reason == "storage_unavailable"
    assert report.dependencies["event_hubs"].reached


async def test_one_that_hangs_is_given_up_and_holds_up_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """A health check that hangs is taken for an instance that is dead."""
    monkeypatch.setattr(health, "_TIMEOUT_S", 0.2)
    asked = Health({"storage": hanging, "event_hubs": hanging, "other": reached}, lambda: None)

    async with asyncio.timeout(1.0):
        report = await asked.report()

    assert report.dependencies["storage"].reason == "no answer within 0.2 s"
    assert report.dependencies["other"].reached

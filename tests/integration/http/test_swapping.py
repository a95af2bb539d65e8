"""While requests come without a pause, versions are promoted and retired: no other request notices."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field

import pytest

from infra.local.system import System
from shared.blobs import Blobs, service
from shared.clock import Clock
from shared.registry.manifest import CHAMPION
from shared.registry.recent import FRESH_S
from shared.registry.store import Registry
from tests.flying import manage
from tests.integration.http.conftest import Call
from tests.integration.models import answer, registered

LOADING_S = 10.0
"""More than a small file takes, on a machine that does other work as well."""

CALLERS = 4
BY_MODEL = "/api/models/flights/score"
BY_VERSION = {version: f"/api/models/flights/versions/{version}/score" for version in "123"}


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """A system of these tests' own, with three versions, of which the first answers."""
    with System.in_folder(tmp_path_factory.mktemp("swapping")) as running:
        asyncio.run(_register(running.settings["STORAGE"]))
        yield running


async def _register(storage: str) -> None:
    blobs = Blobs(service(storage))
    registry = Registry(blobs, Clock.real())
    for version in BY_VERSION:
        one = registered("flights", version)
        await registry.register(one.manifest, files=one.files)
    await registry.promote("flights", "1", alias=CHAMPION)
    await blobs.close()


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back from ``path``, and when it was asked; ``said`` is the version, or the code of the problem."""

    path: str
    asked_at: float
    status: int
    said: str
    predictions: list[float]


@dataclass
class Load:
    """Callers who ask all paths in turn, and what they were answered."""

    call: Call
    paths: tuple[str, ...]
    answers: list[Answer] = field(default_factory=list)
    more: asyncio.Event = field(default_factory=asyncio.Event)

    async def go_on(self) -> None:
        """Ask without a pause."""
        while True:
            for path in self.paths:
                asked_at = time.monotonic()
                answered = await self.call("POST", path, {"data": [[10.0, "AA"]]})
                said = answered.body.get("version") or answered.body["code"]
                predictions = answered.body.get("predictions", [])
                self.answers.append(Answer(path, asked_at, answered.status, said, predictions))
                self.more.set()

    async def until(self, holds: Callable[[Answer], bool]) -> float:
        """Wait for an answer to a later request for which that holds, and return when it had been given."""
        begun, looked_at = time.monotonic(), len(self.answers)
        async with asyncio.timeout(FRESH_S + LOADING_S):
            while not any(one.asked_at >= begun and holds(one) for one in self.answers[looked_at:]):
                self.more.clear()
                await self.more.wait()
        return time.monotonic()

    def between(self, begin: float, end: float) -> list[Answer]:
        """Return the answers to what was asked in that time."""
        return [one for one in self.answers if begin <= one.asked_at < end]


@contextlib.asynccontextmanager
async def under_load(call: Call, *paths: str) -> AsyncIterator[Load]:
    """Have callers ask as long as the block lasts; what breaks a caller breaks the test."""
    load = Load(call, paths)
    callers = [asyncio.ensure_future(load.go_on()) for _ in range(CALLERS)]
    try:
        yield load
    finally:
        for caller in callers:
            caller.cancel()
        ended = await asyncio.gather(*callers, return_exceptions=True)
    assert all(isinstance(one, asyncio.CancelledError) for one in ended), ended


async def test_a_promotion_swaps_who_answers_without_a_failed_request(call: Call, system: System) -> None:
    """Each answer is wholly of one version; and once the new one has answered, nobody gets the old one again."""
    settled: list[tuple[str, list[Answer]]] = []
    async with under_load(call, BY_MODEL) as load:
        await load.until(lambda one: one.said == "1")
        for version in ("2", "1", "3", "2"):
            await asyncio.to_thread(manage, system, "promote", "flights", version)
            seen = await load.until(lambda one, wanted=version: one.said == wanted)  # type: ignore[misc]
            later = await load.until(lambda one, wanted=version: one.said == wanted)  # type: ignore[misc]
            settled.append((version, load.between(seen, later)))

    assert {one.status for one in load.answers} == {200}
    assert all(one.predictions == [answer(10, version=one.said)] for one in load.answers)
    assert {one.said for one in load.answers} == {"1", "2", "3"}
    for version, answers in settled:
        assert {one.said for one in answers} == {version}


async def test_a_version_that_is_retired_is_gone_and_all_others_answer(call: Call, system: System) -> None:
    await asyncio.to_thread(manage, system, "promote", "flights", "1")
    async with under_load(call, BY_MODEL, *BY_VERSION.values()) as load:
        await load.until(lambda one: one.path == BY_VERSION["3"] and one.status == 200)
        await asyncio.to_thread(manage, system, "retire", "flights", "3")
        gone = await load.until(lambda one: one.status == 410)
        await load.until(lambda one: one.path == BY_VERSION["3"])
        retired = load.between(gone, time.monotonic())
        shown = await call("GET", "/api/models/flights/versions/3")
        await asyncio.to_thread(manage, system, "retire", "flights", "3", "--undo")
        await load.until(lambda one: one.path == BY_VERSION["3"] and one.status == 200)

    of_the_retired = [one for one in retired if one.path == BY_VERSION["3"]]
    assert {(one.status, one.said) for one in of_the_retired} == {(410, "version_retired")}
    assert shown.body["retired_at"] is not None
    others = [one for one in load.answers if one.path != BY_VERSION["3"]]
    assert {one.status for one in others} == {200}
    assert all(one.predictions == [answer(10, version=one.said)] for one in others)

"""Killed before any of its writes, an erasure that is run again comes to the same.

Storage is in memory, with the conditions of Blob Storage; everything that is done over it is the app's.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from shared.blobs import Appended
from shared.capture.dead import DeadLetters, Wanted
from shared.hours import Hour
from tests.integration.actuals.world import actual
from tests.integration.erasing.gone import again, assert_gone, erase
from tests.integration.erasing.inhabited import OPEN, Inhabited
from tests.integration.interleaving import at_once, dying
from tests.integration.sealing.batches import id_of, prediction
from tests.integration.sealing.conftest import NINE
from tests.integration.stored import Killed
from tests.memory import Memory, MemoryBlobs


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asyncio, "to_thread", at_once)


async def test_killed_before_any_write_and_run_again_it_is_done(first: tuple[Memory, Inhabited]) -> None:
    memory, made = again(first)
    before = memory.writes
    await erase(made)
    writes = memory.writes - before

    for after in range(writes):
        memory, made = again(first)
        with pytest.raises(Killed):
            await ended(erase(made, MemoryBlobs(memory, before_write=dying(after))))
        assert [one.model for one in await made.erasing().unfinished()] == ["flights"] * bool(after)

        await erase(made)

        await assert_gone(made)
        assert await made.erasing().unfinished() == []
    assert writes > 40


async def test_sealing_goes_on_wherever_an_erasure_was_killed(first: tuple[Memory, Inhabited]) -> None:
    """A record that is sent again is looked for in hours of which half was done: by whoever is started then."""
    memory, made = again(first)
    before = memory.writes
    await erase(made)

    for after in range(memory.writes - before):
        memory, made = again(first)
        with pytest.raises(Killed):
            await ended(erase(made, MemoryBlobs(memory, before_write=dying(after))))

        await made.capture(*made.others[:2], at=OPEN + timedelta(minutes=40))
        await made.seal(OPEN + timedelta(hours=1, minutes=20))
        await erase(made)

        await assert_gone(made)


async def test_joining_goes_on_wherever_an_erasure_was_killed(first: tuple[Memory, Inhabited]) -> None:
    """The actuals of others find their predictions in an hour of which half was done, by id and by external id."""
    memory, made = again(first)
    before = memory.writes
    await erase(made)

    for after in range(memory.writes - before):
        memory, made = again(first)
        with pytest.raises(Killed):
            await ended(erase(made, MemoryBlobs(memory, before_write=dying(after))))

        told = [actual(made.others[70], 1.0), actual(None, 0.0, external_id="other 80")]
        await made.capture(*told, at=OPEN + timedelta(minutes=40))
        await made.seal(OPEN + timedelta(hours=1, minutes=20))
        await made.world().join()

        joined = {row["_id"] for row in await made.world().joined()}
        assert {id_of(made.others[70]), id_of(made.others[80])} <= joined
        await erase(made)
        await assert_gone(made)


class Meanwhile(MemoryBlobs):
    """An erasure's way to a memory, in which something happens before the first write to a path that holds some text.

    Where it ``ends_after`` text as well, it is killed once it has replaced such a path from then on.
    """

    def __init__(
        self, memory: Memory, text: str, happens: Callable[[], Awaitable[None]], *, ends_after: str | None = None
    ) -> None:
        super().__init__(memory)
        self._text = text
        self._happens = happens
        self._ends_after = ends_after
        self.has_happened = False

    async def create(self, path: str, data: bytes) -> str:
        await self._first(path)
        return await super().create(path, data)

    async def append(self, path: str, data: bytes, *, position: int) -> Appended:
        await self._first(path)
        return await super().append(path, data, position=position)

    async def replace(self, path: str, data: bytes, *, etag: str) -> str:
        await self._first(path)
        written = await super().replace(path, data, etag=etag)
        if self.has_happened and self._ends_after is not None and self._ends_after in path:
            raise Killed
        return written

    async def _first(self, path: str) -> None:
        if self._text in path and not self.has_happened:
            self.has_happened = True
            await self._happens()


async def test_a_row_that_came_meanwhile_goes_only_once_its_id_is_written_down(
    first: tuple[Memory, Inhabited],
) -> None:
    """Killed right after it went, nobody knows by what it would be known again."""
    memory, made = again(first)
    late = made.person(OPEN + timedelta(minutes=10))

    async def captured_and_sealed() -> None:
        await made.capture(late, at=OPEN + timedelta(minutes=10))
        await made.seal(OPEN + timedelta(hours=1, minutes=20))

    blobs = Meanwhile(memory, "captures/logs/", captured_and_sealed, ends_after=f"{Hour.containing(OPEN).folder}/rows-")
    with pytest.raises(Killed):
        await ended(erase(made, blobs))
    made.own.append(late)
    await erase(made)
    await made.capture(late, at=OPEN + timedelta(hours=1, minutes=30))

    await made.seal(OPEN + timedelta(hours=3))

    assert id_of(late) not in {row["_id"] for row in await made.rows("_id")}


async def test_letters_of_others_that_come_while_a_log_is_taken_can_still_be_sent_again(
    first: tuple[Memory, Inhabited],
) -> None:
    """They are appended between what is read of the log and its end."""
    memory, made = again(first)
    late = prediction(NINE, version="9")

    async def set_aside() -> None:
        await made.capture(late, at=NINE)

    blobs = Meanwhile(memory, "captures/dead/", set_aside)
    await erase(made, blobs)

    assert blobs.has_happened
    letters = [one async for one in DeadLetters(made.blobs, made.stages.hub, made.stages.registry()).find(Wanted())]
    records = [bytes(one.letter.record) for one in letters if isinstance(one.letter.record, msgspec.Raw)]
    assert len(records) == 2
    assert id_of(late) in map(id_of, records)
    await assert_gone(made)


async def ended(doing: Any) -> Any:  # noqa: ANN401 - whatever it is
    """Return what something returns; what several tasks died of at once is one death."""
    try:
        return await doing
    except BaseExceptionGroup as group:
        if group.split(Killed)[1] is None:
            raise Killed from None
        raise

"""Killed before any of its writes, an erasure that is run again comes to the same.

Storage is in memory, with the conditions of Blob Storage; everything that is done over it is the app's.
"""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from tests.integration.actuals.world import actual
from tests.integration.erasing.gone import again, assert_gone, erase
from tests.integration.erasing.inhabited import OPEN, Inhabited
from tests.integration.interleaving import at_once, dying
from tests.integration.sealing.batches import id_of
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


async def ended(doing: Any) -> Any:  # noqa: ANN401 - whatever it is
    """Return what something returns; what several tasks died of at once is one death."""
    try:
        return await doing
    except BaseExceptionGroup as group:
        if group.split(Killed)[1] is None:
            raise Killed from None
        raise

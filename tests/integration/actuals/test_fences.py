"""Deaths at every write, joiners that meet, and what goes wrong where a fence is taken out."""

import asyncio
from typing import Any

import pytest

from shared.actuals.sources import take
from shared.blobs import Blobs
from shared.errors import BlobChanged
from shared.hours import Hour
from shared.sealing.paths import UNJOINED, unjoined_path
from tests.chaos.unfenced import Overwriting
from tests.integration.actuals.world import ACTUALS, NINE, World, actual, merged, prediction, predictions_of
from tests.integration.sealing.batches import id_of
from tests.integration.stored import Killed, Mortal, everything

TEN = NINE.plus(1)
JOINED = ("captures/joins/", UNJOINED)
PROGRESS = "_progress.json"
MANIFEST = "_manifest.json"


class HeldUp(Blobs):
    """Storage of a process that is held up before it writes to a path the first time."""

    def __init__(self, blobs: Blobs, where: str) -> None:
        super().__init__(blobs._service)
        self._where = where
        self.asleep = asyncio.Event()
        self.awake = asyncio.Event()

    async def create(self, path: str, data: bytes) -> str:
        await self._wait(path)
        return await super().create(path, data)

    async def replace(self, path: str, data: bytes, *, etag: str) -> str:
        await self._wait(path)
        return await super().replace(path, data, etag=etag)

    async def _wait(self, path: str) -> None:
        if self._where in path and not self.asleep.is_set():
            self.asleep.set()
            await self.awake.wait()


class HeldUpUnfenced(HeldUp):
    """It then writes over whatever is there."""

    async def create(self, path: str, data: bytes) -> str:
        await self._wait(path)
        return await Overwriting(self._service, self._where).create(path, data)

    async def replace(self, path: str, data: bytes, *, etag: str) -> str:
        await self._wait(path)
        return await Overwriting(self._service, self._where).replace(path, data, etag=etag)


@pytest.fixture
async def story(world: World) -> World:
    """Corrections, what came early and by external id, and an hour that the next step merges."""
    world.most_actuals = 1
    made = [prediction(NINE, external_id="order 7"), prediction(NINE), prediction(TEN, external_id="order 7")]
    await world.deliver(NINE, *made[:2], actual(made[0], 1.0))
    await world.deliver(TEN, actual(made[2], 2.0), actual(None, 3.0, external_id="order 7"))
    for hours in range(2, 6):
        await world.deliver(NINE.plus(hours), actual(made[0], float(hours)))
    await world.seal()
    await world.join()
    await world.deliver(TEN, made[2], actual(made[1], 4.0))
    await world.deliver(NINE.plus(6), actual(made[0], 5.0), actual(id_of(prediction(NINE)), 1.0))
    await world.seal()
    return world


async def restored(blobs: Blobs, before: dict[str, bytes]) -> None:
    for path in await everything(blobs, *JOINED):
        await blobs.delete(path)
    for path, data in before.items():
        await blobs.create(path, data)


def that_count(stored: dict[str, bytes]) -> dict[str, bytes]:
    """Leave out what a step leaves behind and the next look deletes."""
    return {path: data for path, data in stored.items() if "/steps/" not in path}


async def test_killed_at_every_write_it_comes_to_the_same_state(story: World) -> None:
    before = await everything(story.blobs, *JOINED)
    counted = Mortal(story.blobs, writes=1_000)
    await story.join(counted)
    whole = await everything(story.blobs, *JOINED)
    writes = 1_000 - counted.writes_left
    assert writes > 20

    for survived in range(writes):
        await restored(story.blobs, before)
        with pytest.raises((Killed, BaseExceptionGroup)):
            await story.join(Mortal(story.blobs, writes=survived))
        await story.join()

        assert that_count(await everything(story.blobs, *JOINED)) == that_count(whole)


async def test_two_joiners_at_once_come_to_the_rows_of_one(story: World) -> None:
    before = await everything(story.blobs, *JOINED)
    await story.join()
    whole = await everything(story.blobs, *JOINED)
    for _ in range(5):
        await restored(story.blobs, before)

        ended = await asyncio.gather(story.join(), story.join(), return_exceptions=True)
        await story.join()

        assert all(isinstance(one, int | BlobChanged) for one in ended)
        assert that_count(await everything(story.blobs, *JOINED)) == that_count(whole)


@pytest.mark.parametrize(("kind", "is_lost"), [(HeldUp, False), (HeldUpUnfenced, True)], ids=["fenced", "unfenced"])
async def test_progress_that_is_written_late_takes_no_step_back(
    world: World, kind: type[HeldUp], *, is_lost: bool
) -> None:
    """What stood since the steps in between would stand no more, and its prediction would find nothing."""
    early, late = prediction(TEN), prediction(NINE)
    await world.deliver(NINE, actual(late, 1.0))
    await world.seal()
    zombie = kind(world.blobs, PROGRESS)
    task = asyncio.create_task(world.join(zombie))
    await zombie.asleep.wait()
    await world.deliver(TEN, actual(early, 2.0))
    await world.seal()
    await world.join()

    zombie.awake.set()
    await asyncio.gather(task, return_exceptions=True)
    await world.deliver(TEN.plus(1), early)
    await world.deliver(TEN.plus(1), late)
    await world.seal()
    await asyncio.gather(world.join(), return_exceptions=True)

    assert (len(await world.values()) < 2) is is_lost


@pytest.mark.parametrize(("kind", "is_lost"), [(HeldUp, False), (HeldUpUnfenced, True)], ids=["fenced", "unfenced"])
async def test_an_hours_manifest_that_is_written_late_takes_no_file_away(
    world: World, kind: type[HeldUp], *, is_lost: bool
) -> None:
    made = [prediction(NINE), prediction(NINE)]
    await world.deliver(NINE, *made, actual(made[0], 1.0))
    await world.seal()
    zombie = kind(world.blobs, MANIFEST)
    task = asyncio.create_task(world.join(zombie))
    await zombie.asleep.wait()
    await world.deliver(TEN, actual(made[1], 2.0))
    await world.seal()
    await world.join()

    zombie.awake.set()
    await asyncio.gather(task, return_exceptions=True)

    assert (len(await world.values()) < 2) is is_lost


class MarkedLate(Blobs):
    """Storage in which a mark is written after the manifest that it is for, and which a process dies between."""

    def __init__(self, blobs: Blobs) -> None:
        super().__init__(blobs._service)
        self._mark: tuple[str, bytes] | None = None

    async def create(self, path: str, data: bytes) -> str:
        if path.startswith(UNJOINED):
            self._mark = path, data
            return '"later"'
        etag = await super().create(path, data)
        if path.endswith(MANIFEST):
            raise Killed
        return etag


class MarkedInTime(Blobs):
    """It dies there as well."""

    def __init__(self, blobs: Blobs) -> None:
        super().__init__(blobs._service)

    async def create(self, path: str, data: bytes) -> str:
        etag = await super().create(path, data)
        if path.endswith(MANIFEST):
            raise Killed
        return etag


@pytest.mark.parametrize(("kind", "is_lost"), [(MarkedInTime, False), (MarkedLate, True)], ids=["before", "after"])
async def test_a_generation_is_marked_before_it_counts(world: World, kind: Any, *, is_lost: bool) -> None:  # noqa: ANN401 - a class of storage
    """Whoever finishes the sealing sees that it is done: nobody would mark it any more."""
    made = prediction(NINE)
    await world.deliver(NINE, made)
    await world.deliver(NINE, actual(made, 1.0))
    await world.seal((predictions_of("1"), NINE))
    with pytest.raises(Killed):
        await world.seal((ACTUALS, NINE), blobs=kind(world.blobs))

    await world.seal()
    await world.join()

    assert (len(await world.values()) < 1) is is_lost


async def test_a_mark_without_its_generation_waits(world: World) -> None:
    """Its sealer may be between the two."""
    made = prediction(NINE)
    await world.deliver(NINE, made, actual(made, 1.0))
    await world.seal((predictions_of("1"), NINE))
    await world.blobs.create(unjoined_path(ACTUALS, NINE, 0), b"")
    await world.join()
    assert not await world.values()

    await world.seal()
    await world.join()

    assert await world.values() == {id_of(made): 1.0}


async def test_a_generation_that_is_marked_again_is_not_joined_again(world: World) -> None:
    """By a sealer that was held up: the mark stays, and says which step took it."""
    made = prediction(NINE)
    await world.deliver(NINE, made, actual(made, 1.0), actual(None, 1.0, external_id="order 7"))
    await world.seal()
    await world.join()

    with pytest.raises(BlobChanged):
        await world.blobs.create(unjoined_path(ACTUALS, NINE, 0), b"")
    assert await world.join() == 0


async def test_a_mark_keeps_the_step_that_took_it_first(world: World) -> None:
    path = unjoined_path(ACTUALS, Hour.parse("2026-03-01T09"), 0)
    await world.blobs.create(path, b"")

    await take(world.blobs, [path, f"{path}1"], 1)
    await take(world.blobs, [path], 2)

    assert (await world.blobs.read(path)).data == b"1\n"


def test_the_plain_merge_is_right() -> None:
    """Everything else is compared with it."""
    made = [prediction(NINE, external_id="a"), prediction(NINE)]
    told = [actual(made[0], 1.0), actual(None, 2.0, external_id="a"), actual(made[1], 3.0), actual(made[1], 4.0)]
    at = [TEN.start, NINE.start, NINE.start, NINE.start]

    found = merged(made, [(one, when, number) for number, (one, when) in enumerate(zip(told, at, strict=True))])

    assert found == {id_of(made[0]): 1.0, id_of(made[1]): 4.0}

"""A dataset that is built while a subject is erased, or was before, holds nothing of it."""

import asyncio
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pyarrow.parquet as pq
import pytest

from shared import documents
from shared.datasets.building import Building, Machine
from shared.datasets.engines import open_engine
from shared.datasets.faults import FaultyHours
from shared.datasets.manifest import Check, DatasetManifest, Outcome
from shared.datasets.originals import Originals
from shared.datasets.paths import DATASETS, manifest_path
from shared.datasets.planning import Planning
from shared.datasets.recipe import Recipe
from shared.datasets.requests import Request, Requests, State
from shared.monitoring.evaluation import Evaluations
from shared.registry.baselines import Baselines
from shared.sealing.hours.manifests import Manifests
from tests.integration.erasing.found import all_stored, holding
from tests.integration.erasing.gone import again, assert_gone, erase
from tests.integration.erasing.inhabited import PERSON, PLACE, Inhabited
from tests.integration.erasing.test_killed import ended
from tests.integration.interleaving import HeldUp, at_once, dying
from tests.integration.stored import Killed
from tests.memory import Memory, MemoryBlobs


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asyncio, "to_thread", at_once)


def recipe(**said: Any) -> Recipe:  # noqa: ANN401 - whatever a recipe takes
    asked = {"model": "flights", "versions": ["1"], "actuals": {"required": False}, **said}
    return msgspec.convert(asked, Recipe)


def telling(ordered: list[Path], _folder: Path, _made: DatasetManifest) -> tuple[Check, ...]:
    """Find something that says whose rows there are."""
    rows = [row for file in ordered for row in pq.read_table(file).to_pylist()]
    return (Check(name="duplicates", outcome=Outcome.OK, reason=str(rows), rows=tuple(row["_id"] for row in rows)),)


def building(made: Inhabited, place: Path, blobs: MemoryBlobs | None = None) -> Building:
    """Return what builds, made anew, as by a new process."""
    ours = blobs or made.blobs
    registry, manifests, calendar = made.stages.registry(ours), Manifests(ours), made.stages.calendar
    planning = Planning(
        ours,
        registry,
        manifests,
        made.world(ours).joins,
        Baselines(ours, registry),
        FaultyHours(ours, Evaluations(ours)),
        Originals(ours),
        calendar,
    )
    engine = partial(open_engine, "duckdb", memory_mib=256, threads=1)
    machine = Machine(engine=engine, place=place, kept_bytes=1 << 20)
    return Building(ours, planning, calendar, machine, telling)  # type: ignore[arg-type]


async def datasets_holding(made: Inhabited) -> list[str]:
    found = await holding(made.blobs, PLACE, PERSON, *made.own_ids)
    return sorted({path for paths in found.values() for path in paths if path.startswith(DATASETS)})


async def test_whoever_builds_while_rows_are_erased_brings_nothing_back(
    first: tuple[Memory, Inhabited], tmp_path: Path
) -> None:
    """Held up before any of its writes, it takes back what it wrote, and builds anew what is left of the rows."""
    asked = recipe(sample={"rows": 100, "by": "uniform"})
    writes, is_left = 0, True
    states: list[str] = []
    while is_left:
        memory, made = again(first)
        zombie = HeldUp(writes, then=None)
        builds = building(made, tmp_path, MemoryBlobs(memory, before_write=zombie.before_write))
        task = asyncio.ensure_future(builds.advance(asked))
        asleep = asyncio.ensure_future(zombie.asleep.wait())
        await asyncio.wait({task, asleep}, return_when=asyncio.FIRST_COMPLETED)
        asleep.cancel()
        is_left = not task.done()
        await erase(made)
        zombie.awake.set()

        done = await task

        assert await datasets_holding(made) == []
        again_built = await building(made, tmp_path).advance(asked)
        assert again_built.dataset is not None
        given, _ = await documents.read(made.blobs, manifest_path("flights", str(done.dataset)), DatasetManifest)
        # What was there before the erasure was, is erased; what came after it, has the rows that are left.
        states.append(given.state)
        assert (given.state == "ready") == (again_built.dataset == done.dataset)
        await assert_gone(made)
        writes += 1
    assert states == sorted(states, reverse=True)
    assert states.count("ready") > 8


async def test_what_was_built_of_the_subject_names_it_nowhere(first: tuple[Memory, Inhabited], tmp_path: Path) -> None:
    """Values that a recipe names are in requests, plans, sheets and manifests as well."""
    _, made = again(first)
    asked = recipe(segments={"carrier": [PLACE, "AA"]}, actuals={"required": True}, split={"test": 0})
    builds, requests = building(made, tmp_path), Requests(made.blobs)
    resolved = await builds.planning.resolve(asked)
    asked_for = await requests.queue(Request.of(resolved, at=made.stages.calendar.now()))
    done = await builds.advance(resolved)
    await requests.change(asked_for, partial(Request.after, progress=done))
    before = await datasets_holding(made)
    assert {asked_for.path, manifest_path("flights", str(done.dataset))} < set(before)
    assert {"plan.json", "status.json", "README.md"} <= {path.rsplit("/", 1)[1] for path in before}

    await erase(made)

    await assert_gone(made)
    left, _ = await documents.read(made.blobs, manifest_path("flights", str(done.dataset)), DatasetManifest)
    assert left.state == "erased"
    assert left.recipe.segments == {"carrier": ("AA",)}
    assert {(one.minimum, one.maximum, one.mean) for one in left.columns} == {(None, None, None)}


async def test_a_request_that_is_answered_by_what_is_gone_can_be_made_again(
    first: tuple[Memory, Inhabited], tmp_path: Path
) -> None:
    _, made = again(first)
    builds, requests = building(made, tmp_path), Requests(made.blobs)
    request = Request.of(await builds.planning.resolve(recipe()), at=made.stages.calendar.now())
    asked = await requests.queue(request)
    await requests.change(asked, partial(Request.after, progress=await builds.advance(asked.recipe)))

    await erase(made)

    assert request.path not in await all_stored(made.blobs)
    assert (await requests.queue(request)).state is State.QUEUED
    assert (await builds.advance(asked.recipe)).dataset is not None
    await assert_gone(made)


async def test_a_request_that_waits_is_planned_anew(first: tuple[Memory, Inhabited], tmp_path: Path) -> None:
    _, made = again(first)
    begun = await building(made, tmp_path).advance(recipe(), until_s=0.0)
    assert begun.dataset is None
    await erase(made)

    done = await building(made, tmp_path).advance(recipe(), build=begun.build)

    assert done.dataset is not None
    assert done.build != begun.build
    await assert_gone(made)


async def test_a_build_waits_wherever_an_erasure_was_killed_between_a_file_and_its_manifest(
    first: tuple[Memory, Inhabited], tmp_path: Path
) -> None:
    """What a manifest names of them is not there any more, and was taken for damaged: a request ended as failed."""
    asked = recipe(sample={"rows": 100, "by": "uniform"})
    memory, made = again(first)
    before = memory.writes
    await erase(made)
    waited: list[bool] = []
    for after in range(memory.writes - before):
        ours, made = again(first)
        with pytest.raises(Killed):
            await ended(erase(made, MemoryBlobs(ours, before_write=dying(after))))

        done = await building(made, tmp_path).advance(asked)

        assert (done.dataset is None) == (done.waits_for is not None)
        waited.append(done.dataset is None)
    assert True in waited
    assert False in waited

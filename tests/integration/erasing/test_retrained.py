"""Whoever is erased is not in what a challenger learned from either, whichever of the two was faster."""

import asyncio
import io
from collections.abc import Awaitable, Callable
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from shared import documents
from shared.datasets.manifest import DatasetManifest
from shared.datasets.paths import manifest_path
from shared.errors import DatasetErased, UnknownDataset
from shared.registry.baselines import Baselines
from shared.retraining.training import Training
from shared.retraining.training_set import TrainingSet, training_set
from tests.integration.erasing.found import all_stored, holding
from tests.integration.erasing.gone import again
from tests.integration.erasing.inhabited import DATASET, PERSON, PLACE, Inhabited
from tests.integration.interleaving import HeldUp, at_once
from tests.integration.models import ANSWERS, answer, onnx_model
from tests.integration.sealing.batches import id_of
from tests.memory import Memory, MemoryBlobs

Step = Callable[[Training, TrainingSet], Awaitable[Any]]

BASELINE = "models/flights/2/baselines/1/rows.parquet"


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asyncio, "to_thread", at_once)


async def drawn_from(made: Inhabited) -> TrainingSet:
    """Return what is learned from: all that is sealed, the subject among them, as of the dataset that holds it."""
    rows = [row for row in await made.rows() if row["distance"] < ANSWERS]
    distances = [row["distance"] for row in rows]
    train = pa.table(
        {
            "_id": [row["_id"] for row in rows],
            "_at": [row["_at"] for row in rows],
            "distance": distances,
            "carrier": [row["carrier"] for row in rows],
            "delay": [answer(distance) for distance in distances],
            "_weight": [1_000_000] * len(rows),
        }
    )
    dataset, _ = await documents.read(made.blobs, manifest_path("flights", DATASET), DatasetManifest)
    parent = await made.stages.registry().manifest("flights", "1")
    return training_set(parent, dataset, train, train.slice(0, 0))


def training(made: Inhabited, blobs: MemoryBlobs | None = None) -> Training:
    """Return what registers, as a new process does."""
    ours = blobs or made.blobs
    return Training(ours, made.stages.registry(ours), made.stages.calendar)


async def register(ours: Training, drawn: TrainingSet) -> None:
    await ours.register(drawn, onnx_model("2"), version="2", lineage=ours.lineage(drawn, trainer="train"))


async def place(ours: Training, drawn: TrainingSet) -> None:
    await ours.place(drawn)


async def erase(made: Inhabited, blobs: MemoryBlobs | None = None) -> None:
    await made.erasing(blobs).erase("flights", external_id=PERSON)


async def assert_nowhere(made: Inhabited) -> None:
    found = await holding(made.blobs, PERSON, *made.own_ids)
    assert {text: paths for text, paths in found.items() if paths} == {}


async def test_who_is_erased_by_an_external_id_is_in_no_baseline_that_was_made_of_captured_rows(
    first: tuple[Memory, Inhabited],
) -> None:
    """It has rows of training data for as long as there is the version, and no external id in them."""
    _, made = again(first)
    own, other = id_of(made.own[0]), id_of(made.others[0])
    await register(training(made), await drawn_from(made))
    before = await holding(made.blobs, own, other)

    await erase(made)

    assert all(BASELINE in paths for paths in before.values())
    await assert_nowhere(made)
    rows = pq.read_table(io.BytesIO((await made.blobs.read(BASELINE)).data))
    assert other in rows.column("_id").to_pylist()
    assert PLACE not in rows.column("carrier").to_pylist()
    registry = made.stages.registry()
    version = await registry.manifest("flights", "2")
    segmented = await Baselines(made.blobs, registry).current(version, ("carrier",))
    assert sum(one.rows for one in segmented.profile.segments["carrier"].values()) == rows.num_rows


async def test_nobody_learns_from_a_dataset_that_was_erased_since_it_was_read(first: tuple[Memory, Inhabited]) -> None:
    _, made = again(first)
    drawn = await drawn_from(made)
    await erase(made)
    before = await all_stored(made.blobs)

    for step in (register, place):
        with pytest.raises(DatasetErased):
            await step(training(made), drawn)

    assert await all_stored(made.blobs) == before


async def test_nobody_learns_from_a_dataset_that_is_gone(first: tuple[Memory, Inhabited]) -> None:
    """Then nobody can say any more whether somebody in it was erased."""
    _, made = again(first)
    drawn = await drawn_from(made)
    await made.blobs.delete(manifest_path("flights", DATASET))
    before = await all_stored(made.blobs)

    for step in (register, place):
        with pytest.raises(UnknownDataset, match="is gone"):
            await step(training(made), drawn)

    assert await all_stored(made.blobs) == before


@pytest.mark.parametrize(
    ("step", "left"), [(register, "models/flights/2/"), (place, "datasets/_training/")], ids=["registering", "placing"]
)
async def test_who_is_held_up_while_somebody_is_erased_leaves_nothing_of_them(
    first: tuple[Memory, Inhabited], step: Step, left: str
) -> None:
    """Before any of its writes: either it sees that it is too late, or the erasure saw what it had written."""
    writes, is_left, refused = 0, True, 0
    while is_left:
        memory, made = again(first)
        drawn = await drawn_from(made)
        zombie = HeldUp(writes, then=None)
        task = asyncio.ensure_future(step(training(made, MemoryBlobs(memory, before_write=zombie.before_write)), drawn))
        asleep = asyncio.ensure_future(zombie.asleep.wait())
        await asyncio.wait({task, asleep}, return_when=asyncio.FIRST_COMPLETED)
        asleep.cancel()
        is_left = not task.done()
        await erase(made)
        zombie.awake.set()
        how: Any = (await asyncio.gather(task, return_exceptions=True))[0]

        assert how is None or isinstance(how, DatasetErased), repr(how)
        await assert_nowhere(made)
        if how is not None:
            refused += 1
            assert not [path for path in await all_stored(made.blobs) if path.startswith(left)]
        writes += 1
    assert refused > 0


@pytest.mark.parametrize("step", [register, place], ids=["registering", "placing"])
async def test_an_erasure_that_is_held_up_finds_what_was_written_meanwhile(
    first: tuple[Memory, Inhabited], step: Step
) -> None:
    writes, is_left, outcomes = 0, True, set[bool]()
    while is_left:
        memory, made = again(first)
        drawn = await drawn_from(made)
        zombie = HeldUp(writes, then=None)
        task = asyncio.ensure_future(erase(made, MemoryBlobs(memory, before_write=zombie.before_write)))
        asleep = asyncio.ensure_future(zombie.asleep.wait())
        await asyncio.wait({task, asleep}, return_when=asyncio.FIRST_COMPLETED)
        asleep.cancel()
        is_left = not task.done()
        how: Any = (await asyncio.gather(step(training(made), drawn), return_exceptions=True))[0]
        zombie.awake.set()
        await task

        assert how is None or isinstance(how, DatasetErased), repr(how)
        outcomes.add(how is None)
        await assert_nowhere(made)
        writes += 1
    assert outcomes == {True, False}

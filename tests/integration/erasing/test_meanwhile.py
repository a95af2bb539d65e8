"""Whoever seals, joins or rolls up while a subject is erased, and is held up at any write, brings nothing back."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from functools import partial
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from shared.actuals.columns import EARLY, HOUR
from shared.actuals.hours import JoinedHours
from shared.actuals.joined_hour import read as read_joined
from shared.actuals.paths import joined_folder
from shared.capture.publishing.spool import Spool
from shared.capture.records import Outgoing
from shared.erasing.outlived import OutlivedHashes
from shared.errors import Fault
from shared.hours import Hour
from shared.ids import uuid7
from shared.sealing.accounting.asked import Asked
from shared.sealing.accounting.verifying import Verifying
from shared.sealing.hours.erased import ErasedIds
from shared.sealing.hours.hour import read
from shared.sealing.paths import hour_folder
from tests.integration.actuals.world import actual
from tests.integration.erasing.gone import again, assert_gone, erase
from tests.integration.erasing.inhabited import OPEN, PERSON, PLACE, PREDICTIONS, Inhabited, parquet
from tests.integration.interleaving import HeldUp, at_once
from tests.integration.sealing.batches import id_of, prediction
from tests.integration.sealing.conftest import NINE
from tests.integration.sealing.verified import verify
from tests.memory import Memory, MemoryBlobs

Stage = Callable[[Inhabited, MemoryBlobs], Awaitable[Any]]

LATER = OPEN + timedelta(days=1, hours=1)
"""Once the open hour, and its day, can be sealed and rolled up."""


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asyncio, "to_thread", at_once)


async def seal(made: Inhabited, blobs: MemoryBlobs) -> None:
    made.stages.calendar.set(LATER)
    await made.stages.sealing(blobs).seal()


async def join(made: Inhabited, blobs: MemoryBlobs) -> None:
    await made.world(blobs).join(blobs)


async def bring_in(made: Inhabited, blobs: MemoryBlobs) -> None:
    """Import a row of the subject, as one does who began before it was to be erased."""
    nine = Hour.containing(NINE)
    path = f"{hour_folder(PREDICTIONS, nine)}rows-0.parquet"
    rows = read((await made.blobs.read(path)).data)[0].replace_schema_metadata(None).slice(0, 1)
    made.own.append(prediction(NINE))
    for name, value in (("_id", id_of(made.own[-1])), ("_external_id", PERSON), ("carrier", PLACE)):
        rows = rows.set_column(rows.column_names.index(name), name, pa.array([value]))
    waiting = f"captures/imports/{PREDICTIONS.folder}/{nine.folder}/waiting.parquet"
    await made.blobs.create(waiting, parquet(rows))
    await made.erasing(blobs).sealed.chain(PREDICTIONS).add_imported(nine, waiting, parquet(rows))


async def erased(made: Inhabited) -> None:
    """Let the subject be gone: no log of it has to be sealed, and no actual of it stands."""
    await erase(made)


async def erased_and_back(made: Inhabited) -> None:
    """Let there be rows again, sealed and not joined."""
    await erase(made)
    new = made.person(OPEN + timedelta(minutes=30))
    told = actual(new, 1.0, at=Hour.containing(OPEN))
    made.own += [new, told]
    await made.capture(new, told, at=OPEN + timedelta(minutes=30))
    await made.seal(OPEN + timedelta(hours=2))


async def with_new_rows(made: Inhabited) -> None:
    """Let there be rows of the subject that are not sealed yet, and some that are sealed and not joined."""
    told = made.person(OPEN + timedelta(minutes=2))
    made.own.append(told)
    await made.capture(told, at=OPEN + timedelta(minutes=2))


async def sealed_and_not_joined(made: Inhabited) -> None:
    await with_new_rows(made)
    await made.seal(OPEN + timedelta(hours=2))


async def held_up(
    first: tuple[Memory, Inhabited],
    before: Callable[[Inhabited], Awaitable[None]],
    stage: Stage,
    writes: int,
) -> tuple[Inhabited, bool]:
    """Hold a stage up before one of its writes, erase, and let it go on; return whether there was such a write."""
    memory, made = again(first)
    await before(made)
    zombie = HeldUp(writes, then=None)
    task = asyncio.ensure_future(stage(made, MemoryBlobs(memory, before_write=zombie.before_write)))
    asleep = asyncio.ensure_future(zombie.asleep.wait())
    await asyncio.wait({task, asleep}, return_when=asyncio.FIRST_COMPLETED)
    asleep.cancel()
    was_held_up = not task.done()
    await erase(made)
    zombie.awake.set()
    how: Any = (await asyncio.gather(task, return_exceptions=True))[0]
    assert how is None or isinstance(how, Fault | ExceptionGroup), repr(how)
    return made, was_held_up


class Interrupted(MemoryBlobs):
    """Storage in which something happens before one of the reads, counted from 0."""

    def __init__(self, memory: Memory, reads: int, happens: Callable[[], Awaitable[Any]]) -> None:
        super().__init__(memory)
        self.reads_left = reads
        self._happens = happens

    async def _others(self) -> None:
        self.reads_left -= 1
        if self.reads_left == -1:
            await self._happens()


@pytest.mark.parametrize("is_deep", [False, True])
async def test_the_account_closes_though_a_subject_is_erased_while_it_is_drawn_up(
    first: tuple[Memory, Inhabited],
    is_deep: bool,  # noqa: FBT001 - a parameter
) -> None:
    """Between two of its reads rows and logs go, which one alone takes for lost, or for changed by hand."""
    reads, is_over = 0, False
    while not is_over:
        memory, made = again(first)
        blobs = Interrupted(memory, reads, partial(erase, made))
        account = await Verifying(blobs, made.stages.hub, made.stages.calendar, 3600.0, 0).verify(
            Asked(is_deep=is_deep)
        )

        assert account.wrong == ()
        is_over = blobs.reads_left >= 0
        reads += 1
    assert reads > 20


async def test_what_is_wrong_while_an_erasure_goes_on_is_told_with_it(first: tuple[Memory, Inhabited]) -> None:
    memory, made = again(first)
    zombie = HeldUp(20, then=None)
    task = asyncio.ensure_future(erase(made, MemoryBlobs(memory, before_write=zombie.before_write)))
    await zombie.asleep.wait()
    path = f"{hour_folder(PREDICTIONS, Hour.containing(NINE))}rows-0.parquet"
    assert {one.what for one in (await verify(made.stages)).wrong} <= {"half_erased"}
    rows = memory.blobs.pop(path)

    account = await verify(made.stages)

    memory.blobs[path] = rows
    zombie.awake.set()
    await task
    assert account.wrong[0].what == "erasing"
    assert path in {one.where for one in account.wrong}
    assert (await verify(made.stages)).wrong == ()


@pytest.mark.parametrize(
    ("before", "stage"),
    [
        (with_new_rows, seal),
        (sealed_and_not_joined, join),
        (erased_and_back, join),
        (erased, bring_in),
    ],
    ids=["sealing", "joining", "joining again", "importing"],
)
async def test_a_stage_that_is_held_up_brings_nothing_back(
    first: tuple[Memory, Inhabited],
    before: Callable[[Inhabited], Awaitable[None]],
    stage: Stage,
) -> None:
    """What it may leave behind is a file that nothing names, and the same command deletes that."""
    writes, is_left = 0, True
    while is_left:
        made, is_left = await held_up(first, before, stage, writes)
        await assert_named_nowhere(made)

        await seal(made, made.blobs)  # type: ignore[arg-type]
        await made.world().join()
        await assert_named_nowhere(made)
        await erase(made)
        await assert_gone(made)
        writes += 1
    assert writes > 3


async def test_what_others_do_while_an_erasure_is_held_up_brings_nothing_back(
    first: tuple[Memory, Inhabited],
) -> None:
    """They seal, roll up and join what is half erased, and the account closes over what they made of it."""
    writes, is_left = 0, True
    while is_left:
        memory, made = again(first)
        zombie = HeldUp(writes, then=None)
        task = asyncio.ensure_future(erase(made, MemoryBlobs(memory, before_write=zombie.before_write)))
        asleep = asyncio.ensure_future(zombie.asleep.wait())
        await asyncio.wait({task, asleep}, return_when=asyncio.FIRST_COMPLETED)
        asleep.cancel()
        is_left = not task.done()
        await seal(made, MemoryBlobs(memory))
        await join(made, MemoryBlobs(memory))
        zombie.awake.set()

        await task

        await assert_gone(made)
        await seal(made, MemoryBlobs(memory))
        await assert_gone(made)
        writes += 1
    assert writes > 40


async def test_a_join_that_merges_what_is_erased_meanwhile_names_no_file_of_it(
    first: tuple[Memory, Inhabited],
) -> None:
    """Held up before it writes them, it has read all rows of the hour, and finds its file there when it looks again."""
    memory, made = again(first)
    version, nine = await made.stages.registry().manifest("flights", "1"), Hour.containing(NINE)
    zombie = HeldUp(0, then=None)
    hours = JoinedHours(MemoryBlobs(memory, before_write=zombie.before_write), most_files=1)
    task = asyncio.ensure_future(hours.add(version, nine, await _found(made), step=1_000))
    await zombie.asleep.wait()
    await erase(made)
    zombie.awake.set()

    joined = await task

    assert joined.step == 1_000
    await assert_named_nowhere(made)


async def _found(made: Inhabited) -> pa.Table:
    """Return what a step found of one prediction: that it turned out once more."""
    folder = joined_folder("flights", "1", Hour.containing(NINE))
    (path,) = [one.path async for one in made.blobs.under(f"{folder}rows-")]
    rows = read_joined((await made.blobs.read(path)).data)
    other = rows.filter(pc.equal(rows.column("_id"), id_of(made.others[0])))
    again_told = other.set_column(1, "_actual_id", pa.array([uuid7(NINE)]))
    return again_told.append_column(HOUR, pa.array(["2026-03-01T09"])).append_column(EARLY, pa.array([False]))


async def assert_named_nowhere(made: Inhabited) -> None:
    """See that whoever reads what is sealed and joined sees nothing of the subject."""
    own = set(made.own_ids)
    assert not own & {row["_id"] for row in await made.rows("_id")}
    assert not own & {row["_id"] for row in await made.world().joined()}


async def test_hashes_are_known_all_the_while_though_they_are_dated_anew(first: tuple[Memory, Inhabited]) -> None:
    """Whoever had listed them under their old date would seal what comes again, as if nobody had been erased."""
    reads, is_over = 0, False
    while not is_over:
        memory, made = again(first)
        await erase(made)
        await Spool(made.blobs).keep([Outgoing(PREDICTIONS, made.own[0])], timeout_s=5.0)
        made.stages.calendar.set(OPEN + timedelta(days=30))
        known = await ErasedIds(made.blobs).of("flights")
        outlived = OutlivedHashes(made.blobs, made.stages.calendar)
        blobs = Interrupted(memory, reads, partial(_gone_through, outlived.hashes(Hour.containing(OPEN))))

        assert await ErasedIds(blobs).of("flights") == known
        is_over = blobs.reads_left >= 0
        reads += 1
    assert known
    assert reads > 1


async def _gone_through(groups: AsyncIterator[Any]) -> None:
    async for _ in groups:
        pass


async def test_without_the_hashes_a_resend_would_come_back(
    first: tuple[Memory, Inhabited],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _, made = again(first)
    await erase(made)

    async def none(_: ErasedIds, __: str) -> frozenset[str]:
        return frozenset()

    monkeypatch.setattr(ErasedIds, "of", none)
    await made.capture(made.own[0], at=OPEN + timedelta(minutes=40))
    await seal(made, made.blobs)  # type: ignore[arg-type]

    assert id_of(made.own[0]) in {row["_id"] for row in await made.rows("_id")}
    assert NINE < OPEN

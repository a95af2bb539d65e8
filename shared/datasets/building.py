"""A plan becomes a dataset, step by step: each step leaves a blob, and none is taken twice.

Nothing depends on this process or its disk. Killed at any point and called again, here or elsewhere, a build comes to the
same dataset, and so do several at once.
"""

import contextlib
import math
import time
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol, TypeAlias

from shared import documents
from shared.blobs import Blobs
from shared.clock import Clock
from shared.datasets.checks import accept, check, refusing
from shared.datasets.days import Days
from shared.datasets.engines import Engine
from shared.datasets.finalising import Checking, Finalising
from shared.datasets.manifest import Plan
from shared.datasets.paths import PLAN_FILE, build_folder, plan_path
from shared.datasets.planning import Planning
from shared.datasets.publishing import Publishing
from shared.datasets.recipe import Recipe
from shared.datasets.requests import Progress
from shared.datasets.scratch import scratch
from shared.datasets.stepping import Stepping
from shared.datasets.steps import STATUS_FILE, Status, is_working, tasks
from shared.errors import BeingErased, BlobChanged, BlobMissing, BuildGone, InvalidDocument, NotJoined
from shared.sealing.hours.erased import is_erasing

Told: TypeAlias = Callable[[int, int], None]
"""Is told after each step how many are done, and of how many."""

_MEETINGS: Final = 5


class Opens(Protocol):
    """Starts an engine."""

    def __call__(self, *, scratch: Path) -> Engine:
        """Return it, for the caller to close; what does not fit into memory goes to ``scratch``."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """What a build runs on.

    Attributes:
        engine: starts the engine that goes through the days, with a folder for what does not fit into memory.
        place: where builds have their folders.
        kept_bytes: so much of inputs is kept there for the next step.
        inputs_at: where the engine reads the container of captures itself, unchecked; None has the files fetched.
    """

    engine: Opens
    place: Path
    kept_bytes: int
    inputs_at: str | None = None


@dataclass(slots=True)
class Building:
    """Builds datasets."""

    blobs: Blobs
    planning: Planning
    clock: Clock
    machine: Machine
    check: Checking = check

    async def advance(
        self,
        recipe: Recipe,
        *,
        build: str | None = None,
        until_s: float = math.inf,
        accepted: Collection[str] = (),
        told: Told | None = None,
    ) -> Progress:
        """Build what a recipe asks for, from where it was, and return how far it has come.

        What was built before is there at once. A build whose plan names files that are gone, because joined hours were
        merged, is planned anew, and so is one that rows were erased under: nothing of it stays.

        Args:
            recipe: what it leaves open is resolved now, unless ``build`` names a plan.
            build: what an earlier progress called it; None where it was not planned yet.
            until_s: no step begins after this moment of ``time.monotonic()``; one does at least.
            accepted: names of checks that may fail.
            told: how it comes along.

        Raises:
            BuildGone: rows were erased under it, several times in a row.
            DatasetErased: its rows were there, and were erased with somebody in them.
            LetGo: retention took some of the rows.
            UnknownModel, InvalidRecipe, NotSealed, InsufficientData: as ``Planning.plan`` does.
            InvalidDocument: an input is not what its manifest says, and a new plan does not change that.
            EngineMissing, EngineFailed: the engine is not there, or gave up.
            StorageUnavailable: what is done stays done; do it again.
        """
        for _ in range(_MEETINGS - 1):
            try:
                return await self._advance(recipe, build, until_s, accepted, told)
            except (BlobMissing, BuildGone):
                # An input that was merged, or rows of a build that another one has ended meanwhile; or rows were erased.
                build = None
        return await self._advance(recipe, None, until_s, accepted, told)

    async def _advance(
        self, recipe: Recipe, build: str | None, until_s: float, accepted: Collection[str], told: Told | None
    ) -> Progress:
        try:
            return await self._carry_out(await self._plan(recipe, build), until_s, accepted, told)
        except (BeingErased, NotJoined) as waiting:
            return Progress(build=None, waits_for=str(waiting))

    async def _carry_out(self, plan: Plan, until_s: float, accepted: Collection[str], told: Told | None) -> Progress:
        run = Run(self.blobs, self.machine, plan, plan.digest)
        if (status := await self._ended(run, accepted)) is None:
            async with self._as_planned(plan), run.stepping() as stepping:
                done = await run.take(stepping, until_s=until_s, told=told)
                if done is not None:
                    return Progress(build=plan.digest, done=done, steps=run.steps)
                finalising = Finalising(self.blobs, self.clock, stepping, self.check)
                status = ended = await finalising.finish(accepted)
            await documents.swap(self.blobs, f"{run.folder}{STATUS_FILE}", Status, lambda _: ended)
            await run.check_planned()
        if status.state == "ready":
            await run.delete(is_wanted=is_working)
        if told is not None:
            told(run.steps, run.steps)
        return Progress(
            build=plan.digest, done=run.steps, steps=run.steps, checks=status.checks, dataset=status.dataset
        )

    async def _plan(self, recipe: Recipe, build: str | None) -> Plan:
        if build is not None:
            plan, _ = await documents.read(self.blobs, plan_path(recipe.model, build), Plan)
            return plan
        plan = await self.planning.plan(recipe)
        await Run(self.blobs, self.machine, plan, plan.digest).begin()
        return plan

    @asynccontextmanager
    async def _as_planned(self, plan: Plan) -> AsyncIterator[None]:
        """Tell a document that was damaged from one that is another since it was planned, because somebody was erased from it.

        Raises:
            BuildGone: a new plan of the same hours, as of the same time, is another one.
            BeingErased: it is the same, and names what an erasure that is not done has come further with.
            InvalidDocument: it is the same, so that a further attempt would end here as well.
        """
        try:
            yield
        except InvalidDocument as damaged:
            if not await self._is_planned_so(plan):
                raise BuildGone(plan.recipe.model, plan.digest) from None
            hour = next((one.hour for one in plan.inputs if one.path == damaged.path), None)
            if hour is not None and await is_erasing(self.blobs, plan.recipe.model):
                raise BeingErased(plan.recipe.model, hour=hour) from None
            raise

    async def _is_planned_so(self, plan: Plan) -> bool:
        """Whether a new plan of the same hours, as of the same time, is the same."""
        with contextlib.suppress(BeingErased, NotJoined):
            return (await self.planning.plan(plan.recipe)).digest == plan.digest
        return False

    async def _ended(self, run: "Run", accepted: Collection[str]) -> Status | None:
        """Return how a build has ended; None where there is something left to do."""
        status = await documents.find(self.blobs, f"{run.folder}{STATUS_FILE}", Status)
        if status is None:
            return None
        if status.dataset is not None:
            found = await Publishing(self.blobs).find(run.plan.recipe.model, status.dataset)
            return status if found is not None else None
        return status if refusing(accept(status.checks, accepted)) else None


@dataclass(frozen=True, slots=True)
class Run:
    """The steps of a plan, taken on a machine and kept under a name.

    Attributes:
        blobs: where each step leaves what it came to.
        machine: on which they are taken.
        plan: of what.
        build: the name: the plan's digest, or another that nobody else builds under.
    """

    blobs: Blobs
    machine: Machine
    plan: Plan
    build: str

    @property
    def folder(self) -> str:
        """Return where it is kept, ending in a slash."""
        return build_folder(self.plan.recipe.model, self.build)

    @property
    def steps(self) -> int:
        """Return how many steps there are; the last one finishes the dataset."""
        return len(tasks(self.plan)) + 1

    async def begin(self) -> None:
        """Store the plan, without which an erasure would not find what the steps leave."""
        with contextlib.suppress(BlobChanged):
            await self.blobs.create(plan_path(self.plan.recipe.model, self.build), documents.encode(self.plan))

    @asynccontextmanager
    async def stepping(self) -> AsyncIterator[Stepping]:
        """Start the engine, in a scratch folder of its own."""
        ours = self.machine
        with scratch(self.blobs, ours.place, most_bytes=ours.kept_bytes) as here:
            engine = ours.engine(scratch=here.folder)
            try:
                days = Days(plan=self.plan, engine=engine, scratch=here, inputs_at=ours.inputs_at)
                yield Stepping(self.blobs, self.plan, self.folder, days)
            finally:
                engine.close()

    async def take(self, stepping: Stepping, *, until_s: float = math.inf, told: Told | None = None) -> int | None:
        """Take the steps that are left but for the last one; where time is up before that, return how many are done.

        Raises:
            BuildGone: rows were erased under it.
        """
        there = {stored.path.removeprefix(self.folder) async for stored in self.blobs.under(self.folder)}
        todo = tasks(self.plan)
        left = [task for task in todo if task.file not in there]
        for begun, task in enumerate([*left, None]):
            done = len(todo) - len(left) + begun
            if told is not None:
                told(done, self.steps)
            if begun and time.monotonic() >= until_s:
                return done
            if task is not None:
                await stepping.take(task)
                await self.check_planned()
        return None

    async def check_planned(self) -> None:
        """See that the plan is still there after something was written; otherwise delete what is left of the build.

        Raises:
            BuildGone: it is not.
        """
        try:
            await Publishing(self.blobs).check_planned(self.plan.recipe.model, self.build)
        except BuildGone:
            await self.delete()
            raise

    async def delete(self, *, is_wanted: Callable[[str], bool] = lambda _: True) -> None:
        """Delete what the steps have left, or files of it."""
        paths = [stored.path async for stored in self.blobs.under(self.folder)]
        for path in sorted(paths, key=lambda path: path.endswith(f"/{PLAN_FILE}")):
            if is_wanted(path.removeprefix(self.folder)):
                with contextlib.suppress(BlobMissing):
                    await self.blobs.delete(path)

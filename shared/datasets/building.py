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
from shared.datasets.checks import check
from shared.datasets.days import Days
from shared.datasets.engines import Engine
from shared.datasets.finalising import Checking, Finalising
from shared.datasets.manifest import Outcome, Plan
from shared.datasets.paths import build_folder, plan_path
from shared.datasets.planning import Planning
from shared.datasets.publishing import Publishing
from shared.datasets.recipe import Recipe
from shared.datasets.requests import Progress
from shared.datasets.scratch import scratch
from shared.datasets.stepping import Stepping
from shared.datasets.steps import STATUS_FILE, Status, is_working, tasks
from shared.errors import BlobChanged, BlobMissing, BuildGone, InvalidDocument, NotJoined

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
            InvalidDocument: an input is not what its manifest says.
            EngineMissing, EngineFailed: the engine is not there, or gave up.
            StorageUnavailable: what is done stays done; do it again.
        """
        for _ in range(_MEETINGS - 1):
            try:
                return await self._advance(recipe, build, until_s, accepted, told)
            except (BlobMissing, BuildGone, InvalidDocument):
                # An input that was merged, or rows of a build that another one has ended meanwhile; or rows were erased.
                build = None
        return await self._advance(recipe, None, until_s, accepted, told)

    async def _advance(
        self, recipe: Recipe, build: str | None, until_s: float, accepted: Collection[str], told: Told | None
    ) -> Progress:
        try:
            plan = await self._plan(recipe, build)
        except NotJoined as waiting:
            return Progress(build=None, waits_for=str(waiting))
        folder, todo = build_folder(plan.recipe.model, plan.digest), tasks(plan)
        steps = len(todo) + 1
        there = {stored.path.removeprefix(folder) async for stored in self.blobs.under(folder)}
        if (status := await self._ended(plan, folder, accepted)) is None:
            left = [task for task in todo if task.file not in there]
            async with self._stepping(plan, folder) as stepping:
                for begun, task in enumerate([*left, None]):
                    done = len(todo) - len(left) + begun
                    if told is not None:
                        told(done, steps)
                    if begun and time.monotonic() >= until_s:
                        return Progress(build=plan.digest, done=done, steps=steps)
                    if task is not None:
                        await stepping.take(task)
                        await self._check_planned(plan, folder)
                finalising = Finalising(self.blobs, self.clock, stepping, self.check)
                status = ended = await finalising.finish(accepted)
            await documents.swap(self.blobs, f"{folder}{STATUS_FILE}", Status, lambda _: ended)
            await self._check_planned(plan, folder)
        if status.state == "ready":
            await self._tidy(folder)
        if told is not None:
            told(steps, steps)
        return Progress(build=plan.digest, done=steps, steps=steps, checks=status.checks, dataset=status.dataset)

    async def _plan(self, recipe: Recipe, build: str | None) -> Plan:
        if build is not None:
            plan, _ = await documents.read(self.blobs, plan_path(recipe.model, build), Plan)
            return plan
        plan = await self.planning.plan(recipe)
        with contextlib.suppress(BlobChanged):
            await self.blobs.create(plan_path(plan.recipe.model, plan.digest), documents.encode(plan))
        return plan

    async def _check_planned(self, plan: Plan, folder: str) -> None:
        """See that the plan is still there after something was written; otherwise delete what is left of the build.

        Raises:
            BuildGone: it is not.
        """
        try:
            await Publishing(self.blobs).check_planned(plan.recipe.model, plan.digest)
        except BuildGone:
            await self._delete(folder, is_wanted=lambda _: True)
            raise

    async def _ended(self, plan: Plan, folder: str, accepted: Collection[str]) -> Status | None:
        """Return how a build has ended; None where there is something left to do."""
        status = await documents.find(self.blobs, f"{folder}{STATUS_FILE}", Status)
        if status is None:
            return None
        if status.dataset is not None:
            found = await Publishing(self.blobs).find(plan.recipe.model, status.dataset)
            return status if found is not None else None
        failed = {one.name for one in status.checks if one.outcome is Outcome.FAILED}
        return None if failed <= {*accepted} else status

    @asynccontextmanager
    async def _stepping(self, plan: Plan, folder: str) -> AsyncIterator[Stepping]:
        ours = self.machine
        with scratch(self.blobs, ours.place, most_bytes=ours.kept_bytes) as here:
            engine = ours.engine(scratch=here.folder)
            try:
                days = Days(plan=plan, engine=engine, scratch=here, inputs_at=ours.inputs_at)
                yield Stepping(self.blobs, plan, folder, days)
            finally:
                engine.close()

    async def _tidy(self, folder: str) -> None:
        """Delete the rows and counts of a build that has given a dataset."""
        await self._delete(folder, is_wanted=is_working)

    async def _delete(self, folder: str, *, is_wanted: Callable[[str], bool]) -> None:
        paths = [stored.path async for stored in self.blobs.under(folder)]
        for path in paths:
            if is_wanted(path.removeprefix(folder)):
                with contextlib.suppress(BlobMissing):
                    await self.blobs.delete(path)

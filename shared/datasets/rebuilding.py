"""A dataset is built again from its plan, and is the same, or says what it differs in.

Nothing of what is published is relied on, and nothing is published. The steps are kept under a name of their own among
builds, where an erasure and retention find them: one that was interrupted goes on where it was, and one that has come to
its end leaves nothing.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

from shared import documents
from shared.datasets import difference
from shared.datasets.building import Building, Run, Told
from shared.datasets.difference import Difference
from shared.datasets.differing import Differing
from shared.datasets.finalising import Finalising, Made
from shared.datasets.manifest import DatasetManifest, Input, Plan, Use
from shared.datasets.paths import plan_path
from shared.datasets.scratch import Scratch, scratch
from shared.datasets.surviving import TAKEN, Lost, Surviving
from shared.errors import BlobMissing, DatasetErased, InvalidDocument

_REBUILDS: Final = "rebuild-"
"""What the names of builds begin with that publish nothing; those of others are digests."""

_NO_PLAN: Final = "an erasure deletes the plans of datasets that take hours it takes rows from"
_OTHER_PLAN: Final = "it is not the one that the dataset's manifest names: it was damaged"
_MERGED: Final = "it was merged with what was joined later, and its rows are taken from there"


class Rebuilt(msgspec.Struct, frozen=True, kw_only=True):
    """What came of building a dataset again.

    Attributes:
        is_same: whether its rows are the same, to the last bit of their canonical form.
        rebuilt: the digest of the rows that it came to; None where it could not be built.
        lost: what cannot be taken again: without it there is nothing to build.
        beside: what is not as it was, and not needed as it was.
        difference: from what is published; None where it is the same, or was not built.
        uncompared: why no rows are compared in that.
    """

    model: str
    dataset: str
    is_same: bool = False
    rebuilt: str | None = None
    lost: tuple[Lost, ...] = ()
    beside: tuple[Lost, ...] = ()
    difference: Difference | None = None
    uncompared: str | None = None


@dataclass(frozen=True, slots=True)
class Rebuilding:
    """Builds datasets again."""

    building: Building

    async def rebuild(self, made: DatasetManifest, *, told: Told = lambda _done, _steps: None) -> Rebuilt:
        """Build a dataset again from the beginning, and return whether that gives the same.

        Args:
            made: what is published of it.
            told: how it comes along.

        Raises:
            DatasetErased: its rows were there, and were erased with somebody in them.
            BuildGone: rows were erased under it.
            BlobMissing: somebody else who built it again at the same time has come to the end; do it again.
            EngineMissing, EngineFailed: the engine is not there, or gave up.
            StorageUnavailable: what is done stays done; do it again.
        """
        if made.state == "erased":
            raise DatasetErased(made.model, made.dataset, at=made.erased_at or made.built_at)
        planning = self.building.planning
        surviving = Surviving(self.building.blobs, planning.registry, planning.manifests, planning.joins, made.model)
        plan, lost = await self._plan(made)
        inputs, gone, beside = await _found(made.inputs if plan is None else plan.inputs, surviving)
        found = Rebuilt(model=made.model, dataset=made.dataset, lost=(*lost, *gone), beside=tuple(beside))
        if plan is None or found.lost:
            ours = self.building.machine
            with scratch(self.building.blobs, ours.place, most_bytes=ours.kept_bytes) as here:
                return await self._checked(found, inputs, surviving, here, told)
        return await self._built(found, made, msgspec.structs.replace(plan, inputs=tuple(inputs)), surviving, told)

    async def _plan(self, made: DatasetManifest) -> tuple[Plan | None, list[Lost]]:
        """Return the plan of a dataset, and what is wrong with it."""
        path = plan_path(made.model, made.build)
        try:
            data = (await self.building.blobs.read(path)).data
        except BlobMissing:
            return None, [Lost(path=path, use="plan", how="gone", reason=_NO_PLAN)]
        try:
            plan = documents.decode(data, Plan, path=path)
        except InvalidDocument as fault:
            return None, [Lost(path=path, use="plan", how="changed", reason=fault.reason)]
        digest = hashlib.sha256(data).hexdigest()
        is_ours = plan.digest == made.build if made.plan_sha256 is None else digest == made.plan_sha256
        if not is_ours:
            return plan, [Lost(path=path, use="plan", how="changed", reason=_OTHER_PLAN)]
        return plan, []

    async def _built(
        self, found: Rebuilt, made: DatasetManifest, plan: Plan, surviving: Surviving, told: Told
    ) -> Rebuilt:
        ours = self.building
        run = Run(ours.blobs, ours.machine, plan, f"{_REBUILDS}{plan.digest}")
        await run.begin()
        checked = len(self._fetched(plan.inputs))
        async with run.stepping() as stepping:
            here = stepping.days.scratch
            found = await self._checked(
                found, plan.inputs, surviving, here, lambda done, _: told(done, checked + run.steps)
            )
            if not found.lost:
                await run.take(stepping, told=lambda done, _: told(checked + done, checked + run.steps))
                again = await Finalising(ours.blobs, ours.clock, stepping, ours.check).make()
                found = await self._compared(found, made, again)
        await run.delete()
        told(checked + run.steps, checked + run.steps)
        return found

    def _fetched(self, inputs: Sequence[Input]) -> list[Input]:
        """Return those that are fetched: what an engine reads by itself is not, and cannot be checked."""
        return [one for one in inputs if self.building.machine.inputs_at is None or one.hour is None]

    async def _checked(
        self, found: Rebuilt, inputs: Sequence[Input], surviving: Surviving, here: Scratch, told: Told
    ) -> Rebuilt:
        """Return what was found with those inputs whose bytes are others."""
        changed = await surviving.changed(self._fetched(inputs), here, told=told)
        said = [await surviving.explained(one, "changed") for one in changed]
        return msgspec.structs.replace(
            found,
            lost=(*found.lost, *(one for one in said if one.use in TAKEN)),
            beside=(*found.beside, *(one for one in said if one.use not in TAKEN)),
        )

    async def _compared(self, found: Rebuilt, made: DatasetManifest, again: Made) -> Rebuilt:
        rebuilt = again.manifest.dataset
        if rebuilt == made.dataset:
            return msgspec.structs.replace(found, rebuilt=rebuilt, is_same=True)
        try:
            differs = await Differing(self.building.blobs).against(made, again.manifest, again.folder)
        except (BlobMissing, InvalidDocument) as fault:
            differs = difference.of_manifests(made, again.manifest)
            return msgspec.structs.replace(found, rebuilt=rebuilt, difference=differs, uncompared=str(fault))
        return msgspec.structs.replace(found, rebuilt=rebuilt, difference=differs)


async def _found(inputs: Sequence[Input], surviving: Surviving) -> tuple[list[Input], list[Lost], list[Lost]]:
    """Return inputs as there are today, those that are lost, and those that are not needed as they were."""
    missing = await surviving.missing(inputs)
    merged: dict[tuple[str | None, str | None], list[Input]] = {}
    lost: list[Lost] = []
    beside: list[Lost] = []
    for one in missing:
        if one.use not in TAKEN:
            beside.append(await surviving.explained(one, "gone"))
        elif files := await surviving.merged(one):
            merged[one.version, one.hour] = files
            beside.append(Lost(path=one.path, use=one.use.value, how="merged", reason=_MERGED))
        else:
            lost.append(await surviving.explained(one, "gone"))
    kept = [
        one
        for one in inputs
        if one not in missing and (one.use, one.version, one.hour) not in {(Use.ACTUALS, *where) for where in merged}
    ]
    there = [*kept, *(one for files in merged.values() for one in files)]
    return sorted(there, key=lambda one: one.path), lost, beside

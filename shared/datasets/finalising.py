"""The end of a build: the chosen rows of all days become the files of a dataset, which are checked and stored."""

import hashlib
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from shared.blobs import Blobs
from shared.clock import Clock
from shared.datasets import sampling
from shared.datasets.checks import accept, refusing
from shared.datasets.columns import GROUP, PPM
from shared.datasets.finishing import Finished, finish
from shared.datasets.manifest import OF_ROWS, Check, DatasetManifest, Plan, Use
from shared.datasets.mixing import draw, mean_weight, mixed_in
from shared.datasets.ordering import batches, in_order
from shared.datasets.paths import PLAN_FILE
from shared.datasets.publishing import Publishing
from shared.datasets.reasons import SAMPLED_OUT
from shared.datasets.stepping import Stepping
from shared.datasets.steps import Status
from shared.schema import Schema

Checking: TypeAlias = Callable[[Sequence[Path], Path, DatasetManifest], tuple[Check, ...]]
"""Says what is found of a dataset before it is stored.

It takes the chosen rows, with what is known of them beside what a dataset keeps, the folder of the files as they will be
stored, and what the manifest will say.
"""


@dataclass(frozen=True, slots=True)
class Made:
    """A dataset as it lies on this machine, neither checked nor stored.

    Attributes:
        manifest: what is to be said of it; of no check yet.
        folder: where its files are.
        ordered: files of the rows that it was made of, with what is known of them beside what a dataset keeps.
    """

    manifest: DatasetManifest
    folder: Path
    ordered: Sequence[Path]


@dataclass(frozen=True, slots=True)
class Finalising:
    """Finishes one build, of which every step was taken."""

    blobs: Blobs
    clock: Clock
    stepping: Stepping
    check: Checking

    async def finish(self, accepted: Collection[str]) -> Status:
        """Make the dataset, and return what became of it: one whose checks fail is none, unless they are accepted."""
        made = await self.make()
        found = await self.stepping.days.in_thread(lambda: self.check(made.ordered, made.folder, made.manifest))
        checks = accept(found, accepted)
        if refusing(checks):
            return Status(state="refused", checks=checks)
        whole = msgspec.structs.replace(made.manifest, checks=checks)
        stored = await Publishing(self.blobs).publish(whole, made.folder)
        return Status(state="ready", dataset=stored.dataset, checks=stored.checks)

    async def make(self) -> Made:
        """Make the dataset on this machine; nothing is stored."""
        plan, days = self.stepping.plan, self.stepping.days
        folder = days.scratch.folder / "dataset"
        folder.mkdir(exist_ok=True)
        captured = await self.stepping.rows()
        original = await days.scratch.fetch([one for one in plan.inputs if one.use is Use.ORIGINAL])
        ordered, excluded = await days.in_thread(lambda: self._ordered(captured, original))
        kept = _kept(plan)
        finished = await days.in_thread(lambda: finish(lambda: batches(ordered, days.given_up), kept, folder))
        return Made(await self._manifest(finished, excluded), folder, ordered)

    def _ordered(self, captured: Sequence[Path], original: Sequence[Path]) -> tuple[list[Path], dict[str, int]]:
        """Return files of all rows, in the order of their ids, and which rows of the original were left out."""
        plan, here = self.stepping.plan, self.stepping.days.scratch.folder
        shape = pq.read_schema(captured[0])
        files, excluded = [*captured], dict[str, int]()
        if original:
            rows = sum(pq.read_metadata(file).num_rows for file in captured)
            weight = mean_weight(batch for file in captured for batch in _weights(file))
            drawn = draw(original[0], plan, captured=rows)
            excluded = drawn.excluded
            files.append(here / "original.parquet")
            with pq.ParquetWriter(files[-1], shape, compression="zstd") as writer:
                for batch in mixed_in(original[0], plan, shape, drawn, weight=weight):
                    writer.write_batch(batch)
        ordered = in_order(files, here / "ordered", given_up=self.stepping.days.given_up)
        for file in files:
            file.unlink()
        return ordered, excluded

    async def _manifest(self, finished: Finished, of_original: dict[str, int]) -> DatasetManifest:
        plan, engine = self.stepping.plan, self.stepping.days.engine
        counts = await self.stepping.counts()
        cuts = await self.stepping.cuts()
        excluded = sampling.excluded(counts)
        taken = sum(sampling.totals(counts).values())
        stored = await self.blobs.read(f"{self.stepping.folder}{PLAN_FILE}")
        if cuts is not None and taken > cuts.chosen:
            excluded[SAMPLED_OUT] = taken - cuts.chosen
        return DatasetManifest(
            model=plan.recipe.model,
            dataset=finished.dataset,
            build=plan.digest,
            plan_sha256=hashlib.sha256(stored.data).hexdigest(),
            recipe=plan.recipe,
            task=plan.task,
            schema=_kept(plan).schema,
            masked={name: done for name, done in plan.masked.items() if name in plan.recipe.features},
            actual=plan.actual,
            inputs=plan.inputs,
            faults=plan.faults,
            rows_in=sum(one.rows for one in plan.inputs if one.use in OF_ROWS),
            excluded={**excluded, **of_original, **finished.excluded},
            not_predictions=plan.not_predictions,
            rows=finished.rows,
            columns=finished.columns,
            checks=(),
            parts=finished.parts,
            engine={"name": engine.name, **engine.versions},
            built_at=self.clock.now(),
        )


def _kept(plan: Plan) -> Plan:
    """Return a plan that knows of no feature but those that are kept."""
    features = tuple(one for one in plan.schema.features if one.name in plan.recipe.features)
    split = plan.recipe.split
    return msgspec.structs.replace(
        plan,
        schema=Schema(features=features, outputs=plan.schema.outputs),
        recipe=msgspec.structs.replace(
            plan.recipe, split=msgspec.structs.replace(split, group=GROUP if split.group is not None else None)
        ),
    )


def _weights(file: Path) -> Iterator[pa.RecordBatch]:
    with pq.ParquetFile(file, pre_buffer=False) as data:
        yield from data.iter_batches(columns=["_weight", PPM], use_threads=False)

"""Takes the steps of a build, and keeps what each comes to."""

import asyncio
import contextlib
import io
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from shared import documents
from shared.blobs import Blobs
from shared.datasets import levels as leveling
from shared.datasets import sampling
from shared.datasets.days import Days
from shared.datasets.levels import Levels
from shared.datasets.manifest import Plan
from shared.datasets.sampling import Border, Cuts
from shared.datasets.steps import Step, Task
from shared.errors import BlobChanged, BlobMissing
from shared.sealing.hours.hour import readable


@dataclass(slots=True)
class Stepping:
    """One build's steps, of which earlier ones are read where later ones need them."""

    blobs: Blobs
    plan: Plan
    folder: str
    days: Days
    _counts: pa.Table | None = None
    _levels: Levels | None = None
    _cuts: Cuts | None = field(default=None)

    async def take(self, task: Task) -> None:
        """Take a step and store what it comes to; where somebody else was faster, that is the same.

        Raises:
            InvalidRecipe: rows are in more strata than can be gone through.
        """
        made: bytes | Path
        match task.step, task.date:
            case Step.SCOUT, str(date):
                made = _encoded(await self.days.scouted(date))
            case Step.COUNT, str(date):
                made = _encoded(self._few(await self.days.counted(date, await self.levels())))
            case Step.BORDER, str(date):
                made = _encoded(await self.days.border_keys(date, await self.levels(), await self._borders()))
            case Step.CHOOSE, str(date):
                made = await self.days.chosen(date, await self.levels(), await self.cuts())
            case Step.LEVELS, _:
                scouted = await self._tables(Step.SCOUT)
                made = documents.encode(await asyncio.to_thread(leveling.levels, self.plan.baseline, scouted))
            case _:
                made = documents.encode(await self._cut())
        path = f"{self.folder}{task.file}"
        with contextlib.suppress(BlobChanged):
            await (self.blobs.create(path, made) if isinstance(made, bytes) else self.blobs.create_from(path, made))

    async def counts(self) -> pa.Table:
        """Return how many rows there are by what becomes of them, of all days.

        Raises:
            InvalidRecipe: in more strata than can be gone through.
        """
        if self._counts is None:
            self._counts = self._few(await self._tables(Step.COUNT))
        return self._counts

    async def levels(self) -> Levels | None:
        """Return the levels of a drift-aware sample."""
        if self._levels is None and self.plan.baseline:
            self._levels, _ = await documents.read(self.blobs, f"{self.folder}{Task(Step.LEVELS).file}", Levels)
        return self._levels

    async def cuts(self) -> Cuts | None:
        """Return what is taken of each stratum; None where nothing is sampled."""
        if self._cuts is None and self.plan.recipe.sample is not None:
            self._cuts, _ = await documents.read(self.blobs, f"{self.folder}{Task(Step.CUTS).file}", Cuts)
        return self._cuts

    async def rows(self) -> list[Path]:
        """Return a file of the rows that were chosen of each day.

        Raises:
            BlobMissing: of a day there is none any more: somebody else has ended the build, and deletes what it leaves.
        """
        there = {stored.path: stored.size_bytes async for stored in self.blobs.under(f"{self.folder}{Step.CHOOSE}-")}
        found: list[Path] = []
        for date in self.plan.dates:
            file = Task(Step.CHOOSE, date).file
            if (size_bytes := there.get(f"{self.folder}{file}")) is None:
                raise BlobMissing(f"{self.folder}{file}")
            found.append(self.days.scratch.folder / file)
            await self.days.scratch.download(f"{self.folder}{file}", found[-1], size_bytes=size_bytes)
        return found

    def _few(self, counts: pa.Table) -> pa.Table:
        sampling.refuse_many_strata(counts, self.plan.recipe.sample)
        return counts

    async def _allotted(self) -> dict[str, int]:
        return sampling.allot(sampling.totals(await self.counts()), self.plan.recipe.sample)

    async def _borders(self) -> dict[str, Border]:
        return sampling.borders(await self.counts(), await self._allotted())

    async def _cut(self) -> Cuts:
        sample = self.plan.recipe.sample
        if sample is None:
            raise ValueError("nothing is sampled, so nothing is cut")
        counts, allotted, borders = await self.counts(), await self._allotted(), await self._borders()
        keys = await self._tables(Step.BORDER)
        return await asyncio.to_thread(sampling.cuts, sample, sampling.totals(counts), allotted, borders, keys)

    async def _tables(self, step: Step) -> pa.Table:
        """Return what a step has left of all days, as one table."""
        return pa.concat_tables(
            [await self._table(f"{self.folder}{Task(step, date).file}") for date in self.plan.dates]
        )

    async def _table(self, path: str) -> pa.Table:
        data = (await self.blobs.read(path)).data
        with readable(path):
            return pq.ParquetFile(io.BytesIO(data)).read()


def _encoded(rows: pa.Table) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(rows, buffer, compression="zstd")
    return buffer.getvalue()

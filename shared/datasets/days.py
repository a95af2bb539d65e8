"""What an engine is asked about one day."""

import asyncio
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import ibis
import pyarrow as pa
import pyarrow.parquet as pq

from shared.datasets import expressions, queueing
from shared.datasets.columns import HOUR, INPUT, VERSION, of_actuals, of_predictions
from shared.datasets.engines import Engine
from shared.datasets.levels import Levels
from shared.datasets.manifest import Input, Plan, Use
from shared.datasets.sampling import Border, Cuts, border_rows, scouted_from
from shared.datasets.scratch import Scratch

R = TypeVar("R")


@dataclass(frozen=True, slots=True, kw_only=True)
class Days:
    """One plan's days.

    Attributes:
        inputs_at: where the engine reads the container of captures itself; None where files are fetched for it, and checked.
        given_up: set once nobody waits for what is done in a thread any more.
    """

    plan: Plan
    engine: Engine
    scratch: Scratch
    inputs_at: str | None = None
    given_up: threading.Event = field(default_factory=threading.Event)

    async def scouted(self, date: str) -> pa.Table:
        """Return features of some rows that can be taken."""
        rows = sum(one.rows for one in self.plan.inputs if one.use is Use.PREDICTIONS)
        table = await self._candidates(date, None)
        scouted = expressions.scouted(table, self.plan, start=scouted_from(rows))
        return await self.in_thread(lambda: self.engine.collect(scouted))

    async def counted(self, date: str, levels: Levels | None) -> pa.Table:
        """Return how many rows there are, by what becomes of them."""
        table = await self._candidates(date, levels)
        return await self.in_thread(lambda: self.engine.collect(expressions.counted(table)))

    async def border_keys(self, date: str, levels: Levels | None, borders: Mapping[str, Border]) -> pa.Table:
        """Return stratum and key of the rows at borders."""
        if not borders:
            return pa.table({"_stratum": pa.array([], pa.string()), "_key": pa.array([], pa.string())})
        table = await self._candidates(date, levels)
        keys = expressions.border_keys(table, borders, self.engine.table(border_rows(borders)))
        return await self.in_thread(lambda: self.engine.collect(keys))

    async def chosen(self, date: str, levels: Levels | None, cuts: Cuts | None) -> Path:
        """Return a file of the rows that are taken."""
        table = await self._candidates(date, levels)
        cut_rows = None if cuts is None else self.engine.table(cuts.rows())
        rows = expressions.chosen(table, self.plan, cuts, cut_rows)
        files = await self.in_thread(lambda: self.engine.write(rows, self.scratch.folder / "chosen"))
        return await self.in_thread(lambda: _one_of(files))

    async def queued(self, date: str, levels: Levels, disagreed: pa.Table, *, most: int) -> pa.Table:
        """Return the rows without an actual whose actuals would teach most."""
        table = await self._candidates(date, levels)
        rows = queueing.queued(table, self.plan, levels=levels, disagreed=self.engine.table(disagreed), most=most)
        return await self.in_thread(lambda: self.engine.collect(rows))

    async def in_thread(self, work: Callable[[], R]) -> R:
        """Return what ``work`` returns, while others have the event loop.

        Raises:
            asyncio.CancelledError: once the engine has given up what it was at.
        """
        working = asyncio.ensure_future(asyncio.to_thread(work))
        try:
            return await asyncio.shield(working)
        except asyncio.CancelledError:
            self.given_up.set()
            self.engine.interrupt()
            # What it says of that interests nobody, and is asked for, or else it would be logged.
            await asyncio.gather(working, return_exceptions=True)
            raise

    async def _candidates(self, date: str, levels: Levels | None) -> ibis.Table:
        inputs = [one for one in self.plan.inputs if one.hour is not None and one.hour.startswith(date)]
        files = dict(zip(inputs, await self._files(inputs), strict=True))
        predictions = [one for one in inputs if one.use is Use.PREDICTIONS]
        actuals = [one for one in inputs if one.use is Use.ACTUALS]
        beside = {
            HOUR: [one.hour or "" for one in predictions],
            VERSION: [one.version or "" for one in predictions],
            INPUT: [one.path for one in predictions],
        }
        plan, engine = self.plan, self.engine
        return await self.in_thread(
            lambda: expressions.candidates(
                engine.read([files[one] for one in predictions], of_predictions(plan), beside=beside),
                engine.read([files[one] for one in actuals], of_actuals(plan.schema)) if actuals else None,
                plan,
                levels=levels,
            )
        )

    async def _files(self, inputs: Sequence[Input]) -> list[str]:
        if self.inputs_at is not None:
            return [f"{self.inputs_at.rstrip('/')}/{one.path.partition('/')[2]}" for one in inputs]
        return [str(path) for path in await self.scratch.fetch(inputs)]


def _one_of(files: Sequence[Path]) -> Path:
    """Return one file with the rows of some."""
    if len(files) == 1:
        return files[0]
    whole = files[0].with_name("whole.parquet")
    with pq.ParquetWriter(whole, pq.read_schema(files[0]), compression="zstd") as writer:
        for file in files:
            for batch in pq.ParquetFile(file).iter_batches():
                writer.write_batch(batch)
    for file in files:
        file.unlink()
    return whole

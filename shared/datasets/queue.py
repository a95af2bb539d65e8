"""Finds the predictions whose actuals would teach most, among those that were kept."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeAlias

import pyarrow as pa

from shared import documents
from shared.blobs import Blobs
from shared.datasets import levels as leveling
from shared.datasets import queueing
from shared.datasets.building import Machine
from shared.datasets.columns import kept
from shared.datasets.days import Days
from shared.datasets.levels import Levels
from shared.datasets.planning import Planning
from shared.datasets.recipe import Recipe, Sample, Sampling, WantedActuals
from shared.datasets.scratch import scratch
from shared.hours import Hour
from shared.monitoring.settling import PAST_HOURS, learned_delay
from shared.sealing.hours.watermark import WATERMARK_PATH, Watermark

Told: TypeAlias = Callable[[int, int], None]
"""Is told how many days were gone through, and of how many; each counts twice where it is looked at for drift first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """Whose actuals should have come.

    Attributes:
        end: the first hour with predictions whose actuals are not due yet; None where nothing is sealed.
        delay: how long actuals take, as ``monitor.yaml`` says or as they took lately; None where none has come.
    """

    end: Hour | None
    delay: timedelta | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Queued:
    """What is to be found out.

    Attributes:
        rows: as ``queueing.to_fill_in`` gives them, those that teach most first.
        columns: of each.
        unknown: which parts of a score nothing is known of, for any row.
    """

    rows: tuple[Mapping[str, Any], ...]
    columns: tuple[str, ...]
    unknown: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Queue:
    """Goes through predictions day by day; nothing of it is stored."""

    blobs: Blobs
    planning: Planning
    machine: Machine

    async def due(self, model: str) -> Due:
        """Return up to which hour a model's actuals are due.

        Raises:
            UnknownModel: the model has no champion.
        """
        watermark = await documents.find(self.blobs, WATERMARK_PATH, Watermark)
        champion = await self.planning.registry.answering(model)
        delay = (await self.planning.registry.monitor_config(model)).actuals_delay
        if watermark is None:
            return Due(end=None, delay=delay)
        sealed = watermark.hour
        if delay is None:
            delay = learned_delay(await self.planning.joins.counts(champion, sealed.plus(-PAST_HOURS), sealed))
        return Due(end=Hour.containing(sealed.start - (delay or timedelta(0))), delay=delay)

    async def find(
        self, model: str, *, most: int, start: Hour | None, end: Hour | None, disagreed: pa.Table, told: Told
    ) -> Queued:
        """Return the predictions without an actual that would teach most.

        What a dataset would leave out, canaries and hours under a data fault, is not asked for either.

        Args:
            model: whose; of its versions those alike, as a dataset takes them.
            most: so many at most.
            start: the first hour; None for the first that was captured.
            end: the first hour not looked at, which is after ``start``; None for the watermark. After that of ``due`` are
                predictions that only wait.
            disagreed: ``queueing.ABOUT`` and ``queueing.DISAGREEMENT``.
            told: how it comes along.

        Raises:
            NotJoined: actuals wait to be joined, and what they are of would be asked for.
            BeingErased: of some of the rows nobody can say yet whether they stay.
            BlobMissing: joined hours were merged meanwhile; ask again.
            LetGo, UnknownModel, InvalidRecipe, NotSealed, InsufficientData: as ``Planning.plan`` does.
            InvalidDocument: an input is not what its manifest says.
            EngineFailed: the engine gave up.
        """
        recipe = Recipe(
            model=model,
            start=start.key if start else None,
            end=end.key if end else None,
            actuals=WantedActuals(required=False),
            sample=Sample(rows=most, by=Sampling.DRIFT_AWARE),
        )
        plan = await self.planning.plan(recipe)
        with scratch(self.blobs, self.machine.place, most_bytes=self.machine.kept_bytes) as here:
            engine = self.machine.engine(scratch=here.folder)
            try:
                days = Days(plan=plan, engine=engine, scratch=here, inputs_at=self.machine.inputs_at)
                steps = len(plan.dates) * (2 if plan.baseline else 1)
                levels = await _levels(days, lambda done: told(done, steps))
                found: list[Mapping[str, Any]] = []
                for done, date in enumerate(plan.dates, start=steps - len(plan.dates)):
                    told(done, steps)
                    some = await days.queued(date, levels, disagreed, most=most)
                    found = queueing.first([*found, *some.to_pylist()], most=most)
                told(steps, steps)
            finally:
                engine.close()
        features = kept(plan)
        known = {
            "uncertain": bool(plan.schema.probability_columns),
            "drifted": bool(plan.baseline),
            "disagreed": bool(disagreed.num_rows),
        }
        return Queued(
            rows=tuple(queueing.to_fill_in(row, features) for row in found),
            columns=(*queueing.COLUMNS, *queueing.named(features), queueing.VALUE),
            unknown=tuple(what for what in queueing.PARTS if not known[what]),
        )


async def _levels(days: Days, told: Callable[[int], None]) -> Levels:
    """Return the levels of features by rows of all days; none without a baseline."""
    plan = days.plan
    if not plan.baseline:
        return Levels(features={})
    scouted: list[pa.Table] = []
    for done, date in enumerate(plan.dates):
        told(done)
        scouted.append(await days.scouted(date))
    return await asyncio.to_thread(leveling.levels, plan.baseline, pa.concat_tables(scouted))

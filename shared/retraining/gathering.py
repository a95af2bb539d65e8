"""Draw a training set from what was captured: sealed predictions, with what turned out.

This is one way to come by a training set. Whoever registers challengers takes any, so that a dataset built by a recipe can
take its place.
"""

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import pyarrow as pa

from shared import documents
from shared.blobs import Blobs
from shared.errors import NotSealed
from shared.hours import Hour, dates_of, hours_of
from shared.registry.alike import alike
from shared.registry.manifest import Manifest
from shared.registry.store import Registry
from shared.retraining.actuals import Actuals
from shared.retraining.periods import newest_settled
from shared.retraining.training_set import AT, ID, TrainingSet, columns, matched, refuse_masked, training_set
from shared.sealing.frames import rows
from shared.sealing.hours.watermark import WATERMARK_PATH, Watermark

_JOINED: Final = (ID, AT, "actual")


@dataclass(slots=True)
class Gathering:
    """Draws training sets."""

    blobs: Blobs
    registry: Registry
    actuals: Actuals

    async def gather(self, model: str, first: Hour | None = None, end: Hour | None = None) -> TrainingSet:
        """Return the predictions of a model that have an actual, with the champion's features.

        Args:
            model: which; the challenger is made in place of its champion.
            first: the first hour; None for as many periods before ``end`` as ``monitor.yaml`` says.
            end: the first hour not taken; None for the end of the last period whose actuals have had the time they take.

        Raises:
            UnknownModel: the model has no champion.
            Untrainable: what is captured of the champion is not what it is asked with.
            NotSealed: ``end`` is after the watermark.
            LetGo: retention took some of the rows.
            InvalidDocument: rows were damaged.
        """
        parent = await self.registry.answering(model)
        refuse_masked(parent)
        first, end = await self._span(parent, first, end)
        parts: list[pa.Table] = []
        predictions = 0
        for version in alike(parent, await self.registry.versions(model)):
            joined = await self.actuals.between(version, first, end, columns=_JOINED)
            predictions += joined.predictions
            if joined.rows.num_rows:
                parts += await self._matched(version, first, end, joined.rows)
        return await asyncio.to_thread(training_set, parent, first, end, parts, predictions=predictions)

    async def _span(self, parent: Manifest, first: Hour | None, end: Hour | None) -> tuple[Hour, Hour]:
        watermark = await documents.find(self.blobs, WATERMARK_PATH, Watermark)
        if watermark is None:
            raise NotSealed(end.key if end else "any hour", before=None)
        config = await self.registry.monitor_config(parent.model)
        hours = config.retraining.period_hours
        learned = hours * config.retraining.train_on
        if end is None:
            delay = config.actuals_delay
            if delay is None:
                delay = await self.actuals.delay(parent, watermark.hour.plus(-learned), watermark.hour)
            # Of what is younger only the actuals that come early are there, and those are not like the others.
            end = newest_settled(watermark.hour, hours=hours, delay=delay or timedelta(0)).end
        if end > watermark.hour:
            raise NotSealed(end.key, before=watermark.before)
        return first or end.plus(-learned), end

    async def _matched(self, version: Manifest, first: Hour, end: Hour, joined: pa.Table) -> list[pa.Table]:
        """Return the rows that have an actual, a day at a time: the others need not be held in memory together."""
        found: list[pa.Table] = []
        for date in dates_of(first, end):
            day, next_day = hours_of(date)
            sealed = await rows(
                self.blobs,
                version.model,
                version.version,
                max(first, day),
                min(end, next_day),
                columns=columns(version),
            )
            found.append(await asyncio.to_thread(matched, sealed, joined))
        return found

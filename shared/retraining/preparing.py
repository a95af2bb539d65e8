"""What a challenger is to learn from: the hours and why these, how much there is, and the rows of a dataset made of it."""

import asyncio
import hashlib
import io
from dataclasses import dataclass
from datetime import datetime, timedelta

import pyarrow as pa
import pyarrow.parquet as pq

from shared import documents
from shared.blobs import Blobs
from shared.datasets.manifest import TEST, TRAIN, DatasetManifest
from shared.datasets.paths import dataset_folder
from shared.datasets.recipe import Recipe, Split
from shared.errors import InsufficientData, InvalidDocument, NotSealed
from shared.hours import Hour
from shared.registry.alike import alike
from shared.registry.manifest import Manifest
from shared.registry.store import Registry
from shared.retraining.actuals import JoinedActuals
from shared.retraining.decision import Decisions
from shared.retraining.periods import newest_settled
from shared.retraining.training_set import TrainingSet, columns, refuse_masked, refuse_unfit, training_set
from shared.retraining.verdicts import Verdict
from shared.sealing.hours.watermark import WATERMARK_PATH, Watermark

_HELD_OUT = 0.2
"""The newest fifth of the rows is for trying the challenger."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """What there is to learn from.

    Attributes:
        parent: the champion.
        first: the first hour whose predictions are looked at.
        end: the first one whose are not any more.
        decision: the path of the decision to retrain that the hours are those of; None where somebody chose them.
        predictions: how many were captured in those hours, with an actual or without.
        rows: how many have an actual.
    """

    parent: Manifest
    first: Hour
    end: Hour
    decision: str | None
    predictions: int
    rows: int

    @property
    def coverage(self) -> float | None:
        """Return the share of predictions that have an actual, from 0 to 1; None where there is no prediction."""
        return self.rows / self.predictions if self.predictions else None

    def recipe(self, *, as_of: datetime | None) -> Recipe:
        """Return what makes a dataset of it; ``as_of`` None knows all that is known by the watermark."""
        return Recipe(
            model=self.parent.model,
            start=self.first.key,
            end=self.end.key,
            as_of=as_of,
            split=Split(test=_HELD_OUT),
        )


@dataclass(slots=True)
class Preparing:
    """Says what there is to learn from, and reads training sets out of datasets."""

    blobs: Blobs
    registry: Registry
    actuals: JoinedActuals
    decisions: Decisions

    async def look(self, model: str, first: Hour | None = None, end: Hour | None = None) -> Material:
        """Return what was captured of a model for a challenger to learn from.

        Args:
            model: which; the challenger is made in place of its champion.
            first: the first hour; None for as many periods before ``end`` as ``monitor.yaml`` says.
            end: the first hour not taken; None for the end of the period of the newest decision, if that is to retrain,
                and else of the last period whose actuals have had the time they take.

        Raises:
            UnknownModel: the model has no champion.
            Untrainable: what is captured of the champion is not what it is asked with.
            NotSealed: ``end`` is after the watermark.
        """
        parent = await self.registry.answering(model)
        refuse_masked(parent)
        decision = await self._decision(parent) if first is None and end is None else None
        if decision is not None:
            end = Hour.parse(decision[1])
        first, end = await self._span(parent, first, end)
        predictions = rows = 0
        for version in alike(parent, await self.registry.versions(model)):
            counts = await self.actuals.joins.counts(version, first, end)
            predictions += sum(hour.predictions for hour in counts)
            rows += sum(hour.joined for hour in counts)
        return Material(
            parent=parent,
            first=first,
            end=end,
            decision=decision[0] if decision else None,
            predictions=predictions,
            rows=rows,
        )

    async def draw(self, made: DatasetManifest) -> TrainingSet:
        """Return what the champion's successor learns from of a dataset whose rows are there.

        Raises:
            UnknownModel: the model has no champion.
            Untrainable: the dataset does not have what the champion is asked with.
            InsufficientData: nothing of it is for training.
            BlobMissing: a part is gone.
            InvalidDocument: a part is not what the manifest says.
        """
        parent = await self.registry.answering(made.model)
        refuse_unfit(parent, made)
        train = await self._part(parent, made, TRAIN)
        if train is None:
            raise InsufficientData(rows=0, needed=1)
        held_out = await self._part(parent, made, TEST)
        return await asyncio.to_thread(
            training_set, parent, made, train, train.slice(0, 0) if held_out is None else held_out
        )

    async def _decision(self, parent: Manifest) -> tuple[str, str] | None:
        """Return path and end of the newest decision, if it is to retrain the champion."""
        newest = await self.decisions.pointer(parent.model)
        if newest is None or (newest.verdict, newest.champion) != (Verdict.RETRAIN, parent.version):
            return None
        return newest.path, newest.end

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

    async def _part(self, parent: Manifest, made: DatasetManifest, split: str) -> pa.Table | None:
        """Return the rows of one part of a dataset; None where it has no such part."""
        found: list[pa.Table] = []
        for part in (one for one in made.parts if one.split == split):
            path = f"{dataset_folder(made.model, made.dataset)}{part.file}"
            data = (await self.blobs.read(path)).data
            if hashlib.sha256(data).hexdigest() != part.sha256:
                raise InvalidDocument(path, reason="its bytes are not those that the dataset's manifest names")
            found.append(await asyncio.to_thread(_read, data, columns(parent)))
        return pa.concat_tables(found) if found else None


def _read(data: bytes, names: list[str]) -> pa.Table:
    return pq.ParquetFile(io.BytesIO(data)).read(columns=names)

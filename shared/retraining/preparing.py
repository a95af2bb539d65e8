"""What a challenger is to learn from: the hours and why these, how much there is, and the rows of a dataset made of it."""

import asyncio
import hashlib
import io
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

import pyarrow as pa
import pyarrow.parquet as pq

from shared import documents
from shared.blobs import Blobs
from shared.datasets.manifest import TEST, TRAIN, DatasetManifest
from shared.datasets.paths import dataset_folder
from shared.datasets.recipe import Recipe, Sample, Split, WantedActuals
from shared.errors import DatasetTooLarge, InsufficientData, InvalidDocument, NotSealed
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
        delay: how long actuals take, as it is stated or as they took lately; None where nobody knows.
        predictions: how many were captured in those hours, with an actual or without.
        rows: how many have an actual.
    """

    parent: Manifest
    first: Hour
    end: Hour
    decision: str | None
    delay: timedelta | None
    predictions: int
    rows: int

    @property
    def coverage(self) -> float | None:
        """Return the share of predictions that have an actual, from 0 to 1; None where there is no prediction."""
        return self.rows / self.predictions if self.predictions else None

    def recipe(self, *, as_of: datetime | None, most_rows: int) -> Recipe:
        """Return what makes a dataset of it, of at most so many rows; ``as_of`` None knows all that is known by the watermark.

        Of rows that are younger then than the time actuals take, only those come early, and they are not like the others.
        """
        return Recipe(
            model=self.parent.model,
            start=self.first.key,
            end=self.end.key,
            as_of=as_of,
            actuals=WantedActuals(delay=self.delay or None),  # nothing is known the moment it is asked
            sample=Sample(rows=most_rows),
            split=Split(test=_HELD_OUT),
        )


@dataclass(slots=True)
class Preparing:
    """Says what there is to learn from, and reads training sets out of datasets."""

    blobs: Blobs
    registry: Registry
    actuals: JoinedActuals
    decisions: Decisions

    async def look(
        self, model: str, first: Hour | None = None, end: Hour | None = None, *, version: str | None = None
    ) -> Material:
        """Return what was captured of a model for a challenger to learn from.

        Args:
            model: which; the challenger is made in place of its champion.
            first: the first hour; None for as many periods before ``end`` as ``monitor.yaml`` says.
            end: the first hour not taken; None for the end of the period of the newest decision to retrain that no version
                follows yet, and else of the newest decision, if that is to retrain, and else of the last period whose
                actuals have had the time they take.
            version: what the challenger is called, if that is known: one that follows a decision itself may do so again.

        Raises:
            UnknownModel: the model has no champion.
            Untrainable: what is captured of the champion is not what it is asked with.
            NotSealed: ``end`` is after the watermark.
        """
        parent = await self.registry.answering(model)
        refuse_masked(parent)
        versions = await self.registry.versions(model)
        followed = {one.lineage.decision for one in versions if one.lineage is not None and one.version != version}
        decision = await self._decision(parent, followed) if first is None and end is None else None
        if decision is not None:
            end = Hour.parse(decision[1])
        first, end, delay = await self._span(parent, first, end)
        predictions = rows = 0
        for one in alike(parent, versions):
            counts = await self.actuals.joins.counts(one, first, end)
            predictions += sum(hour.predictions for hour in counts)
            rows += sum(hour.joined for hour in counts)
        return Material(
            parent=parent,
            first=first,
            end=end,
            decision=decision[0] if decision else None,
            delay=delay,
            predictions=predictions,
            rows=rows,
        )

    async def draw(self, made: DatasetManifest, *, most_rows: int) -> TrainingSet:
        """Return what the champion's successor learns from of a dataset whose rows are there, in memory.

        A larger one is refused and not drawn from: what a version learned from is to be what its dataset says.

        Raises:
            DatasetTooLarge: it has more than so many rows to learn from and to hold out.
            UnknownModel: the model has no champion.
            Untrainable: the dataset does not have what the champion is asked with.
            InsufficientData: nothing of it is for training.
            BlobMissing: a part is gone.
            InvalidDocument: a part is not what the manifest says.
        """
        parent = await self.registry.answering(made.model)
        refuse_unfit(parent, made)
        rows = sum(part.rows for part in made.parts if part.split in {TRAIN, TEST})
        if rows > most_rows:
            raise DatasetTooLarge(made.model, made.dataset, rows=rows, most=most_rows)
        train = await self._part(parent, made, TRAIN)
        if train is None:
            raise InsufficientData(rows=0, needed=1)
        held_out = await self._part(parent, made, TEST)
        return await asyncio.to_thread(
            training_set, parent, made, train, train.slice(0, 0) if held_out is None else held_out
        )

    async def _decision(self, parent: Manifest, followed: Collection[str | None]) -> tuple[str, str] | None:
        """Return path and end of the decision to retrain the champion that is to be followed, if there is one.

        A version that follows one has answered those before it as well.
        """
        found = await self.decisions.newest_retrain(parent.model, parent.version)
        if found is not None and found[0] not in followed:
            return found[0], found[1].end
        newest = await self.decisions.pointer(parent.model)
        if newest is None or (newest.verdict, newest.champion) != (Verdict.RETRAIN, parent.version):
            return None
        return newest.path, newest.end

    async def _span(
        self, parent: Manifest, first: Hour | None, end: Hour | None
    ) -> tuple[Hour, Hour, timedelta | None]:
        """Return the hours to learn from, and how long actuals take."""
        watermark = await documents.find(self.blobs, WATERMARK_PATH, Watermark)
        if watermark is None:
            raise NotSealed(end.key if end else "any hour", before=None)
        config = await self.registry.monitor_config(parent.model)
        hours = config.retraining.period_hours
        learned = hours * config.retraining.train_on
        delay = config.actuals_delay
        if delay is None:
            delay = await self.actuals.delay(parent, watermark.hour.plus(-learned), watermark.hour)
        if end is None:
            end = newest_settled(watermark.hour, hours=hours, delay=delay or timedelta(0)).end
        if end > watermark.hour:
            raise NotSealed(end.key, before=watermark.before)
        return first or end.plus(-learned), end, delay

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

"""Reads answers, with what turned out or without, and of what was asked the columns that are needed."""

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from shared.actuals.reading import Joins
from shared.blobs import Blobs
from shared.bounded import each
from shared.capture.records import Kind, Shelf
from shared.hours import Hour
from shared.monitoring.window import Window
from shared.registry.manifest import Manifest
from shared.sealing.hours.hour import read, readable
from shared.sealing.hours.manifests import Manifests, SealedHour
from shared.sealing.paths import hour_folder
from shared.sealing.tables.columns import arrow_schema
from shared.sealing.tables.packed import pack

MOST_ROWS: Final = 50_000
"""So many rows say as much as anybody needs to know: of a share, within half a point."""

_MOST_HOURS: Final = 168
_AT_ONCE: Final = 4
_REMEMBERED: Final = 16
_MOST_AT_ONCE: Final = 4 * MOST_ROWS
_ODD: Final = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True, slots=True)
class AnsweredRows:
    """Some rows, by hour, and the SHA-256 of the manifests they are of, by path."""

    rows: pa.Table
    inputs: dict[str, str]


@dataclass(slots=True)
class Reading:
    """Reads rows of a version. Of many, those are taken whose ids have the lowest digests, of hours that are spread evenly."""

    blobs: Blobs
    joins: Joins
    manifests: Manifests
    _known: "OrderedDict[tuple[object, ...], AnsweredRows]" = field(default_factory=OrderedDict)

    async def with_actuals(
        self,
        manifest: Manifest,
        window: Window,
        *,
        answers: Sequence[str],
        asked: Sequence[str],
        delay: timedelta,
        as_of: datetime | None = None,
    ) -> AnsweredRows:
        """Return the rows of some hours whose actual came in time, with what was known by then.

        Else what is told again, or corrected, months later would take rows out of the past that a new window still has.

        Args:
            manifest: of the version.
            window: the hours.
            answers: columns of outputs.
            asked: columns of features.
            delay: what is in time.
            as_of: as it was known then; None keeps the rows in memory, to be taken from there while nothing has changed.
        """
        inputs = await self.joins.inputs(manifest, window.first, window.end)
        key = (manifest.model, manifest.version, window, *answers, None, *asked, delay, *sorted(inputs.items()))
        known = self._known.pop(key, None) if as_of is None else None
        if known is None:
            known = await self._with_actuals(manifest, window, answers, asked, delay, as_of)
        if as_of is None:
            self._known[key] = known
            if len(self._known) > _REMEMBERED:
                self._known.popitem(last=False)
        return known

    async def without(self, manifest: Manifest, window: Window, columns: Sequence[str]) -> AnsweredRows:
        """Return the rows of some hours, whether their actuals have come or not."""
        sealed = await self.manifests.between(_shelf(manifest), window.first, window.end)
        counts = {one.hour: one.manifest.rows for one in sealed}
        hours, share = _chosen(counts)
        chosen = [one for one in sealed if one.hour in hours]
        names = ["_id", "_weight", *columns]
        tables = await each(chosen, lambda one: self._rows(manifest, one, names, share), at_once=_AT_ONCE)
        types = pa.schema([*(_schema(manifest).field(name) for name in names), ("hour", pa.string())])
        rows = pa.concat_tables([types.empty_table(), *tables])
        return AnsweredRows(rows, {one.path: one.sha256 for one in chosen})

    async def _with_actuals(
        self,
        manifest: Manifest,
        window: Window,
        answers: Sequence[str],
        asked: Sequence[str],
        delay: timedelta,
        as_of: datetime | None,
    ) -> AnsweredRows:
        counts = await self.joins.counts(manifest, window.first, window.end)
        hours, share = _chosen({one.hour: one.joined for one in counts if one.joined})
        is_small = sum(one.joined for one in counts) <= _MOST_AT_ONCE  # of more, a sample is taken of hour after hour
        parts = [window] if is_small else [Window(hour, hour.plus(1)) for hour in sorted(hours)]
        columns = ["_id", "_weight", "hour", "actual", *answers]
        inputs: dict[str, str] = {}

        async def of(part: Window) -> pa.Table:
            found = await self.joins.between(manifest, part.first, part.end, as_of=as_of, within=delay, columns=columns)
            inputs.update(found.inputs)
            return await asyncio.to_thread(_sampled, found.rows, share)

        rows = pa.concat_tables(await each(parts, of, at_once=_AT_ONCE))
        if asked and rows.num_rows:
            rows, more = await self._beside(manifest, window, rows, asked)
            inputs |= more
        elif asked:
            rows = pa.schema([*rows.schema, *(_schema(manifest).field(name) for name in asked)]).empty_table()
        return AnsweredRows(rows, inputs)

    async def _beside(
        self, manifest: Manifest, window: Window, rows: pa.Table, asked: Sequence[str]
    ) -> tuple[pa.Table, dict[str, str]]:
        """Return rows with what was asked beside what was answered."""
        wanted = {Hour.parse(key) for key in pc.unique(rows.column("hour")).to_pylist()}
        sealed = await self.manifests.between(_shelf(manifest), window.first, window.end)
        chosen = [one for one in sealed if one.hour in wanted]

        async def of(one: SealedHour) -> pa.Table:
            own = rows.filter(pc.equal(rows.column("hour"), one.hour.key))
            given = await self._rows(manifest, one, ["_id", *asked], 1.0)
            places = pc.index_in(own.column("_id"), value_set=given.column("_id").combine_chunks())
            found = own.filter(pc.is_valid(places))
            taken = given.take(pc.drop_null(places))
            for name in asked:
                found = found.append_column(name, taken.column(name))
            return found

        fields = [*rows.schema, *(_schema(manifest).field(name) for name in asked)]
        tables = [pa.schema(fields).empty_table(), *await each(chosen, of, at_once=_AT_ONCE)]
        return pa.concat_tables(tables), {one.path: one.sha256 for one in chosen}

    async def _rows(self, manifest: Manifest, sealed: SealedHour, names: Sequence[str], share: float) -> pa.Table:
        folder = hour_folder(_shelf(manifest), sealed.hour)
        tables = []
        for generation in sealed.manifest.generations:
            path = f"{folder}{generation.rows_file}"
            data = (await self.blobs.read(path)).data
            with readable(path):
                rows, _ = await asyncio.to_thread(read, data, only=names)
            tables.append(_sampled(rows.replace_schema_metadata(None), share))
        whole = pa.concat_tables(tables)
        return whole.append_column("hour", pa.repeat(pa.scalar(sealed.hour.key), whole.num_rows))


def _chosen(rows: dict[Hour, int]) -> tuple[frozenset[Hour], float]:
    """Return the hours that are read, by how many rows each has, and which share of their rows is taken.

    >>> hours, share = _chosen({Hour.parse("2026-03-02T09"): 200_000, Hour.parse("2026-03-02T10"): 100})
    >>> len(hours), round(share, 3)
    (2, 0.25)
    """
    hours, total = sorted(rows), sum(rows.values())
    if total > _MOST_AT_ONCE and len(hours) > _MOST_HOURS:
        hours = [hours[place * len(hours) // _MOST_HOURS] for place in range(_MOST_HOURS)]
        total = sum(rows[hour] for hour in hours)
    return frozenset(hours), min(1.0, MOST_ROWS / total) if total else 1.0


def _sampled(rows: pa.Table, share: float) -> pa.Table:
    """Return about such a share of rows: which, their ids decide, and nothing else."""
    if share >= 1.0 or not rows.num_rows:
        return rows
    ids = pack(rows.column("_id"))
    digests = (ids[:, 1] ^ (ids[:, 0] * _ODD)) * _ODD
    return rows.filter(pa.array(digests < np.uint64(int(share * 2**64))))


def _schema(manifest: Manifest) -> pa.Schema:
    return arrow_schema(Kind.PREDICTION, manifest.schema.captured)


def _shelf(manifest: Manifest) -> Shelf:
    return Shelf(Kind.PREDICTION, manifest.model, manifest.version)

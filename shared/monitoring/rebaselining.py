"""Accept a new normal: a baseline made of sealed hours, in place of the one before, which stays in the history.

Its bins are cut anew, from the rows of those hours. The old ones are fine where the old rows were and coarse where there
were none, which is just where a new normal may lie: kept, they would compare it with what comes next by a few wide bins
beyond the old range, and PSI over tenths of which most are empty. The price is that older hours are profiled again from
their rows when a window needs them, as after any change of bins. A version's ranges stay as its schema has them.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa

from shared import documents
from shared.blobs import Blobs
from shared.capture.records import Kind, Shelf
from shared.errors import BlobChanged, InsufficientData, NotSealed
from shared.hours import Hour
from shared.profiles import encoding
from shared.profiles.bins import Bins
from shared.profiles.cutting import cut
from shared.profiles.hourly import encode_hours
from shared.profiles.profile import Profile, empty, merge, profile
from shared.profiles.sample import hashes
from shared.profiles.widening import widened
from shared.registry.baselines import BINS_FILE, HOURS_FILE, ORIGIN_FILE, PROFILE_FILE, ROWS_FILE, Origin, rows_file
from shared.registry.manifest import CurrentBaseline, Manifest, baseline_name, folder
from shared.registry.store import Registry
from shared.schema import Schema
from shared.sealing.hours.hour import read, readable
from shared.sealing.hours.manifests import Manifests, SealedHour
from shared.sealing.hours.watermark import WATERMARK_PATH, Watermark
from shared.sealing.paths import hour_folder

MOST_DRAWN: Final = 200_000
"""Bins are cut from so many rows, or all: a fair draw by the hashes of their ids."""

FEWEST: Final = 100


@dataclass(slots=True)
class Rebaselining:
    """Makes baselines of sealed hours."""

    blobs: Blobs
    registry: Registry
    manifests: Manifests

    async def accept(self, model: str, version: str, first: Hour, end: Hour) -> CurrentBaseline:
        """Make the hours from ``first`` up to ``end``, which is not among them, what a version is compared with.

        Done again over the same hours, it changes nothing. Killed, it leaves files that nobody reads, under a number that
        is not given again.

        Raises:
            UnknownModel: the version is not registered.
            NotSealed: ``end`` is after the watermark, so that nobody knows whether these are all the rows.
            InsufficientData: there are fewer than 100 rows.
            InvalidDocument: one of those hours cannot be read.
        """
        manifest = await self.registry.manifest(model, version)
        watermark = await documents.find(self.blobs, WATERMARK_PATH, Watermark)
        if watermark is None or end > watermark.hour:
            raise NotSealed(end.key, before=watermark.before if watermark else None)
        hours = await self.manifests.between(Shelf(Kind.PREDICTION, model, version), first, end)
        origin = Origin(
            start=first.key,
            end=end.key,
            rows=sum(one.manifest.rows for one in hours),
            inputs={one.path: one.sha256 for one in hours},
        )
        if origin.rows < FEWEST:
            raise InsufficientData(rows=origin.rows, needed=FEWEST)
        current = await self.registry.current_baseline(manifest)
        if await documents.find(self.blobs, f"{current}{ORIGIN_FILE}", Origin) == origin:
            return await self.registry.baselines_of(manifest)
        drawn = await self._drawn(manifest, hours, rows=origin.rows)
        bins = await asyncio.to_thread(_cut, drawn, manifest)
        whole, by_hour = await self._profiles(manifest, hours, bins)
        return await self._store(
            manifest,
            {
                BINS_FILE: encoding.encode(bins),
                PROFILE_FILE: encoding.encode(whole),
                HOURS_FILE: await asyncio.to_thread(encode_hours, by_hour),
                ROWS_FILE: await asyncio.to_thread(rows_file, drawn),
                ORIGIN_FILE: documents.encode(origin),
            },
        )

    async def _drawn(self, manifest: Manifest, hours: Sequence[SealedHour], *, rows: int) -> pa.Table:
        return pa.concat_tables(
            [
                await asyncio.to_thread(_draw, some, rows)
                for one in hours
                async for some in self._generations(manifest, one)
            ]
        )

    async def _profiles(
        self, manifest: Manifest, hours: Sequence[SealedHour], bins: Bins
    ) -> tuple[Profile, list[tuple[Hour, Profile]]]:
        """Return the profile of all hours, and of each that has rows."""
        whole = empty(bins)
        found: list[tuple[Hour, Profile]] = []
        for one in hours:
            merged = empty(bins)
            async for rows in self._generations(manifest, one):
                merged = merge(merged, await asyncio.to_thread(profile, rows, bins))
            if merged.rows:
                found.append((one.hour, merged))
            whole = merge(whole, merged)
        return whole, found

    async def _generations(self, manifest: Manifest, hour: SealedHour) -> AsyncIterator[pa.Table]:
        """Yield the rows of an hour, a generation at a time: an hour may be larger than memory."""
        where = hour_folder(Shelf(Kind.PREDICTION, manifest.model, manifest.version), hour.hour)
        for generation in hour.manifest.generations:
            if generation.footer.rows:
                path = f"{where}{generation.rows_file}"
                data = (await self.blobs.read(path)).data
                with readable(path):
                    rows, _ = await asyncio.to_thread(read, data)
                yield rows.replace_schema_metadata(None)

    async def _store(self, manifest: Manifest, files: dict[str, bytes]) -> CurrentBaseline:
        """Write a baseline under the next number that nobody has, and make it the current one."""
        number = max(number for number, _ in (await self.registry.baselines_of(manifest)).history)
        while True:
            number += 1
            place = folder(manifest.model, manifest.version) + baseline_name(number)
            try:
                await self.blobs.create(f"{place}{BINS_FILE}", files[BINS_FILE])
            except BlobChanged:  # of somebody who does the same at this moment, or was killed over it
                continue
            break
        for name, data in files.items():
            if name != BINS_FILE:
                await self.blobs.create(f"{place}{name}", data)
        return await self.registry.accept_baseline(manifest, number)


def _draw(rows: pa.Table, of: int) -> pa.Table:
    if of <= MOST_DRAWN:
        return rows
    return rows.filter(pa.array(hashes(rows.column("_id")) < np.uint64(2**64 * MOST_DRAWN // of)))


def _cut(rows: pa.Table, manifest: Manifest) -> Bins:
    schema: Schema = widened(manifest.schema.captured, rows)
    return cut(rows, schema, seed=manifest.files[manifest.model_file])

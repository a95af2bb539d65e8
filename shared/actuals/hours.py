"""Joined hours, to which one step after the other adds what it found."""

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from shared import documents
from shared.actuals.columns import ACTUAL, EARLY, joined_schema
from shared.actuals.counting import Counts, counts_of, in_order
from shared.actuals.joined_hour import JoinedFile, JoinedHour, described, read, rows_file, write
from shared.actuals.matching import equal_ids
from shared.actuals.paths import joined_folder, joined_path
from shared.actuals.progress import step_of
from shared.blobs import Blobs
from shared.errors import BlobChanged, BlobMissing
from shared.hours import Hour
from shared.registry.manifest import Manifest
from shared.sealing.hours.hour import readable
from shared.sealing.tables.packed import Ids, pack

MOST_FILES: Final = 8
"""A joined hour has fewer files: the step that would make it so many writes one of all instead."""
_MEETINGS: Final = 20


@dataclass(slots=True)
class JoinedHours:
    """Adds to joined hours. A step is a function of what it found and of the steps before it, and adds once."""

    blobs: Blobs
    most_files: int = MOST_FILES

    async def add(self, version: Manifest, hour: Hour, found: pa.Table, *, step: int) -> JoinedHour:
        """Add what a step found of an hour's predictions, of which there is at least one row, where it is not there yet.

        Args:
            version: of the predictions.
            hour: in which they were made.
            found: as ``matched_schema`` has it.
            step: its number; all steps before it were carried out.

        Raises:
            BlobChanged: others were faster twenty times in a row.
            InvalidDocument: what was joined before cannot be read.
        """
        path = joined_path(version.model, version.version, hour)
        for _ in range(_MEETINGS):
            stored, etag = await self._stored(path)
            if stored is not None and stored.step >= step:
                await self._tidy(stored)
                return stored
            try:
                new = await self._with(version, hour, stored, found, step)
                data = documents.encode(new)
                await (self.blobs.replace(path, data, etag=etag) if etag else self.blobs.create(path, data))
            except (BlobChanged, BlobMissing):  # somebody else carries the same step out
                continue
            await self._tidy(new)
            return new
        raise BlobChanged(path)

    async def _stored(self, path: str) -> tuple[JoinedHour | None, str]:
        try:
            return await documents.read(self.blobs, path, JoinedHour)
        except BlobMissing:
            return None, ""

    async def _with(
        self, version: Manifest, hour: Hour, stored: JoinedHour | None, found: pa.Table, step: int
    ) -> JoinedHour:
        """Write the rows that a step adds, and return the manifest that names them."""
        folder = joined_folder(version.model, version.version, hour)
        names = joined_schema(version.schema).names
        files = stored.files if stored is not None else ()
        fits = found.column(ACTUAL).is_valid()
        rows = found.filter(fits)
        counts = (stored.counts if stored is not None else Counts()).plus(
            Counts(misfits=found.num_rows - rows.num_rows)
        )
        if rows.num_rows:
            merges = len(files) + 1 >= self.most_files
            before = await self._before(folder, files, rows, names, whole=merges)
            is_new = await asyncio.to_thread(_not_among, rows, before)
            rows = rows.filter(pa.array(is_new))
            counts = counts.plus(Counts(early=int(np.count_nonzero(rows.column(EARLY).to_numpy()))))
            rows = rows.select(names)
            counts = await asyncio.to_thread(_counted, counts, before, rows)
            if merges:
                rows = pa.concat_tables([before, rows])
            if rows.num_rows:
                written = await self._write(folder, rows, step)
                files = (written,) if merges else (*files, written)
        return JoinedHour(
            model=version.model, version=version.version, hour=hour.key, step=step, files=files, counts=counts
        )

    async def _before(
        self, folder: str, files: Sequence[JoinedFile], rows: pa.Table, names: Sequence[str], *, whole: bool
    ) -> pa.Table:
        """Return what is there already: all of it, or what is of the same predictions as some rows."""
        wanted = await asyncio.to_thread(pack, rows.column("_id"))
        parts: list[pa.Table | None] = [rows.slice(0, 0).select(list(names))]
        for file in files:
            path = f"{folder}{file.file}"
            data = (await self.blobs.read(path)).data
            with readable(path):
                parts.append(await asyncio.to_thread(_read_before, data, wanted, names, whole=whole))
        return pa.concat_tables([part for part in parts if part is not None])

    async def _write(self, folder: str, rows: pa.Table, step: int) -> JoinedFile:
        data = await asyncio.to_thread(lambda: write(in_order(rows).rows))
        name = rows_file(step, data)
        with contextlib.suppress(BlobChanged):  # whoever carried the step out before wrote the same rows
            await self.blobs.create(f"{folder}{name}", data)
        return described(name, data, rows.num_rows)

    async def _tidy(self, hour: JoinedHour) -> None:
        """Delete the files of steps that the manifest knows and does not name: others hold their rows, or held them first."""
        if len(hour.files) != 1:
            return
        folder = joined_folder(hour.model, hour.version, Hour.parse(hour.hour))
        named = {file.file for file in hour.files}
        async for stored in self.blobs.under(f"{folder}rows-"):
            name = stored.path.removeprefix(folder)
            if name not in named and _step(name) <= hour.step:
                with contextlib.suppress(BlobMissing):
                    await self.blobs.delete(stored.path)


def _step(name: str) -> int:
    return step_of(name.removeprefix("rows-").removesuffix(".parquet"))


def _read_before(data: bytes, wanted: Ids, names: Sequence[str], *, whole: bool) -> pa.Table | None:
    """Read rows; where not the ``whole`` is asked for, those of some predictions. Mostly there are none of them: None."""
    if whole:
        return read(data, names)
    at = np.unique(equal_ids(pack(read(data, ["_id"]).column("_id")), wanted)[0])
    return read(data, names).take(pa.array(at)) if len(at) else None


def _not_among(rows: pa.Table, before: pa.Table) -> NDArray[np.bool_]:
    """Return of each row whether its prediction does not have its actual already; shape (rows,)."""
    is_new = np.ones(rows.num_rows, dtype=bool)
    if not before.num_rows:
        return is_new
    at, there = equal_ids(pack(rows.column("_actual_id")), pack(before.column("_actual_id")))
    ids, known = pack(rows.column("_id")), pack(before.column("_id"))
    is_new[at[(ids[at] == known[there]).all(axis=1)]] = False
    return is_new


def _counted(counts: Counts, before: pa.Table, rows: pa.Table) -> Counts:
    """Return the counts of an hour after some rows came to those ``before``, of the same predictions."""
    after = counts_of(in_order(pa.concat_tables([before, rows])))
    return counts.plus(counts_of(in_order(before)), times=-1).plus(after)

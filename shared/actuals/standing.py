"""Actuals that stand: their predictions may be sealed later than they are."""

import asyncio
import contextlib
import hashlib
import io
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from shared.actuals.columns import STANDING
from shared.actuals.finding import Predictions
from shared.actuals.joined_hour import read
from shared.actuals.matching import Places
from shared.actuals.paths import standing_folder
from shared.actuals.progress import By, Standing, file_of
from shared.blobs import Blobs
from shared.errors import BlobChanged
from shared.sealing.hours.hour import readable
from shared.sealing.tables.external import Keys
from shared.sealing.tables.remote_parquet import RemoteParquet

MERGED_AT: Final = 8
"""So many small files of one date become one."""
_SMALL_ROWS: Final = 100_000
_ROW_GROUP_ROWS: Final = 16_384
_SORTED_BY: Final = {By.ID: "_prediction_id", By.KEY: "key"}


@dataclass(slots=True)
class StandingFiles:
    """Reads and writes the standing actuals of a model."""

    blobs: Blobs
    model: str

    async def beside(self, one: Standing, files: Sequence[Predictions], keys: Keys) -> tuple[pa.Table, Places]:
        """Return those of a file that some new predictions may be asked for by, and where in it they are.

        Args:
            one: which file.
            files: the predictions.
            keys: of their external ids, in order.

        Raises:
            BlobMissing: another step has replaced the file.
            InvalidDocument: it is not what was written.
        """
        path = self._path(one.file)
        column = _SORTED_BY[one.by]
        ends = [file.ends for file in files if file.ends is not None]
        if not (ends if one.by is By.ID else len(keys)):
            return STANDING.empty_table(), np.empty(0, dtype=np.int64)
        file = await RemoteParquet.open(self.blobs, path, size_bytes=one.size_bytes)
        starts = np.concatenate([[0], file.ends[:-1]])
        if one.by is By.ID:
            groups = file.groups(column, lambda low, high: any(first <= high and low <= last for first, last in ends))
        else:
            said = (await file.read(range(len(starts)), [column])).column(column).to_numpy()
            at = np.flatnonzero(np.isin(said, keys))
            groups = np.unique(np.searchsorted(file.ends, at, side="right")).tolist()
        if not groups:
            return STANDING.empty_table(), np.empty(0, dtype=np.int64)
        rows = await file.read(groups, STANDING.names)
        places = np.concatenate([np.arange(starts[group], file.ends[group]) for group in groups])
        return rows, places

    async def write(self, rows: pa.Table, by: By, *, step: int, since: str) -> Standing | None:
        """Write actuals that stand from now on, and return the file; None of none."""
        if not rows.num_rows:
            return None
        ordered, data = await asyncio.to_thread(_file, rows, by)
        name = file_of(step, by, hashlib.sha256(data).hexdigest())
        with contextlib.suppress(BlobChanged):  # the same content is there
            await self.blobs.create(self._path(name), data)
        missing = ordered.num_rows - int(pc.sum(ordered.column("found")).as_py() or 0)
        return Standing(file=name, size_bytes=len(data), by=by, since=since, rows=ordered.num_rows, missing=missing)

    async def without(self, one: Standing, found: Places, *, step: int) -> Standing | None:
        """Return a file in the place of another, after the predictions of some of its actuals were found."""
        rows = await self.read(one)
        is_found = np.zeros(rows.num_rows, dtype=bool)
        is_found[found] = True
        if one.by is By.ID:
            return await self.write(rows.filter(pa.array(~is_found)), one.by, step=step, since=one.since)
        return await self.write(_with_found(rows, is_found), one.by, step=step, since=one.since)

    async def merged(self, standing: Sequence[Standing], *, step: int) -> list[Standing]:
        """Return files in the place of others, in which small ones of one date are one where they are many."""
        alike: defaultdict[tuple[str, By], list[Standing]] = defaultdict(list)
        for one in standing:
            if one.rows < _SMALL_ROWS:
                alike[one.since, one.by].append(one)
        merged = list(standing)
        for (since, by), some in alike.items():
            if len(some) < MERGED_AT:
                continue
            rows = pa.concat_tables([await self.read(one) for one in some])
            whole = await self.write(rows, by, step=step, since=since)
            merged = [one for one in merged if one not in some] + ([whole] if whole is not None else [])
        return merged

    async def read(self, one: Standing) -> pa.Table:
        """Return all of a file.

        Raises:
            BlobMissing: another step has replaced it.
            InvalidDocument: it is not what was written.
        """
        path = self._path(one.file)
        data = (await self.blobs.read(path)).data
        with readable(path):
            return await asyncio.to_thread(read, data, STANDING.names)

    def _path(self, name: str) -> str:
        return f"{standing_folder(self.model)}{name}"


def _with_found(rows: pa.Table, is_found: NDArray[np.bool_]) -> pa.Table:
    either = pc.or_(rows.column("found"), pa.array(is_found))
    return rows.set_column(STANDING.get_field_index("found"), STANDING.field("found"), either)


def _file(rows: pa.Table, by: By) -> tuple[pa.Table, bytes]:
    """Return rows in the order in which they are looked for, and as Parquet."""
    ordered = rows.sort_by([(_SORTED_BY[by], "ascending"), ("_id", "ascending")])
    buffer = io.BytesIO()
    pq.write_table(
        ordered,
        buffer,
        compression="zstd",
        compression_level=1,
        use_dictionary=["value_text"],
        row_group_size=_ROW_GROUP_ROWS,
    )
    return ordered, buffer.getvalue()

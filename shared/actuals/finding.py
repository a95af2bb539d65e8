"""Predictions that are sealed, found by their ids or by the external ids they carry."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from shared.actuals.columns import copied
from shared.actuals.matching import Places, equal_ids, equal_keys, has_any, rare
from shared.actuals.wanted import Wanted
from shared.blobs import Blobs
from shared.capture.records import Shelf
from shared.errors import BlobMissing
from shared.hours import Hour
from shared.schema import Schema
from shared.sealing.hours.hour import Generation, Index, readable
from shared.sealing.paths import hour_folder, unjoined_path
from shared.sealing.tables.external import KEY, ROW, Keys, entries
from shared.sealing.tables.packed import between, pack
from shared.sealing.tables.remote_parquet import RemoteParquet, read_column

MOST_ALIKE: Final = 1_000
"""An external id that more predictions of a generation carry names nothing, and is not joined: see ``wanted``."""
_NOWHERE: Final = np.empty(0, dtype=np.int64)
_NO_KEYS: Final = np.empty(0, dtype=np.uint64)


@dataclass(frozen=True, slots=True)
class Predictions:
    """One generation of an hour's predictions, and what may be in it.

    While rows are erased from it (``is_erasing``), nobody knows how long its file is, nor whether its index is of the rows
    that were or of those that are left: then the rows alone say what is in it.
    """

    shelf: Shelf
    hour: Hour
    number: int
    path: str
    size_bytes: int | None
    ends: tuple[str, str] | None
    index: Index | None
    is_erasing: bool

    @classmethod
    def of(cls, shelf: Shelf, hour: Hour, generation: Generation) -> Self:
        """Return what its manifest says of it."""
        about = generation.footer
        return cls(
            shelf,
            hour,
            generation.number,
            f"{hour_folder(shelf, hour)}{generation.rows_file}",
            None if generation.is_erasing else generation.size_bytes,
            (about.min_id, about.max_id) if about.min_id and about.max_id else None,
            generation.external,
            generation.is_erasing,
        )

    @property
    def mark(self) -> str:
        """Return the path that says whether it was joined."""
        return unjoined_path(self.shelf, self.hour, self.number)

    @property
    def index_path(self) -> str:
        """Return where its index is, where it has one."""
        return f"{hour_folder(self.shelf, self.hour)}{self.index.file if self.index else ''}"


@dataclass(slots=True)
class Finding:
    """Finds predictions, and reads nothing of an hour that cannot have them."""

    blobs: Blobs

    async def find(self, wanted: Wanted, file: Predictions, schema: Schema) -> tuple[pa.Table, Places]:
        """Return the predictions of ``file`` that actuals are about, and where in ``wanted.actuals`` each one's stands.

        A prediction stands there once for each of its actuals. What retention has taken is not there any more.

        Raises:
            InvalidDocument: the file, or its index, is not what was sealed.
            BlobChanged: rows were erased from it while it was read: look again.
        """
        found: list[tuple[pa.Table, Places]] = []
        try:
            found.append(await self._by_id(wanted, file, copied(schema)))
            found.append(await self._by_key(wanted, file, copied(schema)))
        except BlobMissing:
            found = []
        tables = [table for table, places in found if len(places)]
        if not tables:
            return pa.table({}), _NOWHERE
        return pa.concat_tables(tables), np.concatenate([places for _, places in found if len(places)])

    async def keys(self, file: Predictions) -> Keys:
        """Return the keys of the external ids of a file, in order; none where retention has taken it."""
        try:
            if file.is_erasing:
                return (await self._entries(await self._open(file)))[0]
            if file.index is None:
                return _NO_KEYS
            column = await read_column(
                self.blobs, file.index_path, KEY, size_bytes=file.index.size_bytes, wanted=lambda _, __: True
            )
        except BlobMissing:
            return _NO_KEYS
        found: Keys = column.to_numpy()
        return found

    async def _by_id(self, wanted: Wanted, file: Predictions, columns: Sequence[str]) -> tuple[pa.Table, Places]:
        ids, places = wanted.within(*file.ends) if file.ends is not None else (wanted.ids[:0], _NOWHERE)
        if not len(ids):
            return pa.table({}), _NOWHERE
        rows = await self._open(file)
        groups = rows.groups("_id", lambda low, high: len(between(ids, low, high)) > 0)
        column = (await rows.read(groups, ["_id"])).column("_id")
        with readable(file.path):
            at, which = await asyncio.to_thread(lambda: equal_ids(pack(column), ids))
        return await _taken(rows, _in_file(rows, groups, at), columns), places[which]

    async def _by_key(self, wanted: Wanted, file: Predictions, columns: Sequence[str]) -> tuple[pa.Table, Places]:
        rows: RemoteParquet | None = None
        if not len(wanted.keys):
            return pa.table({}), _NOWHERE
        if file.is_erasing:
            rows = await self._open(file)
            keys, stands = await self._entries(rows)
        elif file.index is not None:
            keys, stands = await self._indexed(wanted, file.index_path, file.index)
        else:
            return pa.table({}), _NOWHERE
        names_one = np.flatnonzero(rare(keys, MOST_ALIKE))
        at, which = await asyncio.to_thread(equal_keys, keys[names_one], wanted.keys)
        if not len(at):
            return pa.table({}), _NOWHERE
        table = await _taken(rows or await self._open(file), stands[names_one][at], [*columns, "_external_id"])
        places = wanted.of_keys[which]
        # Two texts may have one key.
        said = wanted.actuals.column("_external_id").take(pa.array(places))
        same = pc.equal(table.column("_external_id"), said)
        return table.filter(same).select(list(columns)), places[same.to_numpy()]

    async def _indexed(self, wanted: Wanted, path: str, about: Index) -> tuple[Keys, Places]:
        """Return what an index says that may be wanted: keys in order, and at which row each stands."""
        index = await RemoteParquet.open(self.blobs, path, size_bytes=about.size_bytes)
        groups = index.groups(KEY, lambda low, high: has_any(wanted.keys, low, high))
        found = await index.read(groups, [KEY, ROW])
        return found.column(KEY).to_numpy(), found.column(ROW).to_numpy().astype(np.int64)

    async def _entries(self, rows: RemoteParquet) -> tuple[Keys, Places]:
        """Return what an index of all rows of a file would say."""
        every_group = range(len(rows.ends))
        column = (await rows.read(every_group, ["_external_id"])).column("_external_id")
        return await asyncio.to_thread(entries, column)

    async def _open(self, file: Predictions) -> RemoteParquet:
        return await RemoteParquet.open(self.blobs, file.path, size_bytes=file.size_bytes)


async def _taken(file: RemoteParquet, positions: Places, columns: Sequence[str]) -> pa.Table:
    """Return rows of a file by their places in it, in that order."""
    if not len(positions):
        return pa.table({})
    ends = file.ends
    starts = np.concatenate([[0], ends[:-1]])
    group_of = np.searchsorted(ends, positions, side="right")
    groups, nth = np.unique(group_of, return_inverse=True)
    rows = (ends - starts)[groups]
    table = await file.read(groups.tolist(), columns)
    within = (np.cumsum(rows) - rows)[nth] + positions - starts[group_of]
    return await asyncio.to_thread(lambda: table.select(list(columns)).take(pa.array(within)))


def _in_file(file: RemoteParquet, groups: Sequence[int], at: Places) -> Places:
    """Return which row of the file is the one at each place among the rows of some row groups."""
    ends = file.ends
    starts = np.concatenate([[0], ends[:-1]])
    chosen = np.array(groups, dtype=np.int64)
    rows = (ends - starts)[chosen]
    nth = np.searchsorted(np.cumsum(rows), at, side="right")
    found: Places = starts[chosen][nth] + at - (np.cumsum(rows) - rows)[nth]
    return found

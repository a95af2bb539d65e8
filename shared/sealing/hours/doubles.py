"""Records that are sealed already: looked up by id in what was sealed before, wherever that may have them."""

import asyncio
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from shared.blobs import Blobs
from shared.sealing.hours.hour import readable
from shared.sealing.tables.packed import Ids, around, between, first_ones, in_order, pack
from shared.sealing.tables.remote_parquet import read_column

_MOST_REMEMBERED: Final = 8_000_000
"""So many ids are kept in memory, 128 MB of them: those of an hour under sealing, and of the hours around it."""


@dataclass(frozen=True, slots=True)
class RowsFile:
    """The rows of one generation, and between which ids they are; how long it is nobody knows while rows are erased from it."""

    path: str
    size_bytes: int | None
    min_id: str
    max_id: str


@dataclass(slots=True)
class Doubles:
    """Finds doubles; the ids of rows that were written last stay in memory, by the path of the rows."""

    blobs: Blobs
    most_remembered: int = _MOST_REMEMBERED
    _remembered: OrderedDict[str, Ids] = field(default_factory=OrderedDict)

    async def first_ones(self, ids: Ids, files: Iterable[RowsFile]) -> NDArray[np.bool_]:
        """Return of each id whether it stands there for the first time, and in none of ``files``; shape (ids,).

        Raises:
            InvalidDocument: a file is not what was sealed.
        """
        ordered = await asyncio.to_thread(in_order, ids)
        known: list[Ids] = []
        for file in files:
            wanted = between(ordered, file.min_id, file.max_id)
            if len(wanted):
                known.append(await self._like(file, wanted))
        return await asyncio.to_thread(first_ones, ids, known)

    async def remember(self, path: str, ids: Ids) -> None:
        """Keep the ids of rows that were just written: they are asked for next."""
        self._remembered[path] = await asyncio.to_thread(in_order, ids)
        while sum(map(len, self._remembered.values())) > self.most_remembered:
            self._remembered.popitem(last=False)

    async def _like(self, file: RowsFile, wanted: Ids) -> Ids:
        """Return ids of a file, at least those of them that are ``wanted``, which is in order."""
        if file.path in self._remembered:
            self._remembered.move_to_end(file.path)
            return around(self._remembered[file.path], wanted)

        def may_have_one(low: str, high: str) -> bool:
            return len(between(wanted, low, high)) > 0

        column = await read_column(self.blobs, file.path, "_id", size_bytes=file.size_bytes, wanted=may_have_one)
        with readable(file.path):
            return await asyncio.to_thread(pack, column)

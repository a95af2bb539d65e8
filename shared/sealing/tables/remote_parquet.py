"""Parts of a Parquet blob, without reading the rest of it."""

import asyncio
import io
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from shared.blobs import Blobs
from shared.errors import InvalidDocument

_TAIL_BYTES: Final = 64 * 1024
_GAP_BYTES: Final = 256 * 1024
"""Bytes that nobody wants are read as well where they are so few: another request takes longer."""
_MAGIC: Final = b"PAR1"

Wanted = Callable[[Any, Any], bool]
"""Takes the lowest and the highest value of a row group, and says whether something of it is wanted."""


async def read_column(
    blobs: Blobs, path: str, column: str, *, size_bytes: int | None, wanted: Wanted
) -> pa.ChunkedArray:
    """Return the values of a column, of those row groups alone that are ``wanted`` by their lowest and highest value.

    Args:
        blobs: storage.
        path: where the file is.
        column: its name, at the top of the schema.
        size_bytes: how long the file was when it was written; None where that is not known.
        wanted: takes a row group's lowest and highest value.

    Raises:
        as ``RemoteParquet.open`` does.
    """
    file = await RemoteParquet.open(blobs, path, size_bytes=size_bytes)
    return (await file.read(file.groups(column, wanted), [column])).column(column)


@dataclass(slots=True)
class RemoteParquet:
    """A Parquet blob of which the footer was read; what else is read of it is of the same bytes."""

    blobs: Blobs
    path: str
    etag: str
    size_bytes: int
    _tail: tuple[int, bytes]
    _about: pq.FileMetaData

    @classmethod
    async def open(cls, blobs: Blobs, path: str, *, size_bytes: int | None) -> Self:
        """Read the footer of the file at ``path``, which was ``size_bytes`` long when it was written, if that is known.

        Raises:
            BlobMissing: there is no such file.
            BlobChanged: it was written again while it was read.
            InvalidDocument: it was cut, or is not what was written.
        """
        tail = await blobs.read_end(path, most_bytes=_TAIL_BYTES)
        if size_bytes is None:
            size_bytes = tail.size_bytes
        if tail.size_bytes != size_bytes:
            raise InvalidDocument(path, reason=f"it has {tail.size_bytes} bytes, and had {size_bytes}")
        if tail.data[-4:] != _MAGIC:
            raise InvalidDocument(path, reason="it does not end as Parquet does")
        begin, data = size_bytes - len(tail.data), tail.data
        footer = size_bytes - 8 - int.from_bytes(tail.data[-8:-4], "little")
        if footer < begin:
            start = max(0, footer)
            data = await blobs.read_range(path, start=start, end=begin, etag=tail.etag) + data
            begin = start
        try:
            about = pq.ParquetFile(_Pieces(size_bytes, {begin: data})).metadata
        except (pa.ArrowException, OSError) as error:
            raise _unreadable(path, error) from error
        return cls(blobs, path, tail.etag, size_bytes, (begin, data), about)

    @property
    def schema(self) -> pa.Schema:
        """Return the names and types of its columns."""
        return self._about.schema.to_arrow_schema()

    @property
    def rows(self) -> int:
        """Return how many rows it has."""
        return int(self._about.num_rows)

    @property
    def ends(self) -> NDArray[np.int64]:
        """Return at which row each row group ends, shape (row groups,)."""
        return np.cumsum([self._about.row_group(group).num_rows for group in range(self._about.num_row_groups)])

    def groups(self, column: str, wanted: Wanted) -> list[int]:
        """Return the row groups that are ``wanted`` by the ends of a column; those that do not say theirs are as well.

        Raises:
            InvalidDocument: there is no such column.
        """
        place = self._place(column)
        found: list[int] = []
        for group in range(self._about.num_row_groups):
            ends = self._about.row_group(group).column(place).statistics
            if ends is None or not ends.has_min_max or wanted(ends.min, ends.max):
                found.append(group)
        return found

    async def read(self, groups: Sequence[int], columns: Sequence[str]) -> pa.Table:
        """Return some columns, in the order they have in the file, of some row groups in their order.

        Raises:
            BlobMissing, BlobChanged: it was deleted, or written again, since it was opened.
            InvalidDocument: it is not what was written.
        """
        places = [self._place(column) for column in columns]
        begin, tail = self._tail
        pieces = {begin: tail}
        missing = _joined(
            (start, min(end, begin)) for start, end in map(self._range, *_all(groups, places)) if start < begin
        )
        read = await asyncio.gather(
            *(self.blobs.read_range(self.path, start=start, end=end, etag=self.etag) for start, end in missing)
        )
        for (start, end), data in zip(missing, read, strict=True):
            pieces[start] = data + tail if end == begin else data
        file = _Pieces(self.size_bytes, pieces)
        try:
            return await asyncio.to_thread(
                lambda: pq.ParquetFile(file, metadata=self._about).read_row_groups(list(groups), columns=list(columns))
            )
        except (pa.ArrowException, OSError, KeyError) as error:
            raise _unreadable(self.path, error) from error

    def _place(self, column: str) -> int:
        names: list[str] = self._about.schema.names
        if column not in names:
            raise InvalidDocument(self.path, reason=f"it has no column {column}")
        return names.index(column)

    def _range(self, group: int, place: int) -> tuple[int, int]:
        chunk = self._about.row_group(group).column(place)
        start = min(chunk.data_page_offset, chunk.dictionary_page_offset or chunk.data_page_offset)
        return start, start + chunk.total_compressed_size


def _all(groups: Sequence[int], places: Sequence[int]) -> tuple[list[int], list[int]]:
    return [group for group in groups for _ in places], [place for _ in groups for place in places]


def _joined(ranges: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return ranges in their order, those made one that are next to each other or nearly so."""
    joined: list[tuple[int, int]] = []
    for start, end in sorted(ranges):
        if joined and start - joined[-1][1] <= _GAP_BYTES:
            joined[-1] = joined[-1][0], max(joined[-1][1], end)
        else:
            joined.append((start, end))
    return joined


def _unreadable(path: str, error: Exception) -> InvalidDocument:
    return InvalidDocument(path, reason=f"it cannot be read as Parquet: {error}")


class _Pieces(io.RawIOBase):
    """A file of which only some pieces are here; reading another one is an error."""

    def __init__(self, size: int, pieces: dict[int, bytes]) -> None:
        self._size = size
        self._pieces = pieces
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._at = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        return self._at

    def read(self, size: int = -1) -> bytes:
        end = self._size if size < 0 else min(self._size, self._at + size)
        found = bytearray()
        while self._at + len(found) < end:
            at = self._at + len(found)
            part = next(
                (
                    data[at - start : end - start]
                    for start, data in self._pieces.items()
                    if start <= at < start + len(data)
                ),
                b"",
            )
            if not part:
                raise OSError(f"nothing was fetched at {at}")
            found += part
        self._at = end
        return bytes(found)

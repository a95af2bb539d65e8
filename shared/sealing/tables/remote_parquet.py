"""One column of a Parquet blob, without reading the rest of it."""

import asyncio
import io
from collections.abc import Callable
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

from shared.blobs import Blobs
from shared.errors import InvalidDocument

_TAIL_BYTES: Final = 64 * 1024
_MAGIC: Final = b"PAR1"

Wanted = Callable[[str, str], bool]


async def read_column(blobs: Blobs, path: str, column: str, *, size_bytes: int, wanted: Wanted) -> pa.ChunkedArray:
    """Return the texts of a column, of those row groups alone that are ``wanted`` by their lowest and highest text.

    A row group whose ends the file does not say is read as well.

    Args:
        blobs: storage.
        path: where the file is.
        column: its name, at the top of the schema.
        size_bytes: how long the file was when it was written.
        wanted: takes a row group's lowest and highest value.

    Raises:
        BlobMissing: there is no such file.
        BlobChanged: it was written again while it was read.
        InvalidDocument: it was cut, or is not what was written.
    """
    tail = await blobs.read_end(path, most_bytes=_TAIL_BYTES)
    if tail.size_bytes != size_bytes:
        raise InvalidDocument(path, reason=f"it has {tail.size_bytes} bytes, and had {size_bytes}")
    if tail.data[-4:] != _MAGIC:
        raise InvalidDocument(path, reason="it does not end as Parquet does")
    pieces = {size_bytes - len(tail.data): tail.data}
    footer = size_bytes - 8 - int.from_bytes(tail.data[-8:-4], "little")
    if footer < min(pieces):
        start = max(0, footer)
        pieces[start] = await blobs.read_range(path, start=start, end=min(pieces), etag=tail.etag)
    try:
        file = pq.ParquetFile(_Pieces(size_bytes, pieces))
        groups, ranges = _chunks(file.metadata, column, wanted)
        missing = [(start, end) for start, end in ranges if not _is_within(pieces, start, end)]
        read = await asyncio.gather(
            *(blobs.read_range(path, start=start, end=end, etag=tail.etag) for start, end in missing)
        )
        pieces.update({start: data for (start, _), data in zip(missing, read, strict=True)})
        return await asyncio.to_thread(lambda: file.read_row_groups(groups, columns=[column]).column(column))
    except (pa.ArrowException, OSError, KeyError) as error:
        raise InvalidDocument(path, reason=f"it cannot be read as Parquet: {error}") from error


def _chunks(about: pq.FileMetaData, column: str, wanted: Wanted) -> tuple[list[int], list[tuple[int, int]]]:
    """Return the wanted row groups, and where the column's bytes of each are."""
    groups: list[int] = []
    ranges: list[tuple[int, int]] = []
    place = about.schema.names.index(column)
    for group in range(about.num_row_groups):
        chunk = about.row_group(group).column(place)
        ends = chunk.statistics
        if ends is not None and ends.has_min_max and not wanted(ends.min, ends.max):
            continue
        start = min(chunk.data_page_offset, chunk.dictionary_page_offset or chunk.data_page_offset)
        groups.append(group)
        ranges.append((start, start + chunk.total_compressed_size))
    return groups, ranges


def _is_within(pieces: dict[int, bytes], start: int, end: int) -> bool:
    return any(begin <= start and end <= begin + len(data) for begin, data in pieces.items())


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

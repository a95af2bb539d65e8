"""Storage and a hub in this process's memory, so that what is measured is our own CPU and not that of Azure's clients."""

from collections.abc import AsyncIterator
from datetime import datetime
from itertools import count

from benchmarks.records import HOUR
from shared.blobs import Appended, Blobs, Content, Stored
from shared.capture.hub import Hub, Partition, incarnation_named
from shared.errors import BlobChanged, BlobMissing


class MemoryBlobs(Blobs):
    """Blob Storage with its fences; what was appended to a log can be listed, and not read: only that it is empty."""

    def __init__(self) -> None:
        self._data: dict[str, bytes] = {}
        self._etags: dict[str, str] = {}
        self._lengths: dict[str, Appended] = {}
        self._next = count()

    async def read(self, path: str) -> Content:
        if path not in self._data:
            raise BlobMissing(path)
        data = self._data[path]
        return Content(data, self._etags[path], len(data))

    async def read_end(self, path: str, *, most_bytes: int) -> Content:  # noqa: ARG002 - nothing that long is kept
        log = self._lengths[path]
        if log.size_bytes:
            raise NotImplementedError(f"what was appended to {path} is not kept")
        return Content(b"", "", 0, log.blocks)

    async def read_range(self, path: str, *, start: int, end: int, etag: str | None = None) -> bytes:
        content = await self.read(path)
        if etag not in {None, content.etag}:
            raise BlobChanged(path)
        return content.data[start:end]

    async def create(self, path: str, data: bytes) -> str:
        if path in self._data:
            raise BlobChanged(path)
        return self._write(path, data)

    async def replace(self, path: str, data: bytes, *, etag: str) -> str:
        if self._etags.get(path) != etag:
            raise BlobChanged(path)
        return self._write(path, data)

    async def create_log(self, path: str) -> None:
        if path in self._lengths:
            raise BlobChanged(path)
        self._lengths[path] = Appended(0, 0)

    async def append(self, path: str, data: bytes, *, position: int) -> Appended:
        before = self._lengths[path]
        if before.size_bytes != position:
            raise BlobChanged(path)
        self._lengths[path] = Appended(position + len(data), before.blocks + 1)
        return self._lengths[path]

    async def under(self, prefix: str) -> AsyncIterator[Stored]:
        for path in sorted(self._data):
            if path.startswith(prefix):
                yield Stored(path, len(self._data[path]), self._etags[path], HOUR)
        for path in sorted(self._lengths):
            if path.startswith(prefix):
                yield Stored(path, self._lengths[path].size_bytes, "", HOUR)

    async def folders(self, prefix: str) -> list[str]:
        below = (path[len(prefix) :] for path in self._data if path.startswith(prefix))
        return sorted({f"{prefix}{rest.split('/')[0]}/" for rest in below if "/" in rest})

    async def delete(self, path: str, *, etag: str | None = None) -> None:
        if path not in self._data:
            raise BlobMissing(path)
        if etag not in {None, self._etags[path]}:
            raise BlobChanged(path)
        del self._data[path]

    def _write(self, path: str, data: bytes) -> str:
        self._data[path] = data
        self._etags[path] = str(next(self._next))
        return self._etags[path]


class QuietHub(Hub):
    """A hub that was created at ``created_at`` and has no event that was not captured."""

    def __init__(self, created_at: datetime) -> None:
        self._created_at = created_at

    async def incarnation(self, *, timeout_s: float = 30.0) -> str:  # noqa: ARG002 - it answers at once
        return incarnation_named(self._created_at)

    async def partitions(self, *, timeout_s: float = 30.0) -> list[Partition]:  # noqa: ARG002 - likewise
        return [Partition("0", -1, is_empty=True, first_sequence=0, last_enqueued_at=None)]

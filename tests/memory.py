"""Storage in memory, with the conditions that Blob Storage keeps: for laws that take thousands of runs."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

from shared.blobs import Appended, Blobs, Content, Stored
from shared.errors import BlobChanged, BlobMissing

_AT = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(slots=True)
class Memory:
    """What is stored, by path: bytes, a number that every write raises, and how many appends made it."""

    blobs: dict[str, tuple[bytes, int, int]] = field(default_factory=dict)
    writes: int = 0

    def put(self, path: str, data: bytes, *, blocks: int = 0) -> str:
        self.writes += 1
        self.blobs[path] = data, self.writes, blocks
        return _etag(self.writes)


class MemoryBlobs(Blobs):
    """One process's way to a memory.

    ``pauses`` says before each operation how often others go first; ``before_write`` may hold a write up, or end the
    process there.
    """

    def __init__(
        self,
        memory: Memory,
        *,
        pauses: Callable[[], int] = lambda: 0,
        before_write: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        super().__init__(cast("Any", memory))
        self._memory = memory
        self._pauses = pauses
        self._before_write = before_write

    async def read(self, path: str) -> Content:
        data, etag, blocks = await self._get(path)
        return Content(data, _etag(etag), len(data), blocks)

    async def read_end(self, path: str, *, most_bytes: int) -> Content:
        data, etag, blocks = await self._get(path)
        return Content(data[max(0, len(data) - most_bytes) :], _etag(etag), len(data), blocks)

    async def read_range(self, path: str, *, start: int, end: int, etag: str | None = None) -> bytes:
        data, now, _ = await self._get(path)
        if etag not in {None, _etag(now)}:
            raise BlobChanged(path)
        return data[start:end]

    async def create(self, path: str, data: bytes) -> str:
        await self._turn_to_write()
        if path in self._memory.blobs:
            raise BlobChanged(path)
        return self._memory.put(path, data)

    async def replace(self, path: str, data: bytes, *, etag: str) -> str:
        await self._turn_to_write()
        if path not in self._memory.blobs or _etag(self._memory.blobs[path][1]) != etag:
            raise BlobChanged(path)
        return self._memory.put(path, data)

    async def create_from(self, path: str, file: Path) -> str:
        with file.open("rb") as data:
            return await self.create(path, data.read())

    async def create_log(self, path: str) -> None:
        await self.create(path, b"")

    async def append(self, path: str, data: bytes, *, position: int) -> Appended:
        await self._turn_to_write()
        before, _, blocks = self._now(path)
        if len(before) != position:
            raise BlobChanged(path)
        self._memory.put(path, before + data, blocks=blocks + 1)
        return Appended(position + len(data), blocks + 1)

    async def delete(self, path: str, *, etag: str | None = None) -> None:
        await self._turn_to_write()
        if etag not in {None, _etag(self._now(path)[1])}:
            raise BlobChanged(path)
        self._memory.writes += 1
        del self._memory.blobs[path]

    async def under(self, prefix: str) -> AsyncIterator[Stored]:
        await self._others()
        found = sorted(one for one in self._memory.blobs.items() if one[0].startswith(prefix))
        for path, (data, etag, _) in found:
            yield Stored(path, len(data), _etag(etag), _AT)

    async def folders(self, prefix: str) -> list[str]:
        await self._others()
        below = {path[len(prefix) :] for path in self._memory.blobs if path.startswith(prefix)}
        return sorted({f"{prefix}{rest.split('/')[0]}/" for rest in below if "/" in rest})

    async def _get(self, path: str) -> tuple[bytes, int, int]:
        await self._others()
        return self._now(path)

    def _now(self, path: str) -> tuple[bytes, int, int]:
        if path not in self._memory.blobs:
            raise BlobMissing(path)
        return self._memory.blobs[path]

    async def _turn_to_write(self) -> None:
        await self._others()
        if self._before_write is not None:
            await self._before_write()

    async def _others(self) -> None:
        for _ in range(self._pauses()):
            await asyncio.sleep(0)


def _etag(number: int) -> str:
    return f'"{number}"'

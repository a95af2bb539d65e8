"""Storage of a test's own in the Azurite of all, storage that ends in the middle, and a clock to be set."""

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from shared.blobs import Blobs, service
from shared.clock import Clock

if TYPE_CHECKING:
    from azure.storage.blob.aio import BlobServiceClient


class _OwnContainers:
    """A client whose containers nobody else sees: what stages list is then what the test stored."""

    def __init__(self, connection: str, timeout_s: float = 30.0) -> None:
        self._service = service(connection, timeout_s=timeout_s)
        self._own = uuid.uuid4().hex[:12]

    def get_blob_client(self, container: str, name: str) -> Any:  # noqa: ANN401 - the client's own
        return self._service.get_blob_client(f"{container}-{self._own}", name)

    def get_container_client(self, name: str) -> Any:  # noqa: ANN401 - the client's own
        return self._service.get_container_client(f"{name}-{self._own}")

    async def close(self) -> None:
        await self._service.close()


@asynccontextmanager
async def own_storage(connection: str, *, timeout_s: float = 30.0) -> AsyncIterator[Blobs]:
    """Return empty storage."""
    blobs = Blobs(cast("BlobServiceClient", _OwnContainers(connection, timeout_s)))
    try:
        await blobs.create_containers()
        yield blobs
    finally:
        await blobs.close()


class Killed(BaseException):
    """The process ended here, as far as storage can tell."""


class Mortal(Blobs):
    """Storage that a process reaches for so many more writes, and then ends."""

    def __init__(self, blobs: Blobs, *, writes: int) -> None:
        super().__init__(blobs._service)
        self.writes_left = writes

    def _write(self) -> None:
        if not self.writes_left:
            raise Killed
        self.writes_left -= 1

    async def create(self, path: str, data: bytes) -> str:
        self._write()
        return await super().create(path, data)

    async def create_from(self, path: str, file: Path) -> str:
        self._write()
        return await super().create_from(path, file)

    async def replace(self, path: str, data: bytes, *, etag: str) -> str:
        self._write()
        return await super().replace(path, data, etag=etag)

    async def delete(self, path: str, *, etag: str | None = None) -> None:
        self._write()
        await super().delete(path, etag=etag)


async def everything(blobs: Blobs, *prefixes: str) -> dict[str, bytes]:
    """Return all that is stored under some prefixes, by path."""
    paths = [one.path for prefix in prefixes for one in [stored async for stored in blobs.under(prefix)]]
    return {path: (await blobs.read(path)).data for path in paths}


class Calendar(Clock):
    """A clock that stands still until a test sets it."""

    def __init__(self, moment: datetime) -> None:
        super().__init__(moment, 0.0, 0.0)

    def set(self, moment: datetime) -> None:
        object.__setattr__(self, "start", moment)

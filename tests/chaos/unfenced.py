"""Storage without one of its fences: what a schedule of two writers must go wrong with."""

from typing import TYPE_CHECKING

from shared.blobs import Appended, Blobs, Content
from shared.capture.records import CONTROL
from shared.errors import BlobMissing

if TYPE_CHECKING:
    from azure.storage.blob.aio import BlobServiceClient


class AnyPosition(Blobs):
    """It appends wherever a log ends."""

    async def append(self, path: str, data: bytes, *, position: int) -> Appended:
        done = await self._client(path).append_block(data)
        return Appended(position + len(data), int(str(done["blob_committed_block_count"])))


class NeverClosed(Blobs):
    """It does not write the line that closes a log."""

    async def append(self, path: str, data: bytes, *, position: int) -> Appended:
        if data.startswith(CONTROL) and b'"closed"' in data:
            return Appended(position, 0)
        return await super().append(path, data, position=position)


class Recreating(Blobs):
    """It creates a log over the one that is there."""

    async def create_log(self, path: str) -> None:
        await self._client(path).create_append_blob()


class Overwriting(Blobs):
    """It writes blobs whose path holds a text whoever wrote them before."""

    def __init__(self, service: "BlobServiceClient", holding: str = "") -> None:
        super().__init__(service)
        self._holding = holding

    async def create(self, path: str, data: bytes) -> str:
        return await self._write(path, data) if self._holding in path else await super().create(path, data)

    async def replace(self, path: str, data: bytes, *, etag: str) -> str:
        if self._holding in path:
            return await self._write(path, data)
        return await super().replace(path, data, etag=etag)

    async def _write(self, path: str, data: bytes) -> str:
        written = await self._client(path).upload_blob(data, overwrite=True)
        return str(written["etag"])


class Unchained(Blobs):
    """It keeps no chain of generations: nobody sees what another one is about to add."""

    async def read(self, path: str) -> Content:
        if path.endswith(_CHAIN):
            raise BlobMissing(path)
        return await super().read(path)

    async def create(self, path: str, data: bytes) -> str:
        return '"none"' if path.endswith(_CHAIN) else await super().create(path, data)

    async def replace(self, path: str, data: bytes, *, etag: str) -> str:
        return etag if path.endswith(_CHAIN) else await super().replace(path, data, etag=etag)


_CHAIN = "/_chain.json"

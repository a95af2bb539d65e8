"""Storage without one of its fences: what a schedule of two writers must go wrong with."""

from shared.blobs import Appended, Blobs
from shared.capture.records import CONTROL


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


class CreatedAgain(Blobs):
    """It creates a log, or a blob, over the one that is there."""

    async def create_log(self, path: str) -> None:
        await self._client(path).create_append_blob()

    async def create(self, path: str, data: bytes) -> str:
        written = await self._client(path).upload_blob(data, overwrite=True)
        return str(written["etag"])


class AnyVersion(Blobs):
    """It replaces a blob whoever wrote it last."""

    async def replace(self, path: str, data: bytes, *, etag: str) -> str:
        del etag
        written = await self._client(path).upload_blob(data, overwrite=True)
        return str(written["etag"])

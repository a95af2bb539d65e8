"""Blob Storage: the few operations everything is built from.

The first part of a path is its container. Whatever the SDK raises leaves here as one of four faults, by what the
caller can do about it: ``BlobMissing``, ``BlobChanged``, ``BlobRefused``, ``StorageUnavailable``.
"""

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from shared.errors import BlobChanged, BlobMissing, BlobRefused, StorageUnavailable

if TYPE_CHECKING:  # the client takes half a second of CPU to import
    from azure.core.credentials_async import AsyncTokenCredential
    from azure.storage.blob.aio import BlobClient, BlobServiceClient

CONTAINERS: Final = ("captures", "models", "monitoring", "datasets")

_FENCED = {
    "BlobAlreadyExists",
    "ConditionNotMet",
    "AppendPositionConditionNotMet",
    "TargetConditionNotMet",
    "UnauthorizedBlobOverwrite",
}


@dataclass(frozen=True, slots=True)
class Stored:
    """What a listing says of one blob; ``etag`` changes with every write, ``modified_at`` is storage's own time."""

    path: str
    size_bytes: int
    etag: str
    modified_at: datetime


@dataclass(frozen=True, slots=True)
class Content:
    """A blob's bytes, or the end of them, with the blob's whole size; ``blocks`` are the appends of a log so far."""

    data: bytes
    etag: str
    size_bytes: int
    blocks: int = 0


@dataclass(frozen=True, slots=True)
class Appended:
    """Where a log ends after an append, and how many of its 50,000 blocks are used."""

    size_bytes: int
    blocks: int


class Blobs:
    """Everything stored, by path."""

    def __init__(self, service: "BlobServiceClient") -> None:
        self._service = service

    async def read(self, path: str) -> Content:
        """Return a blob whole.

        Raises:
            BlobMissing: there is none.
        """
        with _translated(path):
            download = await self._client(path).download_blob()
            data = await download.readall()
        return Content(data, download.properties.etag, len(data))

    async def read_end(self, path: str, *, most_bytes: int) -> Content:
        """Return the last ``most_bytes`` of a blob, or all of a smaller one.

        Raises:
            BlobMissing: there is none.
        """
        from azure.core import MatchConditions

        with _translated(path):
            client = self._client(path)
            properties = await client.get_blob_properties()
            size = properties.size
            blocks = properties.append_blob_committed_block_count or 0
            if size == 0:
                return Content(b"", properties.etag, 0, blocks)
            start = max(0, size - most_bytes)
            download = await client.download_blob(
                offset=start, length=size - start, etag=properties.etag, match_condition=MatchConditions.IfNotModified
            )
            return Content(await download.readall(), properties.etag, size, blocks)

    async def read_range(self, path: str, *, start: int, end: int, etag: str | None = None) -> bytes:
        """Return the bytes from ``start`` up to ``end``, which is not among them; fewer where the blob ends before.

        Raises:
            BlobMissing: there is none.
            BlobChanged: it has another ETag than ``etag``.
        """
        from azure.core import MatchConditions
        from azure.core.exceptions import HttpResponseError

        if start >= end:
            return b""
        fence: dict[str, Any] = {} if etag is None else {"etag": etag, "match_condition": MatchConditions.IfNotModified}
        with _translated(path):
            try:
                download = await self._client(path).download_blob(offset=start, length=end - start, **fence)
            except HttpResponseError as error:
                if error.status_code == 416:
                    return b""
                raise
            return bytes(await download.readall())

    async def create(self, path: str, data: bytes) -> str:
        """Write a blob where there is none, and return its ETag.

        Raises:
            BlobChanged: there is one already.
        """
        with _translated(path):
            written = await self._client(path).upload_blob(data, overwrite=False)
        return str(written["etag"])

    async def create_from(self, path: str, file: Path) -> str:
        """Write a blob where there is none out of a file, which is never in memory as a whole; return its ETag.

        Raises:
            BlobChanged: there is one already.
        """
        with _translated(path), file.open("rb") as data:
            written = await self._client(path).upload_blob(data, overwrite=False)
        return str(written["etag"])

    async def replace(self, path: str, data: bytes, *, etag: str) -> str:
        """Write over the blob that has this ETag, and return the new one.

        Raises:
            BlobChanged: it has another by now, or is gone.
        """
        from azure.core import MatchConditions

        with _translated(path):
            written = await self._client(path).upload_blob(
                data, overwrite=True, etag=etag, match_condition=MatchConditions.IfNotModified
            )
        return str(written["etag"])

    async def create_log(self, path: str) -> None:
        """Create an empty append blob; without the fence, a second creator would empty the first one's.

        Raises:
            BlobChanged: there is one already.
        """
        from azure.core import MatchConditions

        with _translated(path):
            await self._client(path).create_append_blob(match_condition=MatchConditions.IfMissing)

    async def append(self, path: str, data: bytes, *, position: int) -> Appended:
        """Append to a log that is ``position`` bytes long.

        Raises:
            BlobChanged: it is not that long, because somebody else (or an earlier try of ours) appended first.
            BlobMissing: there is no such log.
        """
        with _translated(path):
            done = await self._client(path).append_block(data, appendpos_condition=position)
        return Appended(position + len(data), int(str(done["blob_committed_block_count"])))

    async def delete(self, path: str, *, etag: str | None = None) -> None:
        """Delete a blob; with an ETag, only the one that has it.

        Raises:
            BlobMissing: there is none.
            BlobChanged: it has another ETag by now, or is gone.
        """
        from azure.core import MatchConditions

        client = self._client(path)
        with _translated(path):
            if etag is None:
                await client.delete_blob()
            else:
                await client.delete_blob(etag=etag, match_condition=MatchConditions.IfNotModified)

    async def under(self, prefix: str) -> AsyncIterator[Stored]:
        """Yield every blob whose path starts with ``prefix``, in the order of the paths."""
        container, _, rest = prefix.partition("/")
        with _translated(prefix):
            async for one in self._service.get_container_client(container).list_blobs(name_starts_with=rest):
                # A listing says it without the quotes that every other answer has, and that conditions need.
                etag = f'"{one.etag.strip(chr(34))}"'
                yield Stored(f"{container}/{one.name}", one.size, etag, one.last_modified)

    async def folders(self, prefix: str) -> list[str]:
        """Return the folders right below ``prefix`` (which ends in a slash), each ending in a slash, sorted."""
        container, _, rest = prefix.partition("/")
        with _translated(prefix):
            walk = self._service.get_container_client(container).walk_blobs(name_starts_with=rest, delimiter="/")
            return [f"{container}/{one.name}" async for one in walk if one.name.endswith("/")]

    async def create_containers(self) -> None:
        """Create the containers that are not there: on a new machine, where no template has."""
        for name in CONTAINERS:
            with _translated(name):
                client = self._service.get_container_client(name)
                if not await client.exists():
                    await client.create_container()

    async def ping(self) -> None:
        """Reach storage and see that the first container is there.

        Raises:
            StorageUnavailable: either fails.
        """
        with _translated(CONTAINERS[0]):
            await self._service.get_container_client(CONTAINERS[0]).get_container_properties()

    async def close(self) -> None:
        """Let the connections go."""
        await self._service.close()

    def _client(self, path: str) -> "BlobClient":
        container, _, name = path.partition("/")
        return self._service.get_blob_client(container, name)


def service(
    storage: str, *, credential: "AsyncTokenCredential | None" = None, timeout_s: float = 30.0
) -> "BlobServiceClient":
    """Build the client for a connection string, or for an https address with ``credential``.

    The SDK tries again by itself, for some seconds: a trigger that still fails is run again by its host. That goes for a
    request as well to which nothing was answered within ``timeout_s``.
    """
    from azure.storage.blob.aio import BlobServiceClient, ExponentialRetry

    retry = ExponentialRetry(initial_backoff=1, increment_base=2, retry_total=3)
    times: dict[str, Any] = {"retry_policy": retry, "connection_timeout": 5, "read_timeout": timeout_s}
    if storage.startswith("https://"):
        return BlobServiceClient(storage, credential=credential, **times)
    return BlobServiceClient.from_connection_string(storage, **times)


@contextmanager
def _translated(path: str) -> Iterator[None]:
    """Turn what the SDK raises into a fault of ours."""
    from azure.core.exceptions import AzureError, HttpResponseError

    try:
        yield
    except HttpResponseError as error:
        code = getattr(error, "error_code", None)
        reason = f"{error.status_code} {getattr(code, 'value', code) or error.reason}"
        raise _fault(path, status=error.status_code, code=str(getattr(code, "value", code)), reason=reason) from error
    except AzureError as error:
        raise StorageUnavailable(path, reason=type(error).__name__) from error


def _fault(path: str, *, status: int | None, code: str, reason: str) -> Exception:
    if code == "BlobNotFound":
        return BlobMissing(path)
    if code in _FENCED or status == 412:
        return BlobChanged(path)
    if status in {400, 413}:
        return BlobRefused(path, reason=reason)
    return StorageUnavailable(path, reason=reason)

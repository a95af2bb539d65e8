"""Storage in a folder: what no emulator holds quickly, tens of gigabytes, and what a second run finds as the first left it."""

import shutil
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from shared.blobs import Blobs, Content, Stored
from shared.errors import BlobChanged, BlobMissing


class FolderBlobs(Blobs):
    """Blob Storage with its fences, for one process at a time; it has no logs."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def read(self, path: str) -> Content:
        with _there(path):
            data = (self._folder / path).read_bytes()
            return Content(data, self._etag(path), len(data))

    async def read_range(self, path: str, *, start: int, end: int, etag: str | None = None) -> bytes:
        with _there(path):
            if etag not in {None, self._etag(path)}:
                raise BlobChanged(path)
            with (self._folder / path).open("rb") as file:
                file.seek(start)
                return file.read(end - start)

    async def create(self, path: str, data: bytes) -> str:
        with self._part(path) as part:
            part.write_bytes(data)
            self._place(part, path)
        return self._etag(path)

    async def create_from(self, path: str, file: Path) -> str:
        with self._part(path) as part:
            shutil.copyfile(file, part)
            self._place(part, path)
        return self._etag(path)

    async def replace(self, path: str, data: bytes, *, etag: str) -> str:
        if not (self._folder / path).exists() or etag != self._etag(path):
            raise BlobChanged(path)
        with self._part(path) as part:
            part.write_bytes(data)
            part.replace(self._folder / path)
        return self._etag(path)

    async def delete(self, path: str, *, etag: str | None = None) -> None:
        with _there(path):
            if etag not in {None, self._etag(path)}:
                raise BlobChanged(path)
            (self._folder / path).unlink()

    async def under(self, prefix: str) -> AsyncIterator[Stored]:
        beneath = (self._folder / prefix.rpartition("/")[0]).rglob("*")
        paths = sorted(str(one.relative_to(self._folder)) for one in beneath if one.is_file())
        for path in paths:
            if path.startswith(prefix):
                found = (self._folder / path).stat()
                yield Stored(path, found.st_size, self._etag(path), datetime.fromtimestamp(found.st_mtime, UTC))

    async def folders(self, prefix: str) -> list[str]:
        folder = self._folder / prefix
        return sorted(f"{prefix}{one.name}/" for one in folder.glob("*") if one.is_dir() and any(one.iterdir()))

    async def close(self) -> None:
        """There is nothing to let go of."""

    @contextmanager
    def _part(self, path: str) -> Iterator[Path]:
        """Give a file to write to before it has its name: under that it is whole, or not there."""
        (self._folder / path).parent.mkdir(parents=True, exist_ok=True)
        part = self._folder / f".{uuid.uuid4().hex}"
        try:
            yield part
        finally:
            part.unlink(missing_ok=True)

    def _place(self, part: Path, path: str) -> None:
        try:
            (self._folder / path).hardlink_to(part)
        except FileExistsError as error:
            raise BlobChanged(path) from error

    def _etag(self, path: str) -> str:
        found = (self._folder / path).stat()
        return f"{found.st_mtime_ns}-{found.st_ino}"


@contextmanager
def _there(path: str) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise BlobMissing(path) from error

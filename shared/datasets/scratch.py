"""A folder of this machine for as long as a build runs: the inputs it fetched, and what the engine writes.

Nothing depends on it: whoever goes on elsewhere fetches again. What a build that was killed has left is deleted by the
next one that opens the same place.
"""

import asyncio
import contextlib
import fcntl
import hashlib
import shutil
import uuid
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TextIO

from shared.blobs import Blobs
from shared.bounded import each
from shared.datasets.manifest import Input
from shared.errors import InvalidDocument

_PIECE_BYTES: Final = 8 * 1024 * 1024
_AT_ONCE: Final = 4
_LOCK: Final = ".lock"


@dataclass(frozen=True, slots=True)
class Scratch:
    """Inputs as files of this machine, each checked by its hash.

    Attributes:
        blobs: where they come from.
        folder: of this build alone.
        most_bytes: so many are kept for when they are needed again; those of one day may be more.
    """

    blobs: Blobs
    folder: Path
    most_bytes: int
    _used: dict[Path, int] = field(default_factory=dict)

    async def fetch(self, inputs: Sequence[Input]) -> list[Path]:
        """Return the files of some inputs, in their order.

        What was fetched for others and is not among them makes room, the longest unused first.

        Raises:
            BlobMissing: one is not kept any more.
            InvalidDocument: one is not what its manifest says.
        """
        self._make_room(inputs)
        by_hash = {one.sha256: one for one in inputs}
        await each(by_hash.values(), self._fetch, at_once=_AT_ONCE)
        return [self._path(one) for one in inputs]

    async def _fetch(self, one: Input) -> None:
        path = self._path(one)
        if path in self._used:
            self._used[path] = self._used.pop(path)  # it is the last one that was used now
            return
        path.parent.mkdir(exist_ok=True)
        # A file has its name once it is whole and is the right one.
        part = path.with_suffix(".part")
        if await self.download(one.path, part, size_bytes=one.size_bytes) != one.sha256:
            part.unlink()
            raise InvalidDocument(one.path, reason="its SHA-256 is not the one in the manifest")
        part.rename(path)
        self._used[path] = one.size_bytes

    async def download(self, path: str, to: Path, *, size_bytes: int) -> str:
        """Write a blob to a file, and return its SHA-256: it is never in memory as a whole.

        Raises:
            BlobMissing: there is none.
        """
        digest = hashlib.sha256()
        with to.open("wb") as file:
            async for data in pieces(self.blobs, path, size_bytes=size_bytes):
                await asyncio.to_thread(digest.update, data)
                await asyncio.to_thread(file.write, data)
        return digest.hexdigest()

    def _make_room(self, inputs: Sequence[Input]) -> None:
        wanted = {self._path(one): one.size_bytes for one in inputs}
        size = sum({**self._used, **wanted}.values())
        for path in [path for path in self._used if path not in wanted]:
            if size <= self.most_bytes:
                return
            size -= self._used.pop(path)
            path.unlink()

    def _path(self, one: Input) -> Path:
        return self.folder / "inputs" / f"{one.sha256}.parquet"


@contextmanager
def scratch(blobs: Blobs, place: Path, *, most_bytes: int) -> Iterator[Scratch]:
    """Open a folder below ``place`` that nobody else uses, and delete it at the end; and those whose builds were killed."""
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder, lock = _locked(place)
    with lock:
        _delete_abandoned(place, but=folder)
        try:
            yield Scratch(blobs, folder, most_bytes)
        finally:
            shutil.rmtree(folder, ignore_errors=True)


async def pieces(blobs: Blobs, path: str, *, size_bytes: int) -> AsyncIterator[bytes]:
    """Give a blob in pieces.

    Raises:
        BlobMissing: there is none.
    """
    for start in range(0, max(1, size_bytes), _PIECE_BYTES):
        yield await blobs.read_range(path, start=start, end=start + _PIECE_BYTES)


def sha256_of(file: Path) -> str:
    """Return the SHA-256 of a file."""
    with file.open("rb") as data:
        return hashlib.file_digest(data, "sha256").hexdigest()


def _locked(place: Path) -> tuple[Path, TextIO]:
    """Make a folder, and return it with its lock, which the system lets go of with the process, however that ends.

    Until the lock is held, another process may take the folder for an abandoned one: then there is another.
    """
    while True:
        folder = place / uuid.uuid4().hex
        folder.mkdir(mode=0o700)
        lock = (folder / _LOCK).open("w")
        fcntl.flock(lock, fcntl.LOCK_EX)
        if (folder / _LOCK).exists():
            return folder, lock
        lock.close()


def _delete_abandoned(place: Path, *, but: Path) -> None:
    for folder in place.iterdir():
        if folder == but:
            continue
        # A folder without a lock yet is one that is being made at this moment.
        with contextlib.suppress(OSError), (folder / _LOCK).open("r+") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)

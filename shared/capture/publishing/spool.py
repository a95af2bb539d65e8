"""The spool: commits that wait in storage because Event Hubs was down.

One blob a commit, one record a line, named by the digest of its bytes. So what is spooled twice is there once, and a blob
that storage has not kept as it was written is found out.
"""

import asyncio
import contextlib
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from shared.blobs import Blobs, Stored
from shared.capture.reading import read_envelope
from shared.capture.records import Outgoing, pack
from shared.errors import BlobChanged, BlobMissing, InvalidDocument, InvalidRecord, RequestTooLarge, StorageUnavailable

FOLDER: Final = "captures/spool/"
_SUFFIX: Final = ".jsonl"


@dataclass(frozen=True, slots=True)
class Spool:
    """What waits, in storage."""

    blobs: Blobs

    async def keep(self, events: Sequence[Outgoing], *, timeout_s: float) -> str:
        """Store the events of a commit, and return the path of their blob.

        Raises:
            StorageUnavailable, BlobRefused: they may be there, and may not.
        """
        data = b"".join(event.body + b"\n" for event in events)
        path = f"{FOLDER}{hashlib.sha256(data).hexdigest()}{_SUFFIX}"
        try:
            async with asyncio.timeout(timeout_s):
                with contextlib.suppress(BlobChanged):  # an earlier try of ours has stored it
                    await self.blobs.create(path, data)
        except TimeoutError:
            raise StorageUnavailable(path, reason=f"no answer within {timeout_s:g} s") from None
        return path

    async def waiting(self) -> list[Stored]:
        """Return what waits, oldest first."""
        found = [stored async for stored in self.blobs.under(FOLDER)]
        return sorted(found, key=lambda stored: (stored.modified_at, stored.path))

    async def read(self, path: str) -> list[Outgoing]:
        """Return the events of a blob, marked as replayed.

        Raises:
            BlobMissing: another drain has sent and deleted it.
            InvalidDocument: it is not what its name says, or not what ``keep`` writes.
        """
        data = (await self.blobs.read(path)).data
        if path != f"{FOLDER}{hashlib.sha256(data).hexdigest()}{_SUFFIX}":
            raise InvalidDocument(path, reason="its SHA-256 is not its name")
        try:
            return _events(data.removesuffix(b"\n").split(b"\n"))
        except (InvalidRecord, RequestTooLarge) as error:
            raise InvalidDocument(path, reason=str(error)) from error

    async def delete(self, path: str) -> None:
        """Delete a blob whose events were acknowledged, unless another drain has."""
        with contextlib.suppress(BlobMissing):
            await self.blobs.delete(path)


def _events(records: Sequence[bytes]) -> list[Outgoing]:
    by_shelf = groupby(records, key=lambda record: read_envelope(record)[1])
    return [Outgoing(shelf, body, replayed=True) for shelf, its in by_shelf for body in pack(its)]

"""The manifests of sealed hours, of which only those are read that have changed."""

import asyncio
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Final

from shared import documents
from shared.blobs import Blobs
from shared.capture.records import Shelf
from shared.errors import BlobMissing
from shared.hours import Hour
from shared.sealing.hour import HourManifest

_AT_ONCE: Final = 16
_REMEMBERED: Final = 5_000


@dataclass(slots=True)
class Manifests:
    """Reads manifests by day, and remembers them by their ETags."""

    blobs: Blobs
    _read: OrderedDict[str, tuple[str, HourManifest]] = field(default_factory=OrderedDict)

    async def of(self, shelf: Shelf, date: str | None = None) -> dict[Hour, HourManifest]:
        """Return the manifests of a shelf's day, or of all its days; hours without one are left out.

        Raises:
            InvalidDocument: one cannot be read.
        """
        prefix = f"captures/hours/{shelf.folder}/" + (f"date={date}/" if date else "")
        found = [one async for one in self.blobs.under(prefix) if one.path.endswith("/_manifest.json")]
        at_once = asyncio.Semaphore(_AT_ONCE)

        async def read(path: str, etag: str) -> HourManifest | None:
            async with at_once:
                return await self._one(path, etag)

        manifests = await asyncio.gather(*(read(one.path, one.etag) for one in found))
        return {Hour.parse(manifest.hour): manifest for manifest in manifests if manifest is not None}

    async def _one(self, path: str, etag: str) -> HourManifest | None:
        known = self._read.get(path)
        if known is None or known[0] != etag:
            try:
                manifest, now = await documents.read(self.blobs, path, HourManifest)
            except BlobMissing:  # retention took it since it was listed
                return None
            known = self._read[path] = now, manifest
        self._read.move_to_end(path)
        if len(self._read) > _REMEMBERED:
            self._read.popitem(last=False)
        return known[1]

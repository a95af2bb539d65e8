"""The manifests of sealed hours, of which only those are read that have changed."""

from collections.abc import Callable
from dataclasses import dataclass, field

from shared.blobs import Blobs
from shared.bounded import each
from shared.capture.records import Shelf
from shared.documents import Reader
from shared.errors import BlobMissing
from shared.hours import Hour, dates_of
from shared.sealing.hours.hour import HourManifest


@dataclass(frozen=True, slots=True)
class SealedHour:
    """One hour's manifest, where it is, and the SHA-256 of its bytes."""

    hour: Hour
    path: str
    sha256: str
    manifest: HourManifest


@dataclass(slots=True)
class Manifests:
    """Reads manifests by day, and remembers them by their ETags."""

    blobs: Blobs
    _reader: Reader = field(init=False)

    def __post_init__(self) -> None:
        self._reader = Reader(self.blobs)

    async def of(self, shelf: Shelf, date: str | None = None) -> dict[Hour, HourManifest]:
        """Return the manifests of a shelf's day, or of all its days; hours without one are left out.

        Raises:
            InvalidDocument: one cannot be read.
        """
        folder = f"captures/hours/{shelf.folder}/" + (f"date={date}/" if date else "")
        return {one.hour: one.manifest for one in await self._under(folder, lambda _: True)}

    async def between(self, shelf: Shelf, first: Hour, end: Hour) -> list[SealedHour]:
        """Return the hours from ``first`` up to ``end``, which is not among them, that have a manifest, in their order.

        Raises:
            InvalidDocument: a manifest cannot be read.
        """
        found: list[SealedHour] = []
        for date in dates_of(first, end):
            folder = f"captures/hours/{shelf.folder}/date={date}/"
            found += await self._under(folder, lambda one: first <= one < end)
        return found

    async def _under(self, folder: str, is_wanted: Callable[[Hour], bool]) -> list[SealedHour]:
        listed = [
            stored
            async for stored in self.blobs.under(folder)
            if stored.path.endswith("/_manifest.json") and is_wanted(Hour.at_path(stored.path))
        ]
        read = await each(listed, lambda stored: self._read(stored.path, stored.etag))
        return [one for one in read if one is not None]

    async def _read(self, path: str, etag: str) -> SealedHour | None:
        try:
            found = await self._reader.read(path, HourManifest, etag=etag)
        except BlobMissing:  # retention took it since it was listed
            return None
        return SealedHour(Hour.at_path(path), path, found.sha256, found.document)

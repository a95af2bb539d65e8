"""Windows: the profiles of consecutive sealed hours, merged."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from shared import documents
from shared.blobs import Blobs
from shared.capture.records import Kind, Shelf
from shared.hours import Hour
from shared.profiles import encoding
from shared.profiles.bins import Bins, digest
from shared.profiles.profile import Profile, empty, merge, profile
from shared.sealing.hour import Generation, HourManifest, hour_folder, read


@dataclass(frozen=True, slots=True)
class Window:
    """The hours from ``first`` up to ``end``, which is not among them."""

    first: Hour
    end: Hour

    @classmethod
    def before(cls, end: Hour, *, hours: int) -> "Window":
        """Return the window of so many hours that ends with ``end``."""
        return cls(end.plus(-hours), end)

    @property
    def start(self) -> datetime:
        """Return its first moment."""
        return self.first.start

    def days(self) -> Iterator[str]:
        """Yield the dates it touches, as they stand in paths."""
        seen = ""
        for hour in self.first.until(self.end):
            date = f"{hour.start:%Y-%m-%d}"
            if date != seen:
                yield date
            seen = date


@dataclass(frozen=True, slots=True)
class Contents:
    """What a window holds: its profile, and the hash of every manifest that it was read from, by path."""

    profile: Profile
    manifests: dict[str, str]


@dataclass(slots=True)
class Windows:
    """Reads windows of predictions."""

    blobs: Blobs

    async def read(self, model: str, version: str, window: Window, bins: Bins) -> Contents:
        """Return the merged profile of a window over ``bins``.

        An hour whose profile was made over other bins is profiled again from its rows.
        """
        shelf = Shelf(Kind.PREDICTION, model, version)
        manifests: dict[str, str] = {}
        merged = empty(bins)
        for path, etag in await self._manifests(shelf, window):
            manifest, _ = await documents.read(self.blobs, path, HourManifest)
            manifests[path] = etag
            folder = hour_folder(shelf, Hour.parse(manifest.hour))
            for part in await self._profiles(folder, manifest, bins):
                merged = merge(merged, part)
        return Contents(merged, manifests)

    async def _manifests(self, shelf: Shelf, window: Window) -> list[tuple[str, str]]:
        found: list[tuple[str, str]] = []
        for date in window.days():
            async for stored in self.blobs.under(f"captures/hours/{shelf.folder}/date={date}/"):
                inside = window.first <= Hour.at_path(stored.path) < window.end
                if inside and stored.path.endswith("/_manifest.json"):
                    found.append((stored.path, stored.etag))
        return found

    async def _profiles(self, folder: str, manifest: HourManifest, bins: Bins) -> list[Profile]:
        wanted = digest(bins)
        return await asyncio.gather(*(self._profile(folder, one, bins, wanted) for one in manifest.generations))

    async def _profile(self, folder: str, generation: Generation, bins: Bins, wanted: str) -> Profile:
        if generation.profile is not None and generation.profile.endswith(f"-{wanted}"):
            path = f"{folder}{generation.profile}"
            return encoding.decode((await self.blobs.read(path)).data, Profile, path=path)
        content = await self.blobs.read(f"{folder}{generation.rows_file}")
        rows, _ = await asyncio.to_thread(read, content.data)
        return await asyncio.to_thread(profile, rows, bins)

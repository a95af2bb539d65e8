"""Windows: the profiles of consecutive sealed hours, merged; whole days as they were rolled up."""

import asyncio
from dataclasses import dataclass, field
from typing import Final

from shared.blobs import Blobs
from shared.capture.records import Kind, Shelf
from shared.documents import Reader
from shared.errors import BlobMissing
from shared.monitoring.window import Window
from shared.profiles import encoding
from shared.profiles.bins import Bins, digest
from shared.profiles.profile import Profile, empty, merge, profile
from shared.sealing.days.day import Day, is_counted_over
from shared.sealing.days.finding import rolled_up
from shared.sealing.hours.hour import Generation, read, readable
from shared.sealing.hours.manifests import Manifests, SealedHour
from shared.sealing.paths import day_folder, day_path, hour_folder

_PROFILED_AT_ONCE: Final = 2
"""An hour of any size comes in generations of 128 MB of logs, and the rows of each take as much in memory."""


@dataclass(frozen=True, slots=True)
class Contents:
    """What a window holds: its profile, and the SHA-256 of every document that it was read from, by path."""

    profile: Profile
    inputs: dict[str, str]


@dataclass(slots=True)
class Windows:
    """Reads windows of predictions."""

    blobs: Blobs
    _profiling: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_PROFILED_AT_ONCE))
    _reader: Reader = field(init=False)
    _manifests: Manifests = field(init=False)

    def __post_init__(self) -> None:
        self._reader = Reader(self.blobs)
        self._manifests = Manifests(self.blobs)

    async def read(self, model: str, version: str, window: Window, bins: Bins) -> Contents:
        """Return the merged profile of a window over ``bins``.

        A whole day is read as it was rolled up. Where it is not, or over other bins, its hours are read; an hour whose
        profile was made over other bins is profiled again from its rows.
        """
        shelf = Shelf(Kind.PREDICTION, model, version)
        inputs: dict[str, str] = {}
        merged = empty(bins)
        for part in window.by_day():
            profiles = await self._day(shelf, part, digest(bins), inputs)
            if profiles is None:
                profiles = await self._hours(shelf, part, bins, inputs)
            for one in profiles:
                merged = merge(merged, one)
        return Contents(merged, inputs)

    async def _day(self, shelf: Shelf, part: Window, wanted: str, inputs: dict[str, str]) -> list[Profile] | None:
        """Return the profile of a whole day, none without rows; None where its hours have to be read."""
        path = day_path(shelf, part.first.date)
        found = await rolled_up(self._reader, path) if part.is_day else None
        if found is None:
            return None
        profiles = await self._profile_of_day(shelf, found.document, wanted)
        if profiles is not None:
            inputs[path] = found.sha256
        return profiles

    async def _profile_of_day(self, shelf: Shelf, day: Day, wanted: str) -> list[Profile] | None:
        if not day.rows:
            return []
        if day.profile is None or not is_counted_over(day.profile, wanted):
            return None
        path = f"{day_folder(shelf, day.date)}{day.profile}"
        try:
            return [encoding.decode((await self.blobs.read(path)).data, Profile, path=path)]
        except BlobMissing:  # retention is taking the day
            return None

    async def _hours(self, shelf: Shelf, part: Window, bins: Bins, inputs: dict[str, str]) -> list[Profile]:
        profiles: list[Profile] = []
        for one in await self._manifests.between(shelf, part.first, part.end):
            inputs[one.path] = one.sha256
            profiles += await self._profiles(hour_folder(shelf, one.hour), one, bins)
        return profiles

    async def _profiles(self, folder: str, hour: SealedHour, bins: Bins) -> list[Profile]:
        wanted = digest(bins)
        return await asyncio.gather(*(self._profile(folder, one, bins, wanted) for one in hour.manifest.generations))

    async def _profile(self, folder: str, generation: Generation, bins: Bins, wanted: str) -> Profile:
        if generation.profile is not None and generation.profile.endswith(f"-{wanted}"):
            path = f"{folder}{generation.profile}"
            return encoding.decode((await self.blobs.read(path)).data, Profile, path=path)
        async with self._profiling:
            content = await self.blobs.read(f"{folder}{generation.rows_file}")
            with readable(f"{folder}{generation.rows_file}"):
                rows, _ = await asyncio.to_thread(read, content.data)
            return await asyncio.to_thread(profile, rows, bins)

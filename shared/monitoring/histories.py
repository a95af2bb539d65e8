"""Reads what windows of a version may be judged by, and adds to it."""

import asyncio
from dataclasses import dataclass, field
from typing import Final

from shared import documents
from shared.blobs import Blobs
from shared.monitoring.looking_back import Pace, StoredLook, StoredLooks, Watched, with_look
from shared.registry.baselines import Baseline, Baselines
from shared.registry.manifest import Manifest

_REMEMBERED: Final = 64


@dataclass(slots=True)
class Histories:
    """What is usual of the versions, as far as it was recorded."""

    blobs: Blobs
    baselines: Baselines
    _watched: dict[str, Watched] = field(default_factory=dict)

    async def watched(self, baseline: Baseline) -> Watched:
        """Return what is watched of the versions compared with a baseline."""
        found = self._watched.pop(baseline.folder, None)
        if found is None:
            hours = await self.baselines.hours(baseline)
            found = await asyncio.to_thread(
                Watched.of_baseline, baseline.bins, baseline.profile, hours, is_live=baseline.is_accepted
            )
        # The one that was asked for longest ago makes room.
        self._watched[baseline.folder] = found
        if len(self._watched) > _REMEMBERED:
            del self._watched[next(iter(self._watched))]
        return found

    async def looks(self, manifest: Manifest, baseline: Baseline, hours: int) -> tuple[StoredLook, ...]:
        """Return the looks that were made of windows of so many hours."""
        stored = await documents.find(self.blobs, _path(manifest, baseline, hours), StoredLooks)
        return stored.looks if stored else ()

    async def add(self, manifest: Manifest, baseline: Baseline, look: StoredLook, pace: Pace) -> None:
        """Remember a look; the same one again is the same one."""

        def put(old: StoredLooks | None) -> StoredLooks:
            return StoredLooks(looks=with_look(old.looks if old else (), look, pace))

        await documents.swap(self.blobs, _path(manifest, baseline, pace.hours), StoredLooks, put)


def _path(manifest: Manifest, baseline: Baseline, hours: int) -> str:
    """Return where looks are kept; baselines have a number each, and one is never another."""
    return f"monitoring/histories/model={manifest.model}/version={manifest.version}/{baseline.name}-PT{hours}H.json"

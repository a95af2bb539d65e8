"""What a version is among those of its model: whether it answers, and with how many others it is asked."""

from dataclasses import dataclass

from shared.blobs import Blobs
from shared.bounded import each
from shared.capture.records import Kind, Shelf
from shared.monitoring.window import Window
from shared.registry.manifest import CHAMPION, Manifest
from shared.registry.store import Registry
from shared.sealing.hours.listing import has_hours


@dataclass(frozen=True, slots=True)
class Standing:
    """What a version is among those of its model, in one window.

    Attributes:
        versions: how many were asked anything, 1 or more; they share the model's budget of false alarms.
        is_champion: whether it answers: of the others no predictions are missed.
    """

    versions: int
    is_champion: bool


@dataclass(slots=True)
class Standings:
    """Finds out what versions are."""

    blobs: Blobs
    registry: Registry

    async def of(self, model: str, window: Window) -> dict[str, Standing]:
        """Return what each version of a model is in a window; the champion is that of now."""
        versions = await self.registry.versions(model)
        champion = (await self.registry.aliases(model)).versions.get(CHAMPION)
        were_asked = await each(versions, lambda one: self._was_asked(one, window))
        return {one.version: Standing(max(sum(were_asked), 1), one.version == champion) for one in versions}

    async def _was_asked(self, manifest: Manifest, window: Window) -> bool:
        shelf = Shelf(Kind.PREDICTION, manifest.model, manifest.version)
        return await has_hours(self.blobs, shelf, window.first, window.end)

"""What a version is among those of its model: whether it answers or is retired, and with how many others it is asked."""

from dataclasses import dataclass
from datetime import datetime

from shared.blobs import Blobs
from shared.bounded import each
from shared.capture.records import Kind, Shelf
from shared.monitoring.window import Window
from shared.registry.manifest import Manifest
from shared.registry.store import Registry
from shared.sealing.hours.listing import has_hours


@dataclass(frozen=True, slots=True)
class Standing:
    """What a version is among those of its model, in one window.

    Attributes:
        versions: how many that are in use were asked anything, 1 or more; they share the model's budget of false alarms.
        is_champion: whether it answers: of the others no predictions are missed.
        retired_at: since when it is out of use, and judged no more; None while it is in use.
    """

    versions: int
    is_champion: bool
    retired_at: datetime | None = None


@dataclass(slots=True)
class Standings:
    """Finds out what versions are."""

    blobs: Blobs
    registry: Registry

    async def of(self, model: str, window: Window) -> dict[str, Standing]:
        """Return what each version of a model is in a window; champion and retired are those of now."""
        aliases = await self.registry.aliases(model)
        versions = await self.registry.versions(model)
        in_use = [one for one in versions if one.version not in aliases.retired]
        asked = max(sum(await each(in_use, lambda one: self._was_asked(one, window))), 1)
        return {
            one.version: Standing(asked, one.version == aliases.champion, aliases.retired.get(one.version))
            for one in versions
        }

    async def _was_asked(self, manifest: Manifest, window: Window) -> bool:
        shelf = Shelf(Kind.PREDICTION, manifest.model, manifest.version)
        return await has_hours(self.blobs, shelf, window.first, window.end)

"""The aliases of models as they were a moment ago: requests must neither wait for storage nor wear it out."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from shared import documents
from shared.blobs import Blobs
from shared.errors import StorageUnavailable
from shared.registry.manifest import Aliases, aliases_path

FRESH_S: Final = 5.0
"""So long, in real seconds, a process goes on by what it read."""

_PATIENCE_S: Final = 1.0


@dataclass(slots=True)
class RecentAliases:
    """The aliases of every model that was asked for, each read again after 5 seconds."""

    blobs: Blobs
    monotonic: Callable[[], float]
    _known: dict[str, tuple[float, Aliases]] = field(default_factory=dict)
    _reading: "dict[str, asyncio.Task[Aliases]]" = field(default_factory=dict)

    async def of(self, model: str, *, registered: bool = False) -> Aliases:
        """Return a model's aliases, at most 5 seconds old; no aliases for a model that has none.

        They are older while storage does not answer: what they said last goes on holding.

        Whoever knows that a version of the model is ``registered``, and asks for that one, goes by it as well that nobody
        was promoted. To others that is not remembered: a model answers as soon as it can, and names that callers make
        up would fill the memory.
        """
        known = self._known.get(model)
        if known is not None and (registered or known[1].champion) and self.monotonic() - known[0] < FRESH_S:
            return known[1]
        if known is None:
            return await self._again(model, registered=registered)
        try:
            async with asyncio.timeout(_PATIENCE_S):
                return await self._again(model, registered=registered)
        except (TimeoutError, StorageUnavailable):
            self._known[model] = (self.monotonic(), known[1])
            return known[1]

    async def swap(self, model: str, change: Callable[[Aliases], Aliases]) -> Aliases:
        """Replace a model's aliases by ``change`` of them, and return the new ones."""
        changed = await documents.swap(self.blobs, aliases_path(model), Aliases, lambda old: change(old or Aliases()))
        self._known[model] = (self.monotonic(), changed)
        return changed

    async def _again(self, model: str, *, registered: bool) -> Aliases:
        """Read a model's aliases; those who ask at the same time share one reading."""
        reading = self._reading.get(model)
        if reading is None:
            reading = self._reading[model] = asyncio.ensure_future(self._read(model, registered=registered))
            reading.add_done_callback(lambda done: self._has_read(model, done))
        return await asyncio.shield(reading)

    async def _read(self, model: str, *, registered: bool) -> Aliases:
        found = await documents.find(self.blobs, aliases_path(model), Aliases)
        if found is not None or registered:
            self._known[model] = (self.monotonic(), found or Aliases())
        return found or Aliases()

    def _has_read(self, model: str, reading: "asyncio.Task[Aliases]") -> None:
        del self._reading[model]
        if not reading.cancelled():
            reading.exception()  # whoever waited has it; nobody may have

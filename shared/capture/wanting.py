"""What the registered versions of a model want of its actuals, without asking storage about every one."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from shared.capture.actual_values import Wanted
from shared.errors import InvalidDocument, StorageUnavailable
from shared.registry.store import Registry

_FRESH_S: Final = 5.0
_PATIENCE_S: Final = 1.0
_FIRST_PATIENCE_S: Final = 5.0


@dataclass(slots=True)
class Wanting:
    """Looks at the versions of a model again after 5 seconds, as at its aliases.

    An actual that somebody has is not refused because storage is away: what was wanted last is wanted then, and where
    that is not known either, anything is.
    """

    registry: Registry
    monotonic: Callable[[], float] = time.monotonic
    _known: dict[str, tuple[float, Wanted]] = field(default_factory=dict)
    _reading: "dict[str, asyncio.Task[Wanted]]" = field(default_factory=dict)

    async def of(self, model: str) -> Wanted | None:
        """Return what is wanted; None where storage cannot say, nor whether there is such a model.

        Raises:
            UnknownModel: no version of the model is registered.
        """
        known = self._known.get(model)
        if known is not None and self.monotonic() - known[0] < _FRESH_S:
            return known[1]
        reading = self._reading.get(model)
        if reading is None:
            reading = self._reading[model] = asyncio.ensure_future(self._read(model))
            reading.add_done_callback(lambda done: self._was_read(model, done))
        try:
            async with asyncio.timeout(_FIRST_PATIENCE_S if known is None else _PATIENCE_S):
                return await asyncio.shield(reading)
        except (TimeoutError, StorageUnavailable, InvalidDocument):
            if known is None:
                return None
            self._known[model] = (self.monotonic(), known[1])
            return known[1]

    async def _read(self, model: str) -> Wanted:
        wanted = Wanted.by(await self.registry.versions(model))
        self._known[model] = (self.monotonic(), wanted)
        return wanted

    def _was_read(self, model: str, reading: "asyncio.Task[Wanted]") -> None:
        del self._reading[model]
        if not reading.cancelled():
            reading.exception()  # whoever waited has it; nobody may have

"""What has been kept long enough of what monitoring found: retention, which comes before it, deletes it.

An alert stays for good, and so does the evaluation that opened it. What else was evaluated goes with the hours it was made
from: without them nobody can look into it any more.
"""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Final

from shared.alerts.outlived import made_in
from shared.blobs import Blobs, Stored
from shared.hours import Hour
from shared.monitoring.evaluation import Evaluations

_EVALUATIONS: Final = "monitoring/evaluations/"
_ALERTS: Final = "monitoring/alerts/"
_KEY: Final = len("2026-03-01T09")


@dataclass(slots=True)
class Outlived:
    """Finds evaluations that may be deleted."""

    blobs: Blobs

    async def evaluations(self, limit: Hour) -> AsyncGenerator[list[Stored]]:
        """Yield the evaluations of windows that end no later than ``limit``, each a group of its own.

        The newest of a version stays, and so do those of windows that opened an alert.
        """
        for model in await self.blobs.folders(_EVALUATIONS):
            for folder in await self.blobs.folders(model):
                whose = folder.removeprefix(_EVALUATIONS)
                # Before the alerts are: one of a later window may have been stored, and its alerts not yet.
                newest = await self._newest(whose)
                opened = {
                    made_in(one.path.removesuffix(".json")) async for one in self.blobs.under(f"{_ALERTS}{whose}")
                }
                async for stored in self.blobs.under(folder):
                    end = stored.path.removeprefix(folder)[:_KEY]
                    if end > limit.key or end >= newest:
                        break
                    if end not in opened:
                        yield [stored]

    async def _newest(self, whose: str) -> str:
        """Return the end of the newest window that was evaluated of a version, by its part of a path."""
        model, version = (part.partition("=")[2] for part in whose.rstrip("/").split("/"))
        return await Evaluations(self.blobs).evaluated_until(model, version)

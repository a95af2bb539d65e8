"""What has been kept long enough of what retraining asked: retention, which comes before it, deletes it.

Periods and decisions stay for good: they are small, and what a replay is made of.
"""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Final

from shared.blobs import Blobs, Stored
from shared.hours import Hour
from shared.retraining.challenging import CHALLENGES

TRAINING_SETS: Final = "datasets/_training/"
"""Training sets that somebody else learns from, and what they leave there, by model and the hour they end with."""


@dataclass(slots=True)
class OutlivedChallenges:
    """Finds answers that nobody saw, and training sets, that may be deleted."""

    blobs: Blobs

    async def challenges(self, limit: Hour) -> AsyncGenerator[list[Stored]]:
        """Yield what versions answered to rows of periods that began before ``limit``, each period a group.

        They are of rows that retention takes as well; what they came to is in the periods.
        """
        for model in await self.blobs.folders(CHALLENGES):
            for folder in await self.blobs.folders(model):
                async for stored in self.blobs.under(folder):
                    if stored.path.removeprefix(folder).removesuffix(".parquet") >= limit.key:
                        break
                    yield [stored]

    async def training_sets(self, limit: Hour) -> AsyncGenerator[list[Stored]]:
        """Yield what was stored for hooks to learn from, once all hours of it are before ``limit``, each set a group.

        It is a copy of rows, which would outlive them.
        """
        for model in await self.blobs.folders(TRAINING_SETS):
            for folder in await self.blobs.folders(model):
                if folder.removeprefix(model)[: len(limit.key)] > limit.key:
                    break
                yield [stored async for stored in self.blobs.under(folder)]

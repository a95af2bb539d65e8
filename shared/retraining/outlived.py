"""What has been kept long enough of what retraining asked and told: retention, which comes before it, deletes it.

Periods and decisions stay for good: they are small, and what a replay is made of.
"""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Final

from shared import documents
from shared.alerts.messages import DecisionChange, DecisionChanged
from shared.alerts.outbox import Entry
from shared.blobs import Blobs, Stored
from shared.hours import Hour
from shared.retraining.decision import Decisions

TRAINING_SETS: Final = "datasets/_training/"
"""Training sets that somebody else learns from, and what they leave there, by model and the hour they end with."""

_CHALLENGES: Final = "monitoring/challenges/"
_DONE: Final = "monitoring/outbox/done/"
_NEWS: Final = "-decision."


@dataclass(slots=True)
class OutlivedDecisions:
    """Finds answers that nobody saw, training sets, and news of decisions, that may be deleted."""

    blobs: Blobs
    decisions: Decisions

    async def challenges(self, limit: Hour) -> AsyncGenerator[list[Stored]]:
        """Yield what versions answered to rows of periods that began before ``limit``, each period a group.

        They are of rows that retention takes as well; what they came to is in the periods.
        """
        for model in await self.blobs.folders(_CHALLENGES):
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

    async def news(self, limit: Hour) -> AsyncGenerator[list[Stored]]:
        """Yield the news of decisions, of before ``limit``, that was delivered or given up, each a group of its own.

        As long as the newest decision does not know that its news was told, the outbox is asked for it.
        """
        async for stored in self.blobs.under(_DONE):
            about, is_decision, _ = stored.path.rpartition(_NEWS)
            if not is_decision or about.rpartition(".")[2] >= limit.key:
                continue
            entry = await documents.find(self.blobs, stored.path, Entry)
            if entry is None or not isinstance(entry.message, DecisionChanged):
                continue
            if entry.message.timestamp < limit.start and await self._is_told(entry.message.data):
                yield [stored]

    async def _is_told(self, change: DecisionChange) -> bool:
        pointer = await self.decisions.pointer(change.model)
        return pointer is None or pointer.untold is None or pointer.untold.id != change.id

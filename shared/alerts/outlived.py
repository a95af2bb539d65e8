"""What has been kept long enough of what was told: retention, which comes before it, deletes it."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from shared import documents
from shared.alerts.lifecycle import Alert
from shared.alerts.messages import DecisionChange, DecisionChanged, Message
from shared.alerts.outbox import DONE, Entry
from shared.alerts.store import Newest, newest_path
from shared.blobs import Blobs, Stored
from shared.hours import Hour

NEWS_KEPT_DAYS: Final = 90
"""So long it is told of news what became of it; its alert, or its decision, says the rest."""

_KEY: Final = len("2026-03-01T09")


@dataclass(slots=True)
class OutlivedNews:
    """Finds news that may be deleted; ``knows`` says whether a changed decision knows that its own was told."""

    blobs: Blobs
    knows: Callable[[DecisionChange], Awaitable[bool]]

    async def news(self, limit: Hour) -> AsyncGenerator[list[Stored]]:
        """Yield the news, of before ``limit``, that was delivered or given up, each a group of its own.

        As long as an alert, or the newest decision, does not know that its news was told, the outbox is asked for it:
        otherwise it would be told again.
        """
        async for stored in self.blobs.under(DONE):
            if made_in(stored.path.rsplit("-", 2)[0]) >= limit.key:
                continue
            entry = await documents.find(self.blobs, stored.path, Entry)
            if entry is not None and entry.message.timestamp < limit.start and await self._is_told(entry.message):
                yield [stored]

    async def _is_told(self, message: Message) -> bool:
        if isinstance(message, DecisionChanged):
            return await self.knows(message.data)
        return await self._alert_knows(message.data)

    async def _alert_knows(self, alert: Alert) -> bool:
        newest = await documents.find(self.blobs, newest_path(alert, alert.signal), Newest)
        return newest is None or newest.untold is None or newest.alert is None or newest.alert.id != alert.id


def made_in(identity: str) -> str:
    """Return the key of the hour, with which the id of an alert, or of a changed decision, ends.

    >>> made_in("m.1.2.drift.2026-03-01T09")
    '2026-03-01T09'
    >>> made_in("_none._none.spool.2026-03-01T09-05-00")
    '2026-03-01T09'
    """
    return identity.rpartition(".")[2][:_KEY]

"""What has been kept long enough of what monitoring found and told: retention, which comes before it, deletes it.

An alert stays for good, and so does the evaluation that opened it. What else was evaluated goes with the hours it was made
from: without them nobody can look into it any more.
"""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Final

from shared import documents
from shared.alerts.lifecycle import Alert
from shared.alerts.messages import DecisionChanged
from shared.alerts.outbox import Entry
from shared.alerts.store import Newest, newest_path
from shared.blobs import Blobs, Stored
from shared.hours import Hour
from shared.monitoring.evaluation import Evaluations

NEWS_KEPT_DAYS: Final = 90
"""So long it is told of news what became of it; its alert says the rest."""

_EVALUATIONS: Final = "monitoring/evaluations/"
_ALERTS: Final = "monitoring/alerts/"
_DONE: Final = "monitoring/outbox/done/"
_KEY: Final = len("2026-03-01T09")


@dataclass(slots=True)
class Outlived:
    """Finds evaluations and news that may be deleted."""

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
                opened = {_opened(one.path) async for one in self.blobs.under(f"{_ALERTS}{whose}")}
                async for stored in self.blobs.under(folder):
                    end = stored.path.removeprefix(folder)[:_KEY]
                    if end > limit.key or end >= newest:
                        break
                    if end not in opened:
                        yield [stored]

    async def news(self, limit: Hour) -> AsyncGenerator[list[Stored]]:
        """Yield the news of alerts, of before ``limit``, that was delivered or given up, each a group of its own.

        As long as an alert does not know that its news was told, the outbox is asked for it: otherwise it would be told
        again.
        """
        async for stored in self.blobs.under(_DONE):
            about, is_alert, _ = stored.path.rpartition("-alert.")
            if not is_alert or _opened(about) >= limit.key:
                continue
            entry = await documents.find(self.blobs, stored.path, Entry)
            if entry is None or isinstance(entry.message, DecisionChanged):
                continue
            if entry.message.timestamp < limit.start and await self._is_told(entry.message.data):
                yield [stored]

    async def _newest(self, whose: str) -> str:
        """Return the end of the newest window that was evaluated of a version, by its part of a path."""
        model, version = (part.partition("=")[2] for part in whose.rstrip("/").split("/"))
        return await Evaluations(self.blobs).evaluated_until(model, version)

    async def _is_told(self, alert: Alert) -> bool:
        newest = await documents.find(self.blobs, newest_path(alert, alert.signal), Newest)
        return newest is None or newest.untold is None or newest.alert is None or newest.alert.id != alert.id


def _opened(alert: str) -> str:
    """Return the key of the hour, with which the id of an alert ends, that it was opened in.

    >>> _opened("monitoring/alerts/model=m/version=1.2/signal=drift/m.1.2.drift.2026-03-01T09.json")
    '2026-03-01T09'
    >>> _opened("monitoring/outbox/done/_none._none.spool.2026-03-01T09-05-00")
    '2026-03-01T09'
    """
    return alert.removesuffix(".json").rpartition(".")[2][:_KEY]

"""Alerts as they are stored: one document each, swapped by ETag."""

from collections.abc import Sequence
from dataclasses import dataclass

from shared import documents
from shared.alerts.lifecycle import Alert, Look, News, after
from shared.alerts.outbox import Outbox
from shared.blobs import Blobs
from shared.signals.judgement import Judgement, Signal


@dataclass(slots=True)
class Alerts:
    """Every alert there was."""

    blobs: Blobs
    outbox: Outbox

    async def note(self, judgements: Sequence[Judgement], look: Look) -> list[tuple[Alert, News]]:
        """Open, keep up and resolve alerts by what one look found, and return the news, which is in the outbox by then.

        The news goes out first: if it ends here, the same look makes the same news under the same name again.
        """
        told: list[tuple[Alert, News]] = []
        for judgement in judgements:
            old = await self._newest(look.model, look.version, judgement.signal)
            new, news = after(old, judgement, look)
            if new is None or new == old:
                continue
            if news is not None:
                await self.outbox.put(new, news)
                told.append((new, news))
            await documents.swap(self.blobs, _path(new), Alert, lambda _, new=new: new)  # type: ignore[misc]
        return told

    async def _newest(self, model: str, version: str, signal: Signal) -> Alert | None:
        """Return the newest alert of a signal: ids end in the hour they opened, so it is the last by name."""
        path = ""
        async for stored in self.blobs.under(_folder(model, version, signal)):
            path = stored.path
        return await documents.find(self.blobs, path, Alert) if path else None


def _folder(model: str, version: str, signal: Signal) -> str:
    return f"monitoring/alerts/model={model}/version={version}/signal={signal}/"


def _path(alert: Alert) -> str:
    return f"{_folder(alert.model, alert.version, alert.signal)}{alert.id}.json"

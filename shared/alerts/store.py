"""Alerts as they are stored: one document each, swapped by ETag."""

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

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

        Each alert is stored with its news, which then goes to the outbox, and is taken off the alert at last. So what
        is interrupted is told by the next look, under the same name, whichever window that is about.
        """
        told: list[tuple[Alert, News]] = []
        for judgement in judgements:
            old = await self._newest(look.model, look.version, judgement.signal)
            if old is not None and old.untold is not msgspec.UNSET:
                old = await self._tell(old, old.untold, told)
            new, news = after(old, judgement, look)
            if new is None or new == old:
                continue
            if news is None:
                await self._store(new)
            else:
                new = msgspec.structs.replace(new, untold=news)
                await self._store(new)
                await self._tell(new, news, told)
        return told

    async def _tell(self, alert: Alert, news: News, told: list[tuple[Alert, News]]) -> Alert:
        """Put an alert's news into the outbox, where it may be already, and return the alert without it."""
        done = msgspec.structs.replace(alert, untold=msgspec.UNSET)
        await self.outbox.put(done, news)
        await self._store(done)
        told.append((done, news))
        return done

    async def _store(self, alert: Alert) -> None:
        await documents.swap(self.blobs, _path(alert), Alert, lambda _: alert)

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

"""Alerts as they are stored: one document each, and one that is the fence between all who look at a signal."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import msgspec

from shared import documents
from shared.alerts.lifecycle import Alert, Look, News, after
from shared.alerts.outbox import Outbox
from shared.blobs import Blobs
from shared.documents import Document
from shared.registry.manifest import Manifest
from shared.signals.judgement import Judgement, Signal, Verdict


class Newest(Document, frozen=True, kw_only=True):
    """The newest alert of one signal of one version: what looks are held against, swapped under its ETag.

    Attributes:
        alert: as it stands, which its own document follows; None if there was none.
        untold: news of it that may not be in the outbox yet. Until it is, no look changes anything.
    """

    alert: Alert | None = None
    untold: News | None = None

    def after(self, judgement: Judgement | None, look: Look) -> "Newest":
        """Return what a look makes of it; the same while there is something to tell first."""
        if self.untold is not None:
            return self
        alert, news = after(self.alert, judgement, look)
        return Newest(alert=alert, untold=news)


@dataclass(slots=True)
class Alerts:
    """Every alert there was."""

    blobs: Blobs
    outbox: Outbox

    async def note(self, judgements: Sequence[Judgement], look: Look) -> list[tuple[Alert, News]]:
        """Open, keep up and resolve alerts by what one look found, and return the news, which is in the outbox by then.

        A signal's newest alert is swapped together with its news. Then follow its own document and the outbox, and the
        news is taken off at last. So what is interrupted is completed by the next look, under the same name, whichever
        window that is about; and looks at the same time change one alert, one after the other.
        """
        told: list[tuple[Alert, News]] = []
        found = {one.signal: one for one in judgements}
        known = {stored.path async for stored in self.blobs.under(_newest_folder(look))}
        # Signals that were not judged come after those that were: an alert of theirs may be open.
        for signal in [*found, *(one for one in Signal if one not in found)]:
            judgement, path = found.get(signal), newest_path(look, signal)
            is_breach = judgement is not None and judgement.verdict is Verdict.BREACH
            if is_breach or path in known:
                told += await self._note(path, judgement, look)
        return told

    async def _note(self, path: str, judgement: Judgement | None, look: Look) -> list[tuple[Alert, News]]:
        """Note one signal, whose newest alert is at ``path``."""
        told: list[tuple[Alert, News]] = []
        while True:
            newest = await documents.swap(
                self.blobs, path, Newest, lambda old: (old or Newest()).after(judgement, look)
            )
            alert, news = newest.alert, newest.untold
            if alert is None or (alert.state == "resolved" and news is None):
                return told
            await self._store(alert)
            if news is None:
                return told
            await self.outbox.put(alert, news)
            await documents.swap(self.blobs, path, Newest, _without(newest))
            told.append((alert, news))

    async def _store(self, alert: Alert) -> None:
        """Bring an alert's own document up to date; somebody else may have brought it further already."""

        def forward(old: Alert | None) -> Alert:
            return old if old is not None and old.reached > alert.reached else alert

        await documents.swap(self.blobs, _path(alert), Alert, forward)


def _without(newest: Newest) -> Callable[[Newest | None], Newest]:
    """Return what takes the news off, unless somebody else has done so and went on."""
    told = msgspec.structs.replace(newest, untold=None)
    return lambda old: told if old is None or old == newest else old


def alerts_folder(of: Alert | Manifest, signal: Signal) -> str:
    """Return where every alert is that a signal of a version ever raised, ending in a slash."""
    return f"monitoring/alerts/model={of.model}/version={of.version}/signal={signal}/"


def _path(alert: Alert) -> str:
    return f"{alerts_folder(alert, alert.signal)}{alert.id}.json"


def newest_path(of: Look | Alert | Manifest, signal: Signal) -> str:
    """Return where the newest alert of a signal is kept: of a version, or of the one that a look or another alert is about."""
    return f"{_newest_folder(of)}signal={signal}.json"


def _newest_folder(of: Look | Alert | Manifest) -> str:
    return f"monitoring/newest_alerts/model={of.model}/version={of.version}/"

"""Draw up the account again and again, and tell when something is wrong."""

import contextlib
import hashlib
import logging
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from shared import documents
from shared.alerts.lifecycle import Look
from shared.alerts.store import Alerts
from shared.blobs import Blobs
from shared.clock import Clock
from shared.errors import BlobChanged
from shared.hours import Hour
from shared.ids import NONE
from shared.monitoring.capture_signals import (
    LAST_LOOK_PATH,
    LastLook,
    judge_capture,
    missing_events,
    remembered,
    waits,
)
from shared.sealing.accounting.account import Account
from shared.sealing.accounting.asked import Asked
from shared.sealing.accounting.verifying import Verifying
from shared.sealing.hours.watermark import WATERMARK_PATH, Watermark
from shared.signals.judgement import Verdict
from shared.telemetry import Telemetry

logger = logging.getLogger(__name__)

LOOKED_BACK: Final = timedelta(days=2)
"""How far before the watermark's day the account is drawn up each time. Days before change only if somebody changes them
by hand, which ``manage.py verify`` sees."""


@dataclass(slots=True)
class WatchingCapture:
    """Watches capture; one look after the other reads only what changed since."""

    blobs: Blobs
    verifying: Verifying
    alerts: Alerts
    clock: Clock
    telemetry: Telemetry
    capture_lag_s: float

    async def watch(self) -> Account:
        """Draw up the account of the last days, note alerts, and return it.

        Raises:
            StorageUnavailable: nothing was noted; the next look comes.
        """
        account = await self.verifying.verify(Asked(start=await self._start()))
        noted = await documents.swap(self.blobs, LAST_LOOK_PATH, LastLook, lambda old: remembered(old, account))
        waiting = waits(noted, account, speed=self.clock.speed, limit_s=self.capture_lag_s)
        judgements = judge_capture(account, waiting, limit_s=self.capture_lag_s)
        is_wrong = any(one.verdict is Verdict.BREACH for one in judgements)
        path = await self._store(account) if is_wrong else ""
        look = Look(NONE, NONE, account.at, account.at, path)
        for alert, news in await self.alerts.note(judgements, look):
            self.telemetry.metric(f"alerts_{news}", 1, model=NONE, version=NONE)
            logger.warning("alert news", extra={"alert": alert.id, "news": str(news)})
        if account.hub_problem is None:
            self.telemetry.metric("capture_lag_s", max((one.seconds for one in waiting), default=0.0))
        self.telemetry.metric("spool_events", account.spool.waiting)
        self.telemetry.metric("account_missing_events", missing_events(account))
        logger.info("account drawn up", extra={"events": account.totals.events, "wrong": len(account.wrong)})
        return account

    async def _start(self) -> Hour | None:
        """Return the first hour of the account; None, for all there is, before anything was sealed.

        As long as it does not close it begins where it began then: what is wrong does not mend itself by growing old.
        """
        watermark = await documents.find(self.blobs, WATERMARK_PATH, Watermark)
        if watermark is None:
            return None
        last = await documents.find(self.blobs, LAST_LOOK_PATH, LastLook)
        usual = Hour.parse(f"{watermark.hour.start - LOOKED_BACK:%Y-%m-%d}T00")
        return usual if last is None or last.open_since is None else min(usual, Hour.parse(last.open_since))

    async def _store(self, account: Account) -> str:
        """Store an account that alerts speak of, and return where: the same trouble on one day is stored once."""
        trouble = " ".join(sorted(f"{one.what} {one.where}" for one in account.wrong))
        name = hashlib.sha256(trouble.encode()).hexdigest()[:16]
        path = f"monitoring/accounts/date={account.at:%Y-%m-%d}/{name}.json"
        with contextlib.suppress(BlobChanged):
            await self.blobs.create(path, documents.encode(account))
        return path

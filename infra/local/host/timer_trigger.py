"""Timers: ticks of the virtual calendar, one run at a time on one instance at a time."""

import asyncio
import logging
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime

from azure.core.exceptions import AzureError

from infra.local.host import leases, timer_status
from infra.local.host.invoking import Invoker, finish
from infra.local.host.payloads import timer_data
from infra.local.host.schedules import TimerStatus
from infra.local.host.storage import TimerBlobs
from infra.local.host.triggers import TimerTrigger
from shared.clock import Clock

logger = logging.getLogger(__name__)

_PAUSE_S = 2.0


@dataclass(slots=True, kw_only=True)
class TimerListener:
    """Drives one timer; ``active`` while this instance holds its lease."""

    trigger: TimerTrigger
    invoker: Invoker
    clock: Clock
    blobs: TimerBlobs
    lease_s: int
    active: bool = False
    _running: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def listen(self) -> None:
        """Compete for the lease and tick while it is held; a run under way is finished when this is cancelled."""
        while True:
            try:
                async with leases.held(self.blobs.lock, duration_s=self.lease_s) as lost:
                    logger.info("timer started", extra={"function": self.trigger.function.name})
                    self.active = True
                    await self._tick_until(lost)
            except AzureError as error:
                facts = {"function": self.trigger.function.name, "error": str(error)}
                logger.warning("timer has no storage", extra=facts)
            finally:
                self.active = False
            await asyncio.sleep(_PAUSE_S)

    async def run_now(self) -> None:
        """Run out of turn, after a run that is under way; the schedule does not notice."""
        async with self._running:
            data = timer_data(self.trigger.argument, status=None, past_due=False)
            await self.invoker.invoke_with_retries(self.trigger.function, data)

    async def _tick_until(self, lost: asyncio.Event) -> None:
        status = await self._starting_status()
        past_due = status is not None and status.missed(self.trigger.schedule, self.clock.now())
        if past_due or self.trigger.run_on_startup:
            await finish(self._run(past_due=past_due))
        while await self._reached(self.trigger.schedule.next_after(self.clock.now()), lost):
            await finish(self._run(past_due=False))

    async def _reached(self, tick: datetime, lost: asyncio.Event) -> bool:
        """Wait for ``tick``; return False if the lease was lost first."""
        # A sleep can end a moment early, and the same tick would then come twice.
        while not lost.is_set() and (ahead_s := self.clock.real_seconds_until(tick)) > 0.0:
            with suppress(TimeoutError):
                async with asyncio.timeout(ahead_s):
                    await lost.wait()
        return not lost.is_set()

    async def _run(self, *, past_due: bool) -> None:
        async with self._running:
            started = self.clock.now()
            status = await timer_status.load(self.blobs.status) if self.trigger.monitored else None
            data = timer_data(self.trigger.argument, status=status, past_due=past_due)
            await self.invoker.invoke_with_retries(self.trigger.function, data)
            if self.trigger.monitored:
                after = TimerStatus.after_run(self.trigger.schedule, started=started, now=self.clock.now())
                await timer_status.save(self.blobs.status, after)

    async def _starting_status(self) -> TimerStatus | None:
        """Return the stored status; a timer that has none gets one, so that its first missed tick is noticed."""
        if not self.trigger.monitored:
            return None
        status = await timer_status.load(self.blobs.status)
        if status is None:
            status = TimerStatus.initial(self.trigger.schedule, self.clock.now())
            await timer_status.save(self.blobs.status, status)
        return status

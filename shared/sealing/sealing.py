"""Seal what can be sealed, each hour after all earlier ones, then move the watermark."""

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from shared import documents
from shared.blobs import Blobs
from shared.capture.cursor import Cursors
from shared.capture.hub import Hub
from shared.capture.missing import dropped_unread
from shared.capture.records import DEAD_SHELF, Shelf
from shared.clock import Clock
from shared.errors import BlobChanged, Fault, StorageUnavailable
from shared.hours import Hour
from shared.sealing.days.rolling import Rolling
from shared.sealing.hours.chaining import MOST_GENERATION_BYTES, Chaining
from shared.sealing.hours.generations import Generations
from shared.sealing.hours.manifests import Manifests
from shared.sealing.hours.watermark import WATERMARK_PATH, Progress, Watermark, sealable_before
from shared.sealing.retention import Retention
from shared.sealing.tables.logs import Logs, is_log
from shared.telemetry import Telemetry

_LOGS = "captures/logs/"
_DEAD = "captures/dead/"

LONGEST_S: Final = 300.0
"""After that the next call goes on: past the host's ``functionTimeout`` the worker is ended, and requests with it.

Half of that time, since the generation under way is finished, and days and retention get their turn in any case.
"""


@dataclass(slots=True)
class Sealing:
    """Seals the hours of every kind, model and version.

    ``logs_kept`` is longer than an event can come late: hours that are older, and before the watermark, gain nothing.
    """

    blobs: Blobs
    hub: Hub
    cursors: Cursors
    manifests: Manifests
    generations: Generations
    clock: Clock
    telemetry: Telemetry
    grace: timedelta
    logs_kept: timedelta
    rolling: Rolling
    retention: Retention
    most_bytes: int = MOST_GENERATION_BYTES
    monotonic: Callable[[], float] = time.monotonic

    async def seal(self) -> int:
        """Seal every hour that can be, for some minutes, and return how many generations were written.

        Sealed hours whose logs have grown are added to. Where the time is over before everything is sealed, the watermark
        moves to the first hour that may not be, and the next call goes on there. Days that the watermark has passed are
        rolled up, and what has been kept long enough is deleted.

        Killed at any point and called again, it comes to the same state. Where one kind, model and version cannot be
        sealed, the others are; the watermark waits at its hour, because before it everything is sealed.

        Raises:
            ExceptionGroup: some hours could not be sealed, with the reasons.
            StorageUnavailable, EventsUnavailable: what was sealed stays sealed; the rest waits for the next call.
            BlobChanged: another one is sealing the same hour; likewise.
        """
        until = self.monotonic() + LONGEST_S
        before = await self._sealable_before()
        if before is None:
            return 0
        written = 0
        chains: dict[Shelf, Chaining] = {}
        failed: dict[Shelf, Fault] = {}
        sealed: dict[tuple[Shelf, str], dict[Hour, dict[str, int]]] = {}
        for logs in await self._logs_before(before):
            shelf = logs.shelf
            if shelf in failed:
                continue
            try:
                if await self._is_sealed(logs, sealed):
                    continue
                if shelf not in chains:
                    chains[shelf] = Chaining(shelf, self.blobs, self.manifests, self.generations, self.most_bytes)
                written += await chains[shelf].seal(logs, is_over=lambda: self.monotonic() > until)
            except (StorageUnavailable, BlobChanged):
                raise
            except Fault as fault:
                self.telemetry.exception(fault, model=shelf.model, version=shelf.version)
                failed[shelf] = fault
                before = min(before, logs.hour)
            if self.monotonic() > until:
                before = min(before, logs.hour)
                break
        watermark = await self._move_watermark(before)
        await self.rolling.roll_up(watermark.hour)
        await self.retention.apply(watermark.hour)
        if failed:
            raise ExceptionGroup("not every hour could be sealed", list(failed.values()))
        return written

    async def _is_sealed(self, logs: Logs, sealed: dict[tuple[Shelf, str], dict[Hour, dict[str, int]]]) -> bool:
        """Whether an hour has everything that is in its logs; ``sealed`` are the days that were looked up before."""
        day = logs.shelf, logs.hour.date
        if day not in sealed:
            manifests = await self.manifests.of(*day)
            sealed[day] = {hour: manifest.consumed for hour, manifest in manifests.items()}
        return not logs.beyond(sealed[day].get(logs.hour, {}))

    async def _sealable_before(self) -> Hour | None:
        now = self.clock.now()
        incarnation = await self.hub.incarnation()
        partitions = await self.hub.partitions()
        cursors = await asyncio.gather(
            *(dropped_unread(self.hub, self.cursors, incarnation, one) for one in partitions)
        )
        progress = [Progress(one, cursor) for one, cursor in zip(partitions, cursors, strict=True)]
        return sealable_before(progress, now=now, grace=self.grace)

    async def _logs_before(self, before: Hour) -> list[Logs]:
        """Return the logs of every hour before ``before``, earlier hours first."""
        found: defaultdict[tuple[Hour, Shelf], dict[str, int]] = defaultdict(dict)
        async for stored in self.blobs.under(_LOGS):
            found[Hour.at_path(stored.path), Shelf.at_path(stored.path)][stored.path] = stored.size_bytes
        for folder in await self._dead_days():
            async for stored in self.blobs.under(folder):
                if is_log(stored.path):
                    found[Hour.at_path(stored.path), DEAD_SHELF][stored.path] = stored.size_bytes
        ordered = sorted(found.items(), key=lambda one: one[0])
        return [Logs(shelf, hour, sizes) for (hour, shelf), sizes in ordered if hour < before]

    async def _dead_days(self) -> list[str]:
        """Return the folders of those days whose dead letters may not all be sealed: they are kept longer than logs."""
        watermark = await documents.find(self.blobs, WATERMARK_PATH, Watermark)
        if watermark is None:
            return await self.blobs.folders(_DEAD)
        oldest = min(watermark.hour, Hour.containing(self.clock.now() - self.logs_kept))
        return [folder for folder in await self.blobs.folders(_DEAD) if folder >= f"{_DEAD}date={oldest.date}/"]

    async def _move_watermark(self, before: Hour) -> Watermark:
        def forward(old: Watermark | None) -> Watermark:
            return old if old is not None and old.hour >= before else Watermark(before=before.key)

        return await documents.swap(self.blobs, WATERMARK_PATH, Watermark, forward)

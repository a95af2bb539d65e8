"""Seal what can be sealed, each hour after all earlier ones, then move the watermark."""

import asyncio
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import timedelta

from shared import documents
from shared.blobs import Blobs
from shared.capture.cursor import Cursors
from shared.capture.hub import Hub
from shared.capture.records import Shelf
from shared.clock import Clock
from shared.errors import BlobChanged, Fault, StorageUnavailable
from shared.hours import Hour
from shared.sealing.generations import Generations, Logs
from shared.sealing.hour import HourManifest, manifest_path
from shared.sealing.rolling import Rolling
from shared.sealing.watermark import WATERMARK_PATH, Progress, Watermark, sealable_before
from shared.telemetry import Telemetry


@dataclass(slots=True)
class Sealing:
    """Seals the hours of every kind, model and version."""

    blobs: Blobs
    hub: Hub
    cursors: Cursors
    generations: Generations
    clock: Clock
    telemetry: Telemetry
    grace: timedelta
    rolling: Rolling
    _manifests: dict[str, tuple[str, HourManifest]] = field(default_factory=dict)

    async def seal(self) -> int:
        """Seal every hour that can be, add to sealed ones whose logs have grown, and return how many were written.

        Days that the watermark has passed are rolled up.

        Killed at any point and called again, it comes to the same state. Where one kind, model and version cannot be
        sealed, the others are; the watermark waits at its hour, because before it everything is sealed.

        Raises:
            ExceptionGroup: some hours could not be sealed, with the reasons.
            StorageUnavailable, EventsUnavailable: what was sealed stays sealed; the rest waits for the next call.
            BlobChanged: another one is sealing the same hour; likewise.
        """
        before = await self._sealable_before()
        if before is None:
            return 0
        await self._read_changed_manifests()
        written = 0
        failed: dict[Shelf, Fault] = {}
        for logs in await self._logs_before(before):
            if logs.shelf in failed:
                continue
            try:
                written += await self._seal_hour(logs)
            except (StorageUnavailable, BlobChanged):
                raise
            except Fault as fault:
                self.telemetry.exception(fault, model=logs.shelf.model, version=logs.shelf.version)
                failed[logs.shelf] = fault
                before = min(before, logs.hour)
        watermark = await self._move_watermark(before)
        await self.rolling.roll_up(watermark.hour)
        if failed:
            raise ExceptionGroup("not every hour could be sealed", list(failed.values()))
        return written

    async def _seal_hour(self, logs: Logs) -> int:
        """Seal one hour, and return how many generations that took.

        More than one where an interrupted sealing left rows of a shorter log.
        """
        path = manifest_path(logs.shelf, logs.hour)
        _, sealed = self._manifests.get(path, ("", None))
        added = 0
        while logs.unconsumed(sealed):
            sealed = await self.generations.add(logs, sealed)
            # Without an ETag, it is read again before the next time.
            self._manifests[path] = "", sealed
            added += 1
        return added

    async def _sealable_before(self) -> Hour | None:
        now = self.clock.now()
        partitions = await self.hub.partitions()
        incarnation = await self.hub.incarnation()
        cursors = await asyncio.gather(*(self.cursors.read(incarnation, one.id) for one in partitions))
        progress = [Progress(one, cursor) for one, cursor in zip(partitions, cursors, strict=True)]
        return sealable_before(progress, now=now, grace=self.grace)

    async def _logs_before(self, before: Hour) -> list[Logs]:
        """Return the logs of every hour before ``before``, earlier hours first."""
        found: defaultdict[tuple[Hour, Shelf], dict[str, int]] = defaultdict(dict)
        async for stored in self.blobs.under("captures/logs/"):
            hour = Hour.at_path(stored.path)
            if hour < before:
                found[hour, Shelf.at_path(stored.path)][stored.path] = stored.size_bytes
        return [Logs(shelf, hour, sizes) for (hour, shelf), sizes in sorted(found.items(), key=lambda one: one[0])]

    async def _read_changed_manifests(self) -> None:
        async for stored in self.blobs.under("captures/hours/"):
            if not stored.path.endswith("/_manifest.json"):
                continue
            known = self._manifests.get(stored.path)
            if known is None or known[0] != stored.etag:
                manifest, etag = await documents.read(self.blobs, stored.path, HourManifest)
                self._manifests[stored.path] = (etag, manifest)

    async def _move_watermark(self, before: Hour) -> Watermark:
        def forward(old: Watermark | None) -> Watermark:
            return old if old is not None and old.hour >= before else Watermark(before=before.key)

        return await documents.swap(self.blobs, WATERMARK_PATH, Watermark, forward)

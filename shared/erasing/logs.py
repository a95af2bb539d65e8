"""Hour logs: a log that holds a subject is closed, sealed to its last byte, and deleted; the next roll carries its end.

Sealing leaves the subject out, because the hashes of its ids are written down before.
"""

import contextlib
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from shared import documents
from shared.blobs import Blobs, Stored
from shared.capture.cursor import Cursors
from shared.capture.hour_log import HourLogs
from shared.capture.hub import incarnation_named
from shared.capture.records import CONTROL, Kind, Shelf
from shared.erasing.place import lines
from shared.erasing.subject import Subject
from shared.errors import BlobMissing
from shared.hours import Hour
from shared.sealing.hours.chaining import Chaining
from shared.sealing.hours.hour import HourManifest
from shared.sealing.hours.passing import pass_over
from shared.sealing.paths import manifest_path
from shared.sealing.tables.logs import LogName, Logs, is_log

_LOGS: Final = "captures/logs/"
_LONGEST_HELD_UP: Final = timedelta(days=1)
"""Longer than any host lets a batch take."""


@dataclass(slots=True)
class Taking:
    """Takes logs away whose hour has everything that is in them."""

    blobs: Blobs
    logs: HourLogs
    cursors: Cursors
    chain: Callable[[Shelf], Chaining]
    waiting: list[str] = field(default_factory=list)
    """Logs that have to stay for now: capture has not moved its cursor over all of their events yet."""

    async def take(self, shelf: Shelf, hour: Hour, paths: list[str], *, under: str) -> None:
        """Close logs of an hour, all of which are ``under`` a folder, seal them, and delete them.

        Raises:
            BlobChanged: others were faster several times in a row.
            UnknownModel, InvalidDocument: the hour cannot be sealed as it is.
        """
        for path in paths:
            with contextlib.suppress(BlobMissing):  # retention was faster
                await self.logs.close(path)
        listed = {one.path: one async for one in self.blobs.under(under) if is_log(one.path)}
        sizes = {path: one.size_bytes for path, one in listed.items()}
        await self.chain(shelf).seal(Logs(shelf, hour, sizes))
        sealed = await documents.find(self.blobs, manifest_path(shelf, hour), HourManifest)
        for path in paths:
            log = listed.get(path)
            if log is None or sealed is None or sealed.consumed.get(path) != log.size_bytes:
                continue
            if await self._passed(hour, sealed, LogName.of(path)):
                await self.blobs.delete(path, etag=log.etag)
            else:
                self.waiting.append(path)

    async def _passed(self, hour: Hour, sealed: HourManifest, name: LogName) -> bool:
        """Whether the cursor of a log's partition is past everything that an hour has of it.

        The account counts up to the cursor, and of what is sealed above it only logs say the numbers. Where the hub is
        gone, the cursor is moved: nothing comes after it.
        """
        own = [one for one in sealed.account if (one.incarnation, one.partition) == (name.incarnation, name.partition)]
        cursor = await self.cursors.read(name.incarnation, str(name.partition))
        if cursor is None:
            return False
        for one in own:
            if cursor.sequence < one.last:
                if not await self._is_over(name.incarnation):
                    return False
                await pass_over(self.cursors, hour, one)
        return True

    async def _is_over(self, incarnation: str) -> bool:
        """Whether an incarnation is gone, and with it everybody who may still have had a batch of it."""
        over = incarnation_named(self.cursors.clock.now() - _LONGEST_HELD_UP)
        return incarnation < max(await self.cursors.incarnations()) <= over


@dataclass(slots=True)
class HourLogsPlace:
    """The logs of a model's predictions and actuals; those of failures hold no value."""

    blobs: Blobs
    taking: Taking
    name: str = "hour logs"

    async def find(self, subject: Subject, kind: Kind) -> Subject:
        """Return the subject with the ids known of what stands in logs."""
        ids: list[str] = []
        told_by: list[str] = []
        async for log in self._logs(subject.model, kind):
            version = _version(log.path)
            async for line in _records(self.blobs, log):
                if subject.has(line, version):
                    own, external_id = subject.ids_in(line)
                    ids += [own] if own else []
                    told_by += [external_id] if external_id and kind is Kind.PREDICTION else []
        return subject.knowing(ids, told_by)

    async def erase(self, subject: Subject, *, is_dry: bool) -> int:
        """Delete every log that holds a record of the subject, once it is sealed."""
        rows = 0
        holding: defaultdict[tuple[Shelf, Hour], list[str]] = defaultdict(list)
        for kind in (Kind.PREDICTION, Kind.ACTUAL):
            async for log in self._logs(subject.model, kind):
                version = _version(log.path)
                own = [line async for line in _records(self.blobs, log) if subject.has(line, version)]
                if own:
                    rows += len(own)
                    holding[Shelf.at_path(log.path), Hour.at_path(log.path)].append(log.path)
        if not is_dry:
            for (shelf, hour), paths in holding.items():
                await self.taking.take(shelf, hour, paths, under=f"{_LOGS}{shelf.folder}/{hour.folder}/")
        return rows

    async def _logs(self, model: str, kind: Kind) -> AsyncIterator[Stored]:
        async for stored in self.blobs.under(f"{_LOGS}kind={kind}/model={model}/"):
            if is_log(stored.path):
                yield stored


async def _records(blobs: Blobs, log: Stored) -> AsyncIterator[bytes]:
    """Yield the lines of records; none of a log that retention has taken since it was listed."""
    try:
        async for line in lines(blobs, log):
            if not line.startswith(CONTROL):
                yield line
    except BlobMissing:
        return


def _version(path: str) -> str:
    return Shelf.at_path(path).version

"""Delete what has been kept long enough: logs, dead letters, sealed hours, and what later stages say; the rest stays.

Cursors, gaps, the accounts of days and the chains are never deleted, and neither is the spool: what waits there is
nowhere else until Event Hubs has acknowledged it.

Every deletion is of what was looked at (its ETag), and their order leaves something that is read rightly wherever they
end: a log before those it goes on from, an hour's manifest before its rows, and a day's document last, because it says
what the hours were that are not there any more.
"""

import logging
from collections import defaultdict
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import astuple, dataclass, field
from datetime import timedelta
from functools import partial
from typing import Final

from shared import documents
from shared.blobs import Blobs, Stored
from shared.capture.cursor import Cursors
from shared.capture.records import DEAD_SHELF, Shelf
from shared.clock import Clock
from shared.errors import BlobChanged, BlobMissing, Fault, StorageUnavailable
from shared.hours import Hour, hours_of
from shared.sealing.days.day import Day, DayAccount
from shared.sealing.days.finding import rolled_up
from shared.sealing.hours.hour import HourManifest
from shared.sealing.hours.listing import dates, shelves
from shared.sealing.hours.manifests import Manifests
from shared.sealing.hours.passing import pass_over
from shared.sealing.paths import account_path, day_folder, day_path, manifest_path
from shared.sealing.tables.logs import LogName, is_log
from shared.telemetry import Telemetry

MOST_DELETED: Final = 2_000
"""So many blobs are deleted in one go; the rest waits for the next."""

_LOGS: Final = "captures/logs/"
_DEAD: Final = "captures/dead/"

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Periods:
    """How many days things are kept after their hour, or their day, has ended; 0 is forever."""

    logs: int
    hours: int
    dead: int


@dataclass(frozen=True, slots=True)
class Later:
    """What a later stage stored, and is kept for so many days; 0 is forever.

    ``expired`` finds, in groups, the blobs of it that may be deleted of the time before an hour, which begins a day.
    """

    days: int
    expired: Callable[[Hour], AsyncGenerator[list[Stored]]]


@dataclass(slots=True)
class Retention:
    """Deletes what has been kept long enough."""

    blobs: Blobs
    manifests: Manifests
    clock: Clock
    telemetry: Telemetry
    periods: Periods
    most: int = MOST_DELETED
    later: Sequence[Later] = ()
    _looked_through: dict[int, str] = field(default_factory=dict)

    async def apply(self, before: Hour) -> int:
        """Delete what may be of the time before the hour ``before``, the watermark; return how many blobs that were.

        Killed at any point, it goes on at the next call.

        Raises:
            ExceptionGroup: of some kinds, models and versions nothing could be deleted, with the reasons.
            StorageUnavailable: the rest waits for the next call.
        """
        deleted = 0
        failed: list[Fault] = []
        for groups in await self._expired(before):
            try:
                async with aclosing(groups):
                    async for group in groups:
                        deleted += await self._delete(group)
                        if deleted >= self.most:
                            break
            except StorageUnavailable:
                raise
            except Fault as fault:
                self.telemetry.exception(fault)
                failed.append(fault)
            if deleted >= self.most:
                break
        if deleted:
            self.telemetry.metric("retention_deleted_blobs", deleted)
            logger.info("retention applied", extra={"blobs": deleted})
        if failed:
            raise ExceptionGroup("not everything could be deleted", failed)
        return deleted

    async def _expired(self, before: Hour) -> list[AsyncGenerator[list[Stored]]]:
        """Return, for each kind, model and version, what finds the groups of blobs that may be deleted."""
        logs, hours, dead = (self._limit(days, before) for days in astuple(self.periods))
        found: list[AsyncGenerator[list[Stored]]] = []
        if logs is not None:
            of_logs = await shelves(self.blobs, _LOGS)
            found += [self._covered(f"{_LOGS}{shelf.folder}/", shelf, logs) for shelf in of_logs]
        if dead is not None:
            found.append(self._covered(_DEAD, DEAD_SHELF, dead))
        if hours is not None:
            found += [self._days(shelf, hours) for shelf in await shelves(self.blobs, "captures/days/")]
        for place, one in enumerate(self.later):
            limit = self._limit(one.days, before)
            if limit is not None:
                found.append(self._later(place, hours_of(limit.date)[0]))
        return found

    def _limit(self, days: int, before: Hour) -> Hour | None:
        """Return the hour before which everything has been kept for so many days; None where that is forever."""
        return min(before, Hour.containing(self.clock.now() - timedelta(days=days))) if days else None

    async def _covered(self, folder: str, shelf: Shelf, limit: Hour) -> AsyncGenerator[list[Stored]]:
        """Yield the logs of each hour that are sealed to their last byte."""
        for date in await dates(self.blobs, folder):
            if hours_of(date)[0] >= limit:
                return
            for hour, logs in (await self._by_hour(f"{folder}date={date}/")).items():
                if hour >= limit:
                    continue
                sealed = await self._manifest(shelf, hour)
                if is_covered(logs, sealed):
                    await self._pass(sealed)
                    yield sorted(logs, key=_roll, reverse=True)

    async def _pass(self, sealed: HourManifest | None) -> None:
        """Move cursors over what was sealed above them: its hub is gone, or has long let go of it."""
        if sealed is not None:
            for one in sealed.account:
                await pass_over(Cursors(self.blobs, self.clock), Hour.parse(sealed.hour), one)

    async def _days(self, shelf: Shelf, limit: Hour) -> AsyncGenerator[list[Stored]]:
        """Yield the blobs of each hour of each day, then those of the day."""
        for date in await dates(self.blobs, f"captures/days/{shelf.folder}/"):
            if hours_of(date)[1] > limit:
                return
            found = await rolled_up(documents.Reader(self.blobs), day_path(shelf, date))
            if found is None or await self._has_logs(shelf, date) or await self._has_grown(shelf, found.document):
                continue
            # All that is left once the day is gone; and no day is there that it does not hold, but for one held up. That
            # it was let go is written down as well: the period may be longer when somebody misses it.
            noting = partial(DayAccount.noting, found.document, is_let_go=True)
            await documents.swap(self.blobs, account_path(date), DayAccount, noting)
            folder = f"captures/hours/{shelf.folder}/date={date}/"
            for blobs in (await self._by_hour(folder)).values():
                yield sorted(blobs, key=lambda one: not one.path.endswith("/_manifest.json"))
            if not await self._by_hour(folder):
                of_day = [one async for one in self.blobs.under(day_folder(shelf, date))]
                yield sorted(of_day, key=lambda one: one.path.endswith("/_day.json"))

    async def _later(self, place: int, limit: Hour) -> AsyncGenerator[list[Stored]]:
        """Yield what a later stage lets go of; it is looked through to its end once a day, because it may be long."""
        if self._looked_through.get(place) == limit.date:
            return
        async with aclosing(self.later[place].expired(limit)) as groups:
            async for group in groups:
                yield group
        self._looked_through[place] = limit.date

    async def _by_hour(self, folder: str) -> dict[Hour, list[Stored]]:
        found: defaultdict[Hour, list[Stored]] = defaultdict(list)
        async for stored in self.blobs.under(folder):
            found[Hour.at_path(stored.path)].append(stored)
        return found

    async def _manifest(self, shelf: Shelf, hour: Hour) -> HourManifest | None:
        return await documents.find(self.blobs, manifest_path(shelf, hour), HourManifest)

    async def _has_logs(self, shelf: Shelf, date: str) -> bool:
        """Whether a day still has logs: sealing reads them, and what of them it has sealed is in the hours alone."""
        folder = _DEAD if shelf == DEAD_SHELF else f"{_LOGS}{shelf.folder}/"
        return any([is_log(one.path) async for one in self.blobs.under(f"{folder}date={date}/")])

    async def _has_grown(self, shelf: Shelf, day: Day) -> bool:
        """Whether an hour says something else than when the day was rolled up; hours that are gone say nothing."""
        known = {one.hour: one.sha256 for one in day.hours}
        hours = await self.manifests.between(shelf, *hours_of(day.date))
        return any(known.get(one.hour.key) != one.sha256 for one in hours)

    async def _delete(self, group: Sequence[Stored]) -> int:
        """Delete blobs one after the other, up to the first that has changed since it was looked at."""
        deleted = 0
        for stored in group:
            try:
                await self.blobs.delete(stored.path, etag=stored.etag)
            except (BlobChanged, BlobMissing):
                break
            deleted += 1
        return deleted


def is_covered(logs: Sequence[Stored], sealed: HourManifest | None) -> bool:
    """Whether an hour was made from every byte of its logs, and from no more.

    What sealing itself set aside among the dead letters is in no log: it is a part of events that are.
    """
    consumed = sealed.consumed if sealed else {}
    return all(one.size_bytes == consumed.get(one.path, 0) for one in logs if is_log(one.path))


def _roll(one: Stored) -> int:
    return LogName.of(one.path).roll if is_log(one.path) else 0

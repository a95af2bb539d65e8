"""Roll up each day that the watermark has passed, so that months are read as days.

``_day.json`` says what its hours say, so it must never stand beside hours that say more. It is made in two writes: an
empty one first, which is then replaced under its ETag. Whoever adds to an hour writes the intent into the chain and then
deletes the day's, empty or not. So an intent that is older than the empty one is seen in the chain, and one
that is newer takes the empty one away: either way the hours are read again later.
"""

import asyncio
import contextlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass

from shared import documents
from shared.blobs import Blobs
from shared.capture.records import Shelf
from shared.errors import BlobChanged, BlobMissing, Fault, StorageUnavailable
from shared.hours import Hour, hours_of
from shared.profiles import encoding
from shared.profiles.profile import Profile, merge
from shared.sealing.days.day import Day, DayAccount, DayHour, profile_file
from shared.sealing.hours.chain import Chain, Intent
from shared.sealing.hours.failures import added_up
from shared.sealing.hours.listing import dates, shelves
from shared.sealing.hours.manifests import Manifests, SealedHour
from shared.sealing.hours.tally import merged
from shared.sealing.paths import account_path, chain_path, day_folder, day_path, hour_folder
from shared.telemetry import Telemetry

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class Rolling:
    """Rolls up the days of every kind, model and version."""

    blobs: Blobs
    manifests: Manifests
    telemetry: Telemetry

    async def roll_up(self, before: Hour) -> int:
        """Roll up every day before the hour ``before`` that has sealed hours and is not, and return how many were.

        Killed at any point and called again, it comes to the same state. What it looks through are the names of days.

        Raises:
            ExceptionGroup: days of some kinds, models and versions could not be, with the reasons; the others were.
            StorageUnavailable: the rest waits for the next call.
        """
        rolled = 0
        failed: list[Fault] = []
        for shelf in await shelves(self.blobs, "captures/hours/"):
            try:
                for date in await self._missing(shelf, before):
                    rolled += await self._roll_up(shelf, date)
            except StorageUnavailable:
                raise
            except Fault as fault:
                self.telemetry.exception(fault, model=shelf.model, version=shelf.version)
                failed.append(fault)
        if failed:
            raise ExceptionGroup("not every day could be rolled up", failed)
        return rolled

    async def _missing(self, shelf: Shelf, before: Hour) -> list[str]:
        found = await dates(self.blobs, f"captures/hours/{shelf.folder}/")
        done = {
            one.path.split("/date=")[1].split("/")[0]
            async for one in self.blobs.under(f"captures/days/{shelf.folder}/")
            if one.path.endswith("/_day.json") and one.size_bytes
        }
        return [date for date in found if date not in done and hours_of(date)[1] <= before]

    async def _roll_up(self, shelf: Shelf, date: str) -> int:
        """Roll up one day, and return 1; 0 where another one did, or adds to it at this moment."""
        path = day_path(shelf, date)
        try:
            etag = await self.blobs.create(path, b"")
        except BlobChanged:
            try:
                begun = await self.blobs.read(path)
            except BlobMissing:
                return 0
            if begun.data:
                return 0
            etag = begun.etag
        chain = await documents.find(self.blobs, chain_path(shelf), Chain)
        hours = await self.manifests.between(shelf, *hours_of(date))
        # The profile of what is being erased holds what is on its way out.
        is_erasing = any(one.manifest.is_erasing for one in hours)
        if is_erasing or (chain is not None and _is_awaited(chain.intent, date, hours)):
            return 0
        try:
            if not hours:
                await self.blobs.delete(path, etag=etag)
                return 0
            day = _day(shelf, date, hours, await self._write_profile(shelf, date, hours))
            # Before the day: what has one is in the account, which is all that is left once retention has taken it.
            await documents.swap(self.blobs, account_path(date), DayAccount, lambda old: DayAccount.noting(day, old))
            await self.blobs.replace(path, documents.encode(day), etag=etag)
        except (BlobChanged, BlobMissing):
            return 0  # an hour gains a generation: the day is read again at the next call
        logger.info("day rolled up", extra={"shelf": shelf.folder, "date": date, "rows": day.rows})
        return 1

    async def _write_profile(self, shelf: Shelf, date: str, hours: Sequence[SealedHour]) -> str | None:
        """Write the merged profile of a day, and return its name; None where there is nothing that can be merged."""
        names = [
            f"{hour_folder(shelf, one.hour)}{generation.profile}" if generation.profile else None
            for one in hours
            for generation in one.manifest.generations
            if generation.footer.rows
        ]
        paths = [name for name in names if name is not None]
        bins = {path.rsplit("-", 1)[1] for path in paths}
        if len(bins) != 1 or len(paths) < len(names):
            return None
        contents = await asyncio.gather(*map(self.blobs.read, paths))
        data = await asyncio.to_thread(_merged, paths, [content.data for content in contents])
        name = profile_file(bins.pop(), data)
        with contextlib.suppress(BlobChanged):  # it is named by its content: the same one is there
            await self.blobs.create(f"{day_folder(shelf, date)}{name}", data)
        return name


def _is_awaited(intent: Intent, date: str, hours: Sequence[SealedHour]) -> bool:
    """Whether one of a day's hours is to gain a generation that it does not have yet."""
    generations = {one.hour.key: len(one.manifest.generations) for one in hours}
    return intent.date == date and generations.get(intent.hour, 0) <= intent.generation


def _merged(paths: Sequence[str], contents: Sequence[bytes]) -> bytes:
    first, *others = (encoding.decode(data, Profile, path=path) for path, data in zip(paths, contents, strict=True))
    whole = first
    for other in others:
        whole = merge(whole, other)
    return encoding.encode(whole)


def _day(shelf: Shelf, date: str, hours: Sequence[SealedHour], profile: str | None) -> Day:
    manifests = [one.manifest for one in hours]
    return Day(
        kind=shelf.kind,
        model=shelf.model,
        version=shelf.version,
        date=date,
        hours=tuple(map(_day_hour, hours)),
        account=merged(tally for one in manifests for tally in one.account),
        rows=sum(one.rows for one in manifests),
        doubles=sum(one.doubles for one in manifests),
        unreadable=sum(one.unreadable for one in manifests),
        imported=sum(one.imported for one in manifests),
        erased=sum(one.erased for one in manifests),
        profile=profile,
        failures=added_up(one.failures for one in manifests),
    )


def _day_hour(one: SealedHour) -> DayHour:
    return DayHour(
        hour=one.hour.key,
        sha256=one.sha256,
        generations=len(one.manifest.generations),
        rows=one.manifest.rows,
        min_id=one.manifest.min_id,
        max_id=one.manifest.max_id,
    )

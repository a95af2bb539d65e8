"""What turned out, for whoever asks: the actual that counts of each prediction, and how many there are."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

import pyarrow as pa

from shared import documents
from shared.actuals.counting import Counts, added_up
from shared.actuals.joined_hour import JoinedFile, JoinedHour, read
from shared.actuals.known import Known
from shared.actuals.paths import joined_folder, joined_path, model_folder, progress_path
from shared.actuals.progress import Progress
from shared.actuals.sources import Mark, Sources
from shared.actuals.status import DAYS, Status, VersionStatus
from shared.blobs import Blobs
from shared.bounded import each
from shared.capture.records import Kind, Shelf
from shared.documents import Found, Reader
from shared.errors import BlobChanged, BlobMissing
from shared.hours import Hour, dates_of
from shared.registry.manifest import Manifest
from shared.sealing.hours.hour import readable
from shared.sealing.hours.listing import dates
from shared.sealing.hours.manifests import Manifests
from shared.sealing.hours.watermark import WATERMARK_PATH, Watermark
from shared.sealing.paths import unjoined_folder

_READS_AT_ONCE: Final = 4
_MEETINGS: Final = 5


@dataclass(frozen=True, slots=True)
class Joined:
    """Predictions of some hours beside what turned out.

    Attributes:
        rows: the actual that counts of each prediction that has one, by hour and id; columns as a joined hour has them,
            and ``hour``, its key.
        predictions: how many predictions of these hours are sealed, joined or not.
        inputs: the SHA-256 of every joined hour's manifest, by path.
    """

    rows: pa.Table
    predictions: int
    inputs: dict[str, str]


@dataclass(frozen=True, slots=True)
class HourCounts:
    """One hour of a version: how many predictions are sealed, and what was joined to them."""

    hour: Hour
    predictions: int
    counts: Counts

    @property
    def joined(self) -> int:
        """Return how many of the predictions have an actual."""
        return self.counts.joined


@dataclass(frozen=True, slots=True)
class JoinedAt:
    """One file of joined rows: of which hour of predictions, where it is, and what the manifest says of it."""

    hour: Hour
    path: str
    file: JoinedFile


@dataclass(slots=True)
class Joins:
    """Reads joined hours; a manifest that has not changed is not read again."""

    blobs: Blobs
    manifests: Manifests
    _reader: Reader = field(init=False)

    def __post_init__(self) -> None:
        self._reader = Reader(self.blobs)

    async def between(
        self,
        manifest: Manifest,
        first: Hour,
        end: Hour,
        *,
        as_of: datetime | None = None,
        within: timedelta | None = None,
        columns: Sequence[str] | None = None,
    ) -> Joined:
        """Return what turned out of the predictions of the hours from ``first`` up to ``end``, which is not among them.

        Args:
            manifest: of the version that made them.
            first: the first hour of predictions.
            end: the first that is not wanted any more.
            as_of: as it was known then: only actuals that were enqueued before it.
            within: as it was known so long after each prediction.
            columns: names of columns of ``Joined.rows``, in the order they are wanted; all of them when None.

        Raises:
            InvalidDocument: rows or a manifest were damaged.
            BlobChanged: files were merged while they were read, several times in a row.
        """
        known = Known(as_of=as_of, within=within, columns=columns)
        sealed = await self.manifests.between(_shelf(manifest), first, end)
        hours = await self._hours(manifest, first, end)

        async def rows_of(found: Found[JoinedHour]) -> tuple[Found[JoinedHour], pa.Table] | None:
            try:
                return await self._counting(manifest, found, known)
            except BlobMissing:  # retention took the hour since it was listed
                return None

        read_hours = [one for one in await each(hours, rows_of, at_once=_READS_AT_ONCE) if one is not None]
        rows = pa.concat_tables([known.schema(manifest).empty_table(), *(rows for _, rows in read_hours)])
        return Joined(
            rows,
            sum(hour.manifest.rows for hour in sealed),
            {_path(found.document): found.sha256 for found, _ in read_hours},
        )

    async def counts(self, manifest: Manifest, first: Hour, end: Hour) -> list[HourCounts]:
        """Return what is joined of each hour of predictions that is sealed, in their order; from manifests alone.

        Raises:
            InvalidDocument: a manifest was damaged.
        """
        sealed = {one.hour: one.manifest.rows for one in await self.manifests.between(_shelf(manifest), first, end)}
        joined = {Hour.parse(one.document.hour): one.document.counts for one in await self._hours(manifest, first, end)}
        return [HourCounts(hour, rows, joined.get(hour, Counts())) for hour, rows in sorted(sealed.items())]

    async def inputs(self, manifest: Manifest, first: Hour, end: Hour) -> dict[str, str]:
        """Return what ``between`` would return as its inputs, without a row being read.

        Raises:
            InvalidDocument: a manifest was damaged.
        """
        return {_path(found.document): found.sha256 for found in await self._hours(manifest, first, end)}

    async def is_joined(self, model: str, first: Hour, end: Hour) -> bool:
        """Whether all predictions and actuals are joined that are sealed of the hours from ``first`` up to ``end``.

        Raises:
            InvalidDocument: a manifest was damaged.
        """
        return not await self.waiting(model, lambda mark: mark.hour.is_within(first, end))

    async def waiting(self, model: str, is_wanted: Callable[[Mark], bool]) -> int:
        """Return how many generations, of those whose mark is wanted, are sealed and not joined.

        What is marked and stands in no manifest is not sealed: its sealer is between the two, or ended there, or retention
        took it. The join passes over it as well.

        Raises:
            InvalidDocument: a manifest was damaged.
        """
        sources = Sources(self.blobs, self.manifests, model)
        marks = [mark for kind in (Kind.PREDICTION, Kind.ACTUAL) for mark in await sources.marks(kind)]
        return sum([await sources.generation(mark) is not None for mark in marks if is_wanted(mark)])

    async def files(self, manifest: Manifest, first: Hour, end: Hour) -> list[JoinedAt]:
        """Return the files of the joined hours of predictions from ``first`` up to ``end``, by hour.

        What is joined later adds files and merges others, which then go: whoever finds one missing asks again.

        Raises:
            InvalidDocument: a manifest was damaged.
        """
        return [
            JoinedAt(hour, f"{joined_folder(manifest.model, manifest.version, hour)}{file.file}", file)
            for found in await self._hours(manifest, first, end)
            for hour in [Hour.parse(found.document.hour)]
            for file in found.document.files
        ]

    async def first_hour(self, manifest: Manifest) -> Hour | None:
        """Return the first hour of predictions that something is joined to; None where there is none."""
        for date in await dates(self.blobs, f"{model_folder(manifest.model)}version={manifest.version}/"):
            folder = f"{model_folder(manifest.model)}version={manifest.version}/date={date}/"
            hours = await self.blobs.folders(folder)
            if hours:
                return Hour.at_path(hours[0])
        return None

    async def status(self, model: str) -> Status:
        """Return how the join of a model stands; of its versions, the last 30 days before the watermark.

        Raises:
            InvalidDocument: a manifest, or the progress, was damaged.
        """
        progress = await documents.find(self.blobs, progress_path(model), Progress) or Progress()
        watermark = await documents.find(self.blobs, WATERMARK_PATH, Watermark)
        counts: list[Counts] = []
        versions: list[VersionStatus] = []
        for folder in await self.blobs.folders(f"captures/hours/kind={Kind.PREDICTION}/model={model}/"):
            shelf = Shelf.at_path(folder)
            listed = await self._under(f"{model_folder(model)}version={shelf.version}/", lambda _: True)
            counts += [one.document.counts for one in listed]
            if watermark is not None:
                first, end = watermark.hour.plus(-24 * DAYS), watermark.hour
                sealed = await self.manifests.between(shelf, first, end)
                recent = [one.document for one in listed if Hour.parse(one.document.hour).is_within(first, end)]
                of_them = added_up(one.counts for one in recent)
                predictions = sum(one.manifest.rows for one in sealed)
                versions.append(VersionStatus(shelf.version, predictions, of_them.joined, of_them.delays))
        return Status(
            model,
            progress.received,
            await self._unjoined(model),
            progress.waiting,
            progress.unknown,
            progress.listed,
            added_up(counts),
            versions,
        )

    async def _unjoined(self, model: str) -> int:
        """Return how many generations wait to be joined."""
        folders = [unjoined_folder(kind, model) for kind in (Kind.PREDICTION, Kind.ACTUAL)]
        return sum([not one.size_bytes for folder in folders async for one in self.blobs.under(folder)])

    async def _hours(self, manifest: Manifest, first: Hour, end: Hour) -> list[Found[JoinedHour]]:
        """Return the manifests of joined hours, in their order."""
        folder = f"{model_folder(manifest.model)}version={manifest.version}/"
        found: list[Found[JoinedHour]] = []
        for date in dates_of(first, end):
            found += await self._under(f"{folder}date={date}/", lambda one: first <= one < end)
        return found

    async def _under(self, folder: str, is_wanted: Callable[[Hour], bool]) -> list[Found[JoinedHour]]:
        listed = [
            stored
            async for stored in self.blobs.under(folder)
            if stored.path.endswith("/_manifest.json") and is_wanted(Hour.at_path(stored.path))
        ]

        async def one(path: str, etag: str) -> Found[JoinedHour] | None:
            try:
                return await self._reader.read(path, JoinedHour, etag=etag)
            except BlobMissing:  # retention took it since it was listed
                return None

        read_hours = await each(listed, lambda stored: one(stored.path, stored.etag))
        return [hour for hour in read_hours if hour is not None]

    async def _counting(
        self, manifest: Manifest, found: Found[JoinedHour], known: Known
    ) -> tuple[Found[JoinedHour], pa.Table]:
        """Return the rows of a joined hour that count, and the manifest that names them."""
        stored = known.stored(manifest)
        for _ in range(_MEETINGS):
            hour = found.document
            folder = joined_folder(hour.model, hour.version, Hour.parse(hour.hour))
            try:
                parts = [await self._read(f"{folder}{file.file}", stored.names) for file in hour.files]
            except BlobMissing:  # they were merged since the manifest was read
                found = await self._reader.read(_path(hour), JoinedHour)
                continue
            whole = pa.concat_tables([stored.empty_table(), *parts])
            rows = await asyncio.to_thread(known.counting, whole, hour=hour.hour)
            return found, rows.select(known.schema(manifest).names)
        raise BlobChanged(_path(found.document))

    async def _read(self, path: str, names: Sequence[str]) -> pa.Table:
        data = (await self.blobs.read(path)).data
        with readable(path):
            return await asyncio.to_thread(read, data, names)


def _shelf(manifest: Manifest) -> Shelf:
    return Shelf(Kind.PREDICTION, manifest.model, manifest.version)


def _path(hour: JoinedHour) -> str:
    return joined_path(hour.model, hour.version, Hour.parse(hour.hour))

"""What is sealed, found: the hours and the days of one kind, model and version."""

import asyncio
import hashlib
from dataclasses import dataclass

from shared import documents
from shared.blobs import Blobs
from shared.capture.records import Shelf
from shared.errors import BlobMissing
from shared.hours import Hour
from shared.sealing.day import Day, date_of, day_path, hours_of
from shared.sealing.hour import HourManifest


@dataclass(frozen=True, slots=True)
class SealedHour:
    """One hour's manifest, where it is, and the SHA-256 of its bytes."""

    hour: Hour
    path: str
    sha256: str
    manifest: HourManifest


@dataclass(frozen=True, slots=True)
class RolledUp:
    """A day's document, where it is, and the SHA-256 of its bytes."""

    path: str
    sha256: str
    day: Day


async def shelf_folders(blobs: Blobs, folder: str) -> list[str]:
    """Return the folders of all kinds, models and versions under ``folder``, from there and without a slash at the end."""
    found = [folder]
    for _ in ("kind", "model", "version"):
        deeper = await asyncio.gather(*map(blobs.folders, found))
        found = [one for some in deeper for one in some]
    return [one.removeprefix(folder).removesuffix("/") for one in found]


async def shelves(blobs: Blobs, folder: str) -> list[Shelf]:
    """Return every kind, model and version that has something under ``folder``, which ends in a slash."""
    return [Shelf.at_path(one) for one in await shelf_folders(blobs, folder)]


async def dates(blobs: Blobs, folder: str) -> list[str]:
    """Return the dates right below ``folder``, which ends in a slash, in their order."""
    return [one.split("/date=")[1].rstrip("/") for one in await blobs.folders(folder) if "/date=" in one]


async def sealed_hours(blobs: Blobs, shelf: Shelf, first: Hour, end: Hour) -> list[SealedHour]:
    """Return the hours from ``first`` up to ``end``, which is not among them, that have a manifest, in their order."""
    found: list[SealedHour] = []
    hour = first
    while hour < end:
        date = date_of(hour)
        following = min(hours_of(date)[1], end)
        found += await _of_a_day(blobs, shelf, date, hour, following)
        hour = following
    return found


async def rolled_up(blobs: Blobs, shelf: Shelf, date: str) -> RolledUp | None:
    """Return a day's document; None where there is none, or one that is only begun: the day's hours are read then."""
    path = day_path(shelf, date)
    try:
        data = (await blobs.read(path)).data
    except BlobMissing:
        return None
    if not data:
        return None
    return RolledUp(path, hashlib.sha256(data).hexdigest(), documents.decode(data, Day, path=path))


async def _of_a_day(blobs: Blobs, shelf: Shelf, date: str, first: Hour, end: Hour) -> list[SealedHour]:
    folder = f"captures/hours/{shelf.folder}/date={date}/"
    paths = [one.path async for one in blobs.under(folder) if one.path.endswith("/_manifest.json")]
    wanted = [(Hour.at_path(path), path) for path in paths]
    read = await asyncio.gather(*(_manifest(blobs, hour, path) for hour, path in wanted if first <= hour < end))
    return [one for one in read if one is not None]


async def _manifest(blobs: Blobs, hour: Hour, path: str) -> SealedHour | None:
    try:
        data = (await blobs.read(path)).data
    except BlobMissing:  # retention took it since it was listed
        return None
    return SealedHour(hour, path, hashlib.sha256(data).hexdigest(), documents.decode(data, HourManifest, path=path))

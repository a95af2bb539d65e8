"""Which kinds, models, versions and dates there is something of."""

import asyncio

from shared.blobs import Blobs
from shared.capture.records import Shelf
from shared.hours import Hour, dates_of


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


async def has_hours(blobs: Blobs, shelf: Shelf, first: Hour, end: Hour) -> bool:
    """Whether something is sealed of the hours from ``first`` up to ``end``, which is not among them."""
    for date in dates_of(first, end):
        folders = await blobs.folders(f"captures/hours/{shelf.folder}/date={date}/")
        if any(first <= Hour.at_path(folder) < end for folder in folders):
            return True
    return False


async def first_hour(blobs: Blobs, shelf: Shelf) -> Hour | None:
    """Return the first hour of which something is sealed; None where there is none."""
    for date in await dates(blobs, f"captures/hours/{shelf.folder}/"):
        folders = await blobs.folders(f"captures/hours/{shelf.folder}/date={date}/")
        if folders:
            return Hour.at_path(folders[0])
    return None

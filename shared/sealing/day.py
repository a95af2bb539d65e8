"""What is stored of a day whose hours are all sealed, so that months are read as days."""

import msgspec

from shared.capture.records import Shelf
from shared.documents import Document
from shared.hours import Hour
from shared.sealing.tally import Tally


class DayHour(msgspec.Struct, frozen=True, kw_only=True):
    """One hour of a day, as its manifest was when the day was rolled up; ``sha256`` is of the manifest's bytes."""

    hour: str
    sha256: str
    generations: int
    rows: int
    min_id: str | None
    max_id: str | None


class Day(Document, frozen=True, kw_only=True):
    """Those hours of a day that have a manifest, rolled up, of one kind, model and version.

    Attributes:
        account: of all its hours' events, one tally for each incarnation and partition.
        imported: how many of the rows were imported, and so came in no event.
        profile: the merged profile's file beside it, and its digest of bins by which it is found; None without rows or
            for kinds that have none.
    """

    kind: str
    model: str
    version: str
    date: str
    hours: tuple[DayHour, ...]
    account: tuple[Tally, ...]
    rows: int
    doubles: int
    unreadable: int
    imported: int
    profile: str | None


class ShelfAccount(msgspec.Struct, frozen=True, kw_only=True):
    """What one kind, model and version had in a day."""

    account: tuple[Tally, ...]
    rows: int
    doubles: int
    unreadable: int
    imported: int


class DayAccount(Document, frozen=True, kw_only=True):
    """The account of one day, by shelf; nothing deletes it, so that what retention took away is still accounted for."""

    date: str
    shelves: dict[str, ShelfAccount]


def date_of(hour: Hour) -> str:
    """Return the date an hour belongs to.

    >>> date_of(Hour.parse("2026-03-01T09"))
    '2026-03-01'
    """
    return f"{hour.start:%Y-%m-%d}"


def day_folder(shelf: Shelf, date: str) -> str:
    """Return where a rolled-up day is, ending in a slash."""
    return f"captures/days/{shelf.folder}/date={date}/"


def day_path(shelf: Shelf, date: str) -> str:
    """Return where a rolled-up day's document is."""
    return f"{day_folder(shelf, date)}_day.json"


def account_path(date: str) -> str:
    """Return where the account of a day is."""
    return f"captures/account/date={date}.json"

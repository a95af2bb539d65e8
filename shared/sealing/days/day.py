"""What is stored of a day whose hours are all sealed, so that months are read as days."""

import hashlib

import msgspec

from shared.capture.records import Kind, Shelf
from shared.documents import Document
from shared.sealing.hours.failures import FailureCount
from shared.sealing.hours.tally import Tally


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
        erased: how many records were erased, or came again after that.
        profile: the merged profile's file beside it, as ``profile_file`` names it; None without rows, for kinds that have
            none, and where hours are profiled over different bins.
        failures: how its requests failed; None of other kinds than failures, and where not every hour says so.
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
    erased: int = 0
    failures: tuple[FailureCount, ...] | None = None


class ShelfAccount(msgspec.Struct, frozen=True, kw_only=True):
    """What one kind, model and version had in a day; ``is_let_go`` once retention deletes its hours, or has."""

    account: tuple[Tally, ...]
    rows: int
    doubles: int
    unreadable: int
    imported: int
    erased: int = 0
    is_let_go: bool = False


class DayAccount(Document, frozen=True, kw_only=True):
    """The account of one day, by the shelf's folder; nothing deletes it.

    So what retention took away is still accounted for. While a day's hours are there, they or its ``_day.json`` say more:
    an hour that gains a generation is in here again once its day is rolled up.
    """

    date: str
    shelves: dict[str, ShelfAccount]

    @classmethod
    def noting(cls, day: Day, old: "DayAccount | None", *, is_let_go: bool = False) -> "DayAccount":
        """Return the account of a date with a shelf's entry replaced by what its day says.

        An account never shrinks, because hours only gain, and what is erased is counted. So an entry that has more, or of
        as many more that are erased, is the newer one, and stays: whoever brings the older one was held up. What was let go stays so: nothing brings it back.
        """
        shelf = Shelf(Kind(day.kind), day.model, day.version).folder
        entry = ShelfAccount(
            account=day.account,
            rows=day.rows,
            doubles=day.doubles,
            unreadable=day.unreadable,
            imported=day.imported,
            erased=day.erased,
        )
        shelves = old.shelves if old else {}
        known = shelves.get(shelf)
        if known is not None:
            is_let_go |= known.is_let_go
            entry = known if _size(known) > _size(entry) else entry
        entry = msgspec.structs.replace(entry, is_let_go=is_let_go)
        return cls(date=day.date, shelves=dict(sorted({**shelves, shelf: entry}.items())))


def _size(entry: ShelfAccount) -> tuple[int, int]:
    events = sum(one.events for one in entry.account)
    return events + entry.rows + entry.doubles + entry.unreadable + entry.erased, entry.erased


def profile_file(bins: str, data: bytes) -> str:
    """Return the name of a day's profile: the digest of its bins, and of its bytes.

    A day that is rolled up again gets another file, so that a reader who has the old document finds the old one.
    """
    return f"_profile-{bins}-{hashlib.sha256(data).hexdigest()[:16]}"


def is_named_after(profile: str, data: bytes) -> bool:
    """Whether a day's profile has the bytes that its name, or its path, says.

    >>> is_named_after(profile_file("5f2a", b"{}"), b"{}")
    True
    """
    return profile.endswith(f"-{hashlib.sha256(data).hexdigest()[:16]}")


def is_counted_over(profile: str, bins: str) -> bool:
    """Whether the profile with this name is counted over the bins with this digest.

    >>> is_counted_over(profile_file("5f2a", b""), "5f2a")
    True
    """
    return profile.startswith(f"_profile-{bins}-")

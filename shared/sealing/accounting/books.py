"""What the account is drawn up from, as storage has it: listings, manifests, days."""

from collections.abc import AsyncIterator, Awaitable, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeVar

from shared.blobs import Blobs, Stored
from shared.bounded import each
from shared.capture.records import DEAD_SHELF
from shared.documents import Document, Found, Reader
from shared.errors import BlobMissing, InvalidDocument
from shared.hours import Hour
from shared.sealing.accounting.account import Discrepancy
from shared.sealing.days.day import Day, DayAccount
from shared.sealing.days.finding import rolled_up
from shared.sealing.hours.chain import Chain
from shared.sealing.hours.hour import HourManifest
from shared.sealing.hours.listing import shelf_folders
from shared.sealing.tables.logs import is_log

DEAD_FOLDER: Final = DEAD_SHELF.folder
"""Where the hours of dead letters are sealed; their logs have a place of their own."""

DEAD_LOGS: Final = "captures/dead/"
_LOGS: Final = "captures/logs/"
_HOURS: Final = "captures/hours/"
_DAYS: Final = "captures/days/"
_ACCOUNTS: Final = "captures/account/"
_MANIFEST: Final = "_manifest.json"

D = TypeVar("D", bound=Document)


@dataclass(slots=True)
class ShelfHour:
    """One hour of one shelf: its logs and the files of its folder as they were listed, and its manifest.

    Logs are by path, files by name. Without a manifest the hour is not sealed.
    """

    shelf: str
    hour: Hour
    logs: dict[str, Stored] = field(default_factory=dict)
    files: dict[str, Stored] = field(default_factory=dict)
    manifest: HourManifest | None = None
    sha256: str = ""

    @property
    def folder(self) -> str:
        """Return where it is sealed, ending in a slash."""
        return f"{_HOURS}{self.shelf}/{self.hour.folder}/"

    @property
    def date(self) -> str:
        """Return the date it belongs to."""
        return self.hour.date


@dataclass(slots=True)
class Stock:
    """Everything that was found of some dates; ``days`` by shelf and date, ``accounts`` by date.

    ``beside_days`` are the paths of the files in the folders of days.
    """

    hours: dict[tuple[str, Hour], ShelfHour] = field(default_factory=dict)
    days: dict[tuple[str, str], Found[Day]] = field(default_factory=dict)
    beside_days: set[str] = field(default_factory=set)
    accounts: dict[str, DayAccount] = field(default_factory=dict)
    wrong: list[Discrepancy] = field(default_factory=list)

    def hour(self, shelf: str, hour: Hour) -> ShelfHour:
        """Return an hour, which is there from now on."""
        return self.hours.setdefault((shelf, hour), ShelfHour(shelf, hour))

    @property
    def dates(self) -> list[str]:
        """Return the dates that there is anything of, in their order."""
        found = {one.date for one in self.hours.values()} | {date for _, date in self.days} | set(self.accounts)
        return sorted(found)


@dataclass(slots=True)
class Books:
    """Reads them; what did not change since it was last read is not read again."""

    blobs: Blobs
    _reader: Reader = field(init=False)

    def __post_init__(self) -> None:
        self._reader = Reader(self.blobs)

    async def stock(self, dates: Sequence[str] | None) -> Stock:
        """Return what there is of some dates, or of all.

        The order matters while the system runs. Days come before manifests: a day that is read and whose hours then gain
        a generation was deleted before, so looking at it again tells the two cases apart. Logs are listed before
        manifests: what was sealed in between is seen as sealed, once, and a log that retention deleted in between is
        covered by the manifest that is read after. The other way round, an hour that was sealed in between and whose log
        was deleted would be seen neither as sealed nor as a log.
        """
        stock = Stock()
        shelves = None if dates is None else await self._shelves()
        await self._read_days(stock, dates, shelves)
        async for stored in self._under(_LOGS, dates, shelves):
            self._put_log(stock, _shelf_of(stored.path), stored)
        async for stored in self._under(DEAD_LOGS, dates, [""]):
            self._put_log(stock, DEAD_FOLDER, stored)
        manifests: list[tuple[ShelfHour, Stored]] = []
        async for stored in self._under(_HOURS, dates, shelves):
            if "/hour=" not in stored.path:
                # A shelf's chain: nothing of the account, but where it cannot be read nothing is sealed any more.
                await self.document(stored.path, Chain, stock.wrong, etag=stored.etag)
                continue
            one = stock.hour(_shelf_of(stored.path), Hour.at_path(stored.path))
            name = stored.path.rsplit("/", 1)[1]
            one.files[name] = stored
            if name == _MANIFEST:
                manifests.append((one, stored))

        async def read(listed: tuple[ShelfHour, Stored]) -> None:
            one, stored = listed
            found = await self.document(stored.path, HourManifest, stock.wrong, etag=stored.etag)
            if found is not None:
                one.manifest, one.sha256 = found.document, found.sha256

        await each(manifests, read)
        return stock

    async def look_again(self, one: ShelfHour) -> None:
        """Read an hour's manifest anew."""
        found = await self.document(f"{one.folder}{_MANIFEST}", HourManifest, [])
        one.manifest, one.sha256 = (found.document, found.sha256) if found is not None else (None, "")

    async def day(self, path: str, wrong: list[Discrepancy], *, etag: str | None = None) -> Found[Day] | None:
        """Return a rolled-up day as ``document`` does; None of one that is being made as well."""
        return await _noted(rolled_up(self._reader, path, etag=etag), path, wrong)

    async def document(
        self, path: str, kind: type[D], wrong: list[Discrepancy], *, etag: str | None = None
    ) -> Found[D] | None:
        """Return a document; None where there is none, or none that can be read.

        Args:
            path: where it is.
            kind: what it is.
            wrong: where it is noted that it cannot be read.
            etag: of the newest bytes, as a listing said; None to read them in any case.
        """
        return await _noted(self._reader.read(path, kind, etag=etag), path, wrong)

    async def dates(self) -> list[str]:
        """Return the dates that there may be anything of, in their order."""
        found: set[str] = set()
        async for stored in self.blobs.under(_ACCOUNTS):
            found.add(_date_of(stored.path))
        shelves = await self._shelves()
        roots = [DEAD_LOGS, *(f"{root}{shelf}/" for root in (_LOGS, _HOURS) for shelf in shelves)]

        async def look(root: str) -> None:
            found.update(_date_of(folder) for folder in await self.blobs.folders(root) if "/date=" in folder)

        await each(roots, look)
        return sorted(found)

    async def _read_days(self, stock: Stock, dates: Sequence[str] | None, shelves: Sequence[str] | None) -> None:
        listed = [one async for one in self._under(_DAYS, dates, shelves)]
        stock.beside_days.update(one.path for one in listed)
        # An empty one is being made.
        days = [one for one in listed if one.path.endswith("/_day.json") and one.size_bytes]
        accounts = [
            one async for one in self.blobs.under(_ACCOUNTS) if dates is None or _date_of(one.path) in set(dates)
        ]

        async def read_day(stored: Stored) -> None:
            found = await self.day(stored.path, stock.wrong, etag=stored.etag)
            if found is not None:
                stock.days[_shelf_of(stored.path), _date_of(stored.path)] = found

        async def read_account(stored: Stored) -> None:
            found = await self.document(stored.path, DayAccount, stock.wrong, etag=stored.etag)
            if found is not None:
                stock.accounts[_date_of(stored.path)] = found.document

        await each(days, read_day)
        await each(accounts, read_account)

    def _put_log(self, stock: Stock, shelf: str, stored: Stored) -> None:
        if is_log(stored.path):
            stock.hour(shelf, Hour.at_path(stored.path)).logs[stored.path] = stored

    async def _shelves(self) -> list[str]:
        """Return the folders of all kinds, models and versions that there is anything of, whatever they are called."""
        return sorted({folder for root in (_LOGS, _HOURS, _DAYS) for folder in await shelf_folders(self.blobs, root)})

    async def _under(
        self, root: str, dates: Sequence[str] | None, shelves: Sequence[str] | None
    ) -> AsyncIterator[Stored]:
        """Yield what is under ``root``, of some dates or of all; ``shelves`` are those there are."""
        if dates is None or shelves is None:
            async for stored in self.blobs.under(root):
                yield stored
            return
        prefixes = [f"{root}{shelf}{'/' if shelf else ''}date={date}/" for shelf in shelves for date in dates]
        found: dict[str, list[Stored]] = {}

        async def look(prefix: str) -> None:
            found[prefix] = [stored async for stored in self.blobs.under(prefix)]

        await each(prefixes, look)
        for prefix in prefixes:
            for stored in found[prefix]:
                yield stored


async def _noted(reading: Awaitable[Found[D] | None], path: str, wrong: list[Discrepancy]) -> Found[D] | None:
    """Return what is read; None of what is not there, and of what cannot be read, which is noted."""
    try:
        return await reading
    except BlobMissing:
        return None
    except InvalidDocument as invalid:
        mend = "restore it from a backup; sealing does not write it anew while it is there"
        wrong.append(Discrepancy(what="unreadable", where=path, why=str(invalid), mend=mend))
        return None


def _shelf_of(path: str) -> str:
    """Return the kind, model and version a path lies under, as it says them."""
    return "/".join(part for part in path.split("/") if part.startswith(("kind=", "model=", "version=")))


def _date_of(path: str) -> str:
    return path.split("date=", 1)[1][:10]

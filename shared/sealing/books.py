"""What the account is drawn up from, as storage has it: listings, manifests, days."""

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeVar

from shared import documents
from shared.blobs import Blobs, Stored
from shared.documents import Document
from shared.errors import BlobMissing, InvalidDocument
from shared.hours import Hour
from shared.sealing.account import Discrepancy
from shared.sealing.chain import Chain
from shared.sealing.day import Day, DayAccount
from shared.sealing.finding import shelf_folders
from shared.sealing.hour import HourManifest
from shared.sealing.logs import is_log

DEAD_SHELF: Final = "kind=_dead/model=_none/version=_none"
"""Where the hours of dead letters are sealed; their logs have a place of their own."""

DEAD_LOGS: Final = "captures/dead/"
READS_AT_ONCE: Final = 32
_REMEMBERED: Final = 5_000
_LOGS: Final = "captures/logs/"
_HOURS: Final = "captures/hours/"
_DAYS: Final = "captures/days/"
_ACCOUNTS: Final = "captures/account/"
_MANIFEST: Final = "_manifest.json"

T = TypeVar("T")
R = TypeVar("R")
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
        return self.hour.key[:10]


@dataclass(slots=True)
class Stock:
    """Everything that was found of some dates; ``days`` by shelf and date, ``accounts`` by date.

    ``beside_days`` are the paths of the files in the folders of days.
    """

    hours: dict[tuple[str, Hour], ShelfHour] = field(default_factory=dict)
    days: dict[tuple[str, str], tuple[Day, str]] = field(default_factory=dict)
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
    _known: OrderedDict[str, tuple[str, bytes]] = field(default_factory=OrderedDict)

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
            self._put_log(stock, DEAD_SHELF, stored)
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
                one.manifest, one.sha256 = found

        await each(manifests, read)
        return stock

    async def look_again(self, one: ShelfHour) -> None:
        """Read an hour's manifest anew."""
        found = await self.document(f"{one.folder}{_MANIFEST}", HourManifest, [])
        one.manifest, one.sha256 = found or (None, "")

    async def day(self, path: str, wrong: list[Discrepancy], *, etag: str | None = None) -> tuple[Day, str] | None:
        """Return a rolled-up day as ``document`` does; None of one that is being made as well."""
        problems: list[Discrepancy] = []
        found = await self.document(path, Day, problems, etag=etag)
        known = self._known.get(path)
        if problems and known is not None and known[1]:
            wrong += problems
        return found

    async def document(
        self, path: str, kind: type[D], wrong: list[Discrepancy], *, etag: str | None = None
    ) -> tuple[D, str] | None:
        """Return a document with the SHA-256 of its bytes; None where there is none, or none that can be read.

        Args:
            path: where it is.
            kind: what it is.
            wrong: where it is noted that it cannot be read.
            etag: of the newest bytes, as a listing said; None to read them in any case.
        """
        before = self._known.get(path)
        try:
            data = before[1] if before is not None and before[0] == etag else await self._read(path)
            return documents.decode(data, kind, path=path), hashlib.sha256(data).hexdigest()
        except BlobMissing:
            return None
        except InvalidDocument as invalid:
            mend = "restore it from a backup; sealing does not write it anew while it is there"
            wrong.append(Discrepancy(what="unreadable", where=path, why=str(invalid), mend=mend))
            return None

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

    async def _read(self, path: str) -> bytes:
        content = await self.blobs.read(path)
        self._known[path] = content.etag, content.data
        self._known.move_to_end(path)
        if len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)
        return content.data

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
                stock.accounts[_date_of(stored.path)] = found[0]

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


async def each(
    items: Iterable[T],
    do: Callable[[T], Awaitable[R]],
    *,
    at_once: int = READS_AT_ONCE,
    done: Callable[[int, int], None] | None = None,
) -> list[R]:
    """Return what ``do`` returns for every item, so many of them under way at once.

    Raises:
        ExceptionGroup: of what it raised first, and what else was under way.
    """
    waiting = list(enumerate(items))
    total = len(waiting)
    waiting.reverse()
    found: dict[int, R] = {}

    async def work() -> None:
        while waiting:
            index, item = waiting.pop()
            found[index] = await do(item)
            if done is not None:
                done(len(found), total)

    async with asyncio.TaskGroup() as group:
        for _ in range(min(at_once, total)):
            group.create_task(work())
    return [found[index] for index in range(total)]


def _shelf_of(path: str) -> str:
    """Return the kind, model and version a path lies under, as it says them."""
    return "/".join(part for part in path.split("/") if part.startswith(("kind=", "model=", "version=")))


def _date_of(path: str) -> str:
    return path.split("date=", 1)[1][:10]

"""Draw up the account from what is stored, while the system runs.

The order of reading is what keeps a running system from looking broken, and a broken one from looking whole:

1. What the hub has, so that what comes in meanwhile is not taken for something that waits.
2. The cursors. Capture moves them after its appends, so all that they cover is in the logs that are listed after them;
   what was appended since is above them and is not counted.
3. The gaps, which are written before a cursor passes them.
4. The watermark, which moves after its hours were sealed.
5. Days, logs, manifests (see ``Books.stock``), then the bytes of logs that no manifest covers.

So nothing is missing because it was read too early, and what moves from a log to an hour meanwhile is counted in one
place. Where a listing is older than what names its blobs, the blob itself is asked before anything is said.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

import msgspec

from shared.blobs import Blobs
from shared.bounded import each
from shared.capture.cursor import Cursor
from shared.capture.gap import Gap
from shared.capture.hub import Hub
from shared.clock import Clock
from shared.hours import Hour
from shared.sealing.accounting import discrepancies
from shared.sealing.accounting.account import (
    Account,
    Booked,
    Discrepancy,
    PartitionAccount,
    Span,
    Totals,
    by_partition,
    closes,
    differences,
    gap_tallies,
    unaccepted,
)
from shared.sealing.accounting.asked import Asked, begins_in, dates_of, is_sought
from shared.sealing.accounting.books import Books, ShelfHour, Stock
from shared.sealing.accounting.counting import Counted, Counting, Unsealed
from shared.sealing.accounting.depth import Depth
from shared.sealing.accounting.files import Files
from shared.sealing.accounting.state import HubState, State, not_begun
from shared.sealing.accounting.summing import HoursKept, from_account, problems_of_account, problems_of_day
from shared.sealing.hours.tally import Tally

_LOOKS: Final = 3

Done = Callable[[int, int], None]
"""Is told how many hours were read, of how many."""


@dataclass(slots=True)
class _Found:
    """What was found of the hours that were asked for, and ``beside`` them, so far as it says where they begin and end."""

    booked: list[Booked] = field(default_factory=list)
    beside: list[Booked] = field(default_factory=list)
    totals: Totals = field(default_factory=Totals)
    wrong: list[Discrepancy] = field(default_factory=list)
    hours: list[tuple[ShelfHour, Counted]] = field(default_factory=list)
    profiles_of_days: list[str] = field(default_factory=list)
    written_down: list[Tally] = field(default_factory=list)


@dataclass(slots=True)
class Verifying:
    """Draws up accounts; one after the other reads only what changed."""

    blobs: Blobs
    hub: Hub
    clock: Clock
    spool_max_age_s: float
    hours_kept_days: int
    books: Books = field(init=False)
    _unsealed: dict[str, Unsealed] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.books = Books(self.blobs)

    async def verify(self, asked: Asked, *, done: Done | None = None) -> Account:
        """Draw up the account.

        An erasure takes rows and their logs away between two reads, which looks as if something were wrong: then it is
        drawn up again, and where it still does not close, an erasure that goes on is said to.

        Raises:
            StorageUnavailable: storage could not be read.
        """
        state = State(self.hub, self.books)
        for look in range(_LOOKS):
            before = await state.erasures()
            account = await self._draw_up(asked, done)
            if all(one.what == discrepancies.HALF_ERASED for one in account.wrong):
                break
            changed = [one for one in await state.erasures() if not one.is_done or one not in before]
            if not changed:
                break
            if look == _LOOKS - 1:
                wrong = (discrepancies.erasing(changed[0].path), *account.wrong)
                account = msgspec.structs.replace(account, wrong=wrong)
        return account

    async def _draw_up(self, asked: Asked, done: Done | None) -> Account:
        at = self.clock.now()
        state = State(self.hub, self.books)
        found = _Found()
        hub = await state.ask_hub()
        cursors = await state.cursors(found.wrong)
        gaps = await state.gaps(found.wrong)
        sealed = await state.sealed(found.wrong)
        counting = Counting(self.books, cursors, sealed, asked.is_deep, known=self._unsealed)
        stock = await self.books.stock(dates_of(asked, at))
        found.wrong += stock.wrong
        await self._add_up(stock, asked, counting, found, done)
        await self._look_beside(asked, cursors, counting, found)
        self._unsealed = counting.unsealed
        for whose in sorted(counting.without_cursor):
            if whose not in await state.cursors([]):
                found.wrong.append(discrepancies.no_cursor(*whose))
        partitions = self._partitions(asked, hub, cursors, gaps, found)
        depth = Depth(self.blobs)
        if asked.is_deep:
            spans = [Span(one.incarnation, one.partition, one.first, one.last) for one in partitions]
            found.wrong += await depth.check(found.hours, spans, gaps, unread=found.written_down)
            found.wrong += await depth.check_days(found.profiles_of_days)
        found.wrong += [discrepancies.gap(gap) for gap in unaccepted(gaps) if asked.touches(gap, partitions)]
        spool = await state.spool()
        if spool.oldest_s is not None and spool.oldest_s > self.spool_max_age_s:
            found.wrong.append(discrepancies.old_spool(spool.waiting, spool.oldest_s, self.spool_max_age_s))
        return Account(
            at=at,
            start=asked.start.key if asked.start else None,
            end=asked.end.key if asked.end else None,
            is_deep=asked.is_deep,
            hub_problem=hub.problem,
            partitions=tuple(partitions),
            gaps=tuple(gaps),
            spool=spool,
            totals=found.totals,
            wrong=tuple(found.wrong),
            missing=tuple(depth.missing),
        )

    async def _add_up(
        self, stock: Stock, asked: Asked, counting: Counting, found: _Found, done: Done | None = None
    ) -> None:
        """Count every hour, or what was written down of a day whose hours are gone."""
        kept = HoursKept(self.hours_kept_days, self.clock.now())
        by_day: dict[tuple[str, str], list[ShelfHour]] = {}
        for one in stock.hours.values():
            by_day.setdefault((one.shelf, one.date), []).append(one)
        for date, account in stock.accounts.items():
            for shelf in account.shelves:
                by_day.setdefault((shelf, date), [])
        to_count: list[ShelfHour] = []
        for (shelf, date), hours in sorted(by_day.items()):
            noted = stock.accounts[date].shelves.get(shelf) if date in stock.accounts else None
            if noted is not None and (noted.is_let_go or kept.may_be_gone(date)):
                booked, totals = from_account(shelf, date, noted)
                is_asked = asked.has(Hour.parse(f"{date}T00"))
                (found.booked if is_asked else found.beside).extend(booked)
                found.totals += totals if is_asked else Totals()
                found.written_down += [one.tally for one in booked if is_asked]
                continue
            to_count += hours
            if asked.has(Hour.parse(f"{date}T00")) or asked.has(Hour.parse(f"{date}T23")):
                found.wrong += await self._problems_of_day(stock, shelf, date, hours)
                found.profiles_of_days += _profile_of_day(stock, shelf, date)
        files = Files(self.blobs, counting.sealed)

        async def count(one: ShelfHour) -> tuple[Counted, list[Discrepancy]]:
            return await counting.hour(one), await files.check(one)

        for one, (counted, wrong) in zip(to_count, await each(to_count, count, done=done), strict=True):
            if not asked.has(one.hour):
                found.beside += counted.booked
                continue
            found.booked += counted.booked
            found.totals += counted.totals
            found.wrong += [*counted.wrong, *wrong]
            found.hours.append((one, counted))

    async def _problems_of_day(
        self, stock: Stock, shelf: str, date: str, hours: Sequence[ShelfHour]
    ) -> list[Discrepancy]:
        """Compare a day with its hours; one that was deleted or rolled up again meanwhile says nothing wrong."""
        wrong = list(problems_of_account(shelf, date, stock.accounts.get(date), hours))
        known = stock.days.get((shelf, date))
        if known is not None:
            path = f"captures/days/{shelf}/date={date}/_day.json"
            problems = list(problems_of_day(path, known.document, hours))
            profiles = _profile_of_day(stock, shelf, date)
            problems += [discrepancies.file_missing(one) for one in profiles if one not in stock.beside_days]
            if problems:
                again = await self.books.day(path, [])
                wrong += problems if again is not None and again.sha256 == known.sha256 else []
        return wrong

    async def _look_beside(
        self, asked: Asked, cursors: dict[tuple[str, int], Cursor], counting: Counting, found: _Found
    ) -> None:
        """Find the last numbers before what was asked for, and the first after it: a day at a time, as far as needed."""
        if asked.start is None and asked.end is None:
            return
        dates = await self.books.dates()
        # Of a partition that begins in these hours there is nothing before them: it would be sought in all there is.
        begun = {whose for whose, some in by_partition(found.booked).items() if begins_in(some, cursors.get(whose))}

        def seek(*, before: bool) -> bool:
            known = {
                (one.tally.incarnation, one.tally.partition)
                for one in found.beside
                if (asked.start is not None and one.hour < asked.start) == before
            }
            known |= begun if before else set()
            return any(
                is_sought(cursor, asked, before=before) for whose, cursor in cursors.items() if whose not in known
            )

        if asked.start is not None:
            for date in reversed([date for date in dates if date < asked.start.key[:10]]):
                if not seek(before=True):
                    break
                await self._add_up(await self.books.stock([date]), asked, counting, found)
        if asked.end is not None:
            for date in [date for date in dates if date > asked.end.key[:10]]:
                if not seek(before=False):
                    break
                await self._add_up(await self.books.stock([date]), asked, counting, found)

    def _partitions(
        self,
        asked: Asked,
        hub: HubState,
        cursors: dict[tuple[str, int], Cursor],
        gaps: Sequence[Gap],
        found: _Found,
    ) -> list[PartitionAccount]:
        live = hub.incarnation or max((incarnation for incarnation, _ in cursors), default=None)
        booked, beside = by_partition(found.booked), by_partition(found.beside)
        accounts: list[PartitionAccount] = []
        for (incarnation, partition), cursor in sorted(cursors.items()):
            is_live = incarnation == live
            inside = booked.get((incarnation, partition), [])
            span = Span(incarnation, partition, cursor.first, cursor.sequence)
            if inside or is_sought(cursor, asked, before=True):
                near = beside.get((incarnation, partition), [])
                span = span.narrowed(near, start=asked.start, end=asked.end)
            elif is_live:
                span = span.after()
            else:
                continue  # it ended before the hours that were asked for
            is_whole = closes(span, (one.tally for one in inside), gaps)
            if not is_whole:
                found.wrong += [discrepancies.numbers(span, *one) for one in differences(span, inside, gaps)]
            said = hub.partitions.get(partition) if is_live else None
            accounts.append(
                PartitionAccount(
                    incarnation=incarnation,
                    partition=partition,
                    is_live=is_live,
                    cursor=cursor.sequence,
                    moved_at=cursor.at,
                    newest_at=said.last_enqueued_at if said is not None else None,
                    first=span.first,
                    last=span.last,
                    events=sum(one.tally.events for one in inside),
                    lost=sum(one.events for one in gap_tallies(span, gaps)),
                    in_flight=max(0, said.last_sequence - cursor.sequence) if said is not None else None,
                    closes=is_whole,
                )
            )
        return [*accounts, *not_begun(hub, cursors)]


def _profile_of_day(stock: Stock, shelf: str, date: str) -> list[str]:
    """Return the path of a rolled-up day's profile, where it has one."""
    known = stock.days.get((shelf, date))
    return [f"captures/days/{shelf}/date={date}/{known.document.profile}"] if known and known.document.profile else []

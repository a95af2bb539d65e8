"""Count one hour of one shelf: from its manifest what is sealed, from its logs what is not."""

import asyncio
import hashlib
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from shared.blobs import Stored
from shared.capture.cursor import Cursor
from shared.errors import BlobMissing
from shared.hours import Hour
from shared.sealing.accounting import discrepancies
from shared.sealing.accounting.account import Booked, Discrepancy, Totals
from shared.sealing.accounting.books import DEAD_FOLDER, DEAD_LOGS, Books, ShelfHour
from shared.sealing.accounting.places import Places
from shared.sealing.hours.hour import Generation
from shared.sealing.hours.tally import Tally, merged, tally
from shared.sealing.tables.logs import LogName

_READ_BYTES: Final = 8 * 1024 * 1024
_READ_LOGS_AT_ONCE: Final = 8

Whose: TypeAlias = tuple[str, int]
"""Incarnation and partition."""


@dataclass(frozen=True, slots=True)
class Sealed:
    """What is known of the watermark: the hour before which everything is sealed, and storage's time when it moved."""

    before: Hour
    moved_at: datetime

    def should_have(self, hour: Hour, stored: Stored) -> bool:
        """Whether what was stored of an hour was there when the watermark moved past it, and so must be sealed.

        Storage's times are whole seconds.
        """
        return hour < self.before and stored.modified_at <= self.moved_at


@dataclass(slots=True)
class Counted:
    """What was found in one hour.

    Attributes:
        booked: its events up to the cursors.
        wrong: what is wrong with its files.
        totals: its part of the account's.
        numbers: those of its events as far as logs were read whole, by incarnation and partition; for a deep account.
        lines: by generation, how many lines of records its logs had; None where not all of them are there any more, so
            that its numbers are not among ``numbers``.
    """

    booked: list[Booked] = field(default_factory=list)
    wrong: list[Discrepancy] = field(default_factory=list)
    totals: Totals = field(default_factory=Totals)
    numbers: defaultdict[Whose, list[NDArray[np.int64]]] = field(default_factory=lambda: defaultdict(list))
    lines: dict[int, int | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Unsealed:
    """What a log has from ``start`` to ``end``, beyond what is sealed of it."""

    start: int
    end: int
    places: Places


@dataclass(frozen=True, slots=True)
class _Part:
    """A range of a log that was read; ``is_whole`` unless the log ends before it does."""

    places: Places
    sha256: str
    is_whole: bool


@dataclass(slots=True)
class Counting:
    """Counts hours up to ``cursors``; ``is_deep`` reads the logs of sealed hours again.

    ``without_cursor`` are those who had events and no cursor when the cursors were read. ``unsealed`` are the logs as far
    as they were read beyond what is sealed; with those of an earlier account, ``known``, only what was appended since is read.
    """

    books: Books
    cursors: Mapping[Whose, Cursor]
    sealed: Sealed | None
    is_deep: bool
    known: Mapping[str, Unsealed] = field(default_factory=dict)
    unsealed: dict[str, Unsealed] = field(default_factory=dict)
    without_cursor: set[Whose] = field(default_factory=set)
    _reading: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_READ_LOGS_AT_ONCE))

    async def hour(self, one: ShelfHour) -> Counted:
        """Count one hour.

        A log that was listed and is gone was deleted because a manifest covers it, so that is read again; where it does
        not, the sums will say so.
        """
        while True:
            try:
                return await self._count(one)
            except BlobMissing as gone:
                await self.books.look_again(one)
                del one.logs[gone.path]

    async def _count(self, one: ShelfHour) -> Counted:
        found = Counted()
        generations = one.manifest.generations if one.manifest is not None else ()
        sealed = [each for generation in generations for each in await self._count_sealed(one, generation, found)]
        unsealed = await self._count_unsealed(one, found)
        found.wrong += discrepancies.rolls_missing(set(one.logs) | set(one.manifest.consumed if one.manifest else ()))
        found.booked = [Booked(one.hour, each) for each in merged([*sealed, *unsealed])]
        events = sum(each.tally.events for each in found.booked)
        manifest = one.manifest
        found.totals = Totals(
            events=events,
            unsealed_events=sum(each.events for each in unsealed),
            dead_letters=events if one.shelf == DEAD_FOLDER else 0,
            rows=manifest.rows if manifest and one.shelf != DEAD_FOLDER else 0,
            imported=manifest.imported if manifest else 0,
            doubles=manifest.doubles if manifest else 0,
            unreadable=manifest.unreadable if manifest else 0,
            erased=manifest.erased if manifest else 0,
            hours=int(manifest is not None),
        )
        return found

    async def _count_sealed(self, one: ShelfHour, generation: Generation, found: Counted) -> list[Tally]:
        """Return what a generation has up to the cursors.

        Where it has more, because capture was killed between an append and its cursor, the numbers up to the cursor are
        counted from the logs: they are there, because nothing is deleted that the hub may still deliver again.
        """
        account = generation.footer.account
        ahead = {_whose(each) for each in account if each.last > self._cursor(_whose(each))}
        numbers, lines = await self._recount(one, generation, found, only=None if self.is_deep else ahead)
        if self.is_deep:
            found.lines[generation.number] = lines
            recounted = merged(each for each in (tally(*whose, some) for whose, some in numbers.items()) if each)
            if lines is not None and recounted != merged(account):
                found.wrong.append(discrepancies.recount_differs(one.folder, generation.number))
        tallies: list[Tally] = []
        for each in account:
            counted = self._up_to_cursor(_whose(each), numbers[_whose(each)])
            if lines is not None:
                found.numbers[_whose(each)].append(np.array(counted, dtype=np.int64))
            own = tally(*_whose(each), counted) if _whose(each) in ahead else each
            tallies += [own] if own is not None else []
        return tallies

    async def _recount(
        self, one: ShelfHour, generation: Generation, found: Counted, *, only: Collection[Whose] | None
    ) -> tuple[defaultdict[Whose, list[int]], int | None]:
        """Return the numbers in the logs a generation was made from, and how many lines; None where a log is gone."""
        numbers: defaultdict[Whose, list[int]] = defaultdict(list)
        lines: int | None = 0
        for part in generation.footer.consumed:
            name = LogName.of(part.log)
            if only is not None and (name.incarnation, name.partition) not in only:
                continue
            if part.log not in one.logs:
                lines = None
                continue
            read = await self._read(one.logs[part.log], name, part.start, part.end)
            found.wrong += [discrepancies.bad_line(part.log, why) for why in read.places.problems]
            numbers[name.incarnation, name.partition] += read.places.numbers
            lines = None if lines is None or not read.is_whole else lines + read.places.lines
            if read.is_whole and read.sha256 != part.sha256:
                found.wrong.append(discrepancies.changed_log(part))
        return numbers, lines

    async def _count_unsealed(self, one: ShelfHour, found: Counted) -> list[Tally]:
        """Return what stands in the logs beyond what was sealed, up to the cursors."""
        consumed = one.manifest.consumed if one.manifest is not None else {}
        tallies: list[Tally] = []
        for path, stored in sorted(one.logs.items()):
            name = LogName.of(path)
            start = consumed.get(path, 0)
            if stored.size_bytes == start:
                continue
            if stored.size_bytes < start:
                size = await self._size(stored, start)
                if size < start:
                    found.wrong.append(discrepancies.torn_log(path, size, start))
                continue
            places = await self._read_on(stored, name, start)
            found.wrong += [discrepancies.bad_line(path, why) for why in places.problems]
            whose = name.incarnation, name.partition
            numbers = self._up_to_cursor(whose, places.numbers)
            found.numbers[whose].append(np.array(numbers, dtype=np.int64))
            own = tally(*whose, numbers)
            tallies += [own] if own is not None else []
            if self.sealed is not None and self.sealed.should_have(one.hour, stored):
                found.wrong.append(discrepancies.not_sealed(path, start, stored.size_bytes))
        return tallies

    def _cursor(self, whose: Whose) -> int:
        cursor = self.cursors.get(whose)
        if cursor is None:
            self.without_cursor.add(whose)
            return -1
        return cursor.sequence

    def _up_to_cursor(self, whose: Whose, numbers: list[int]) -> list[int]:
        cursor = self._cursor(whose)
        return [number for number in numbers if number <= cursor]

    async def _read_on(self, log: Stored, name: LogName, start: int) -> Places:
        """Read a log from ``start`` on, as far as it was not read before."""
        known = self.known.get(log.path)
        if known is None or known.start != start or known.end > log.size_bytes or self.is_deep:
            known = Unsealed(start, start, Places(name, is_dead=log.path.startswith(DEAD_LOGS)))
        before = known.places  # stays as it is, should reading break off
        places = replace(before, numbers=list(before.numbers), problems=list(before.problems))
        async with self._reading:
            await self._feed(log, known.end, log.size_bytes, places.feed)
        places.end()
        self.unsealed[log.path] = Unsealed(start, log.size_bytes, places)
        return places

    async def _read(self, log: Stored, name: LogName, start: int, end: int) -> _Part:
        """Read a range of a log, or as much of it as there is."""
        places, digest = Places(name, is_dead=log.path.startswith(DEAD_LOGS)), hashlib.sha256()
        async with self._reading:
            there = min(end, await self._size(log, end))
            await self._feed(log, start, there, places.feed, digest.update)
        places.end()
        return _Part(places, digest.hexdigest(), there == end)

    async def _feed(self, log: Stored, start: int, end: int, *takers: Callable[[bytes], None]) -> None:
        for position in range(start, end, _READ_BYTES):
            data = await self.books.blobs.read_range(log.path, start=position, end=min(position + _READ_BYTES, end))
            for take in takers:
                await asyncio.to_thread(take, data)

    async def _size(self, log: Stored, expected: int) -> int:
        """Return how long a log is: the listing is older than the manifest, so what falls short is asked again."""
        if log.size_bytes >= expected:
            return log.size_bytes
        return (await self.books.blobs.read_end(log.path, most_bytes=1)).size_bytes


def _whose(one: Tally) -> Whose:
    return one.incarnation, one.partition

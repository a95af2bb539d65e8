"""The account: what must be there of each partition, what was found, and whether the two are the same.

From where a partition's capture began up to its cursor every number must be there once: in sealed hours, in logs of hours
that are not sealed yet, or in a gap that is written down. What is held against each other is count, sum and sum of
squares (see ``tally``); hour by hour too, so that what is wrong can be told with its place.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec

from shared.capture.gap import Gap, uncovered
from shared.documents import Document
from shared.hours import Hour
from shared.sealing.hours.tally import Tally, contiguous


class Discrepancy(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is not as it must be.

    Attributes:
        what: a stable name of the kind of trouble.
        where: a path, or ``<incarnation>/p<partition>``.
        why: what was found there, for a person.
        mend: what to do about it.
    """

    what: str
    where: str
    why: str
    mend: str


class PartitionAccount(msgspec.Struct, frozen=True, kw_only=True):
    """One partition of one incarnation, over the numbers from ``first`` to ``last``.

    Attributes:
        is_live: whether it is of the hub's present incarnation.
        events: how many were found, one that was found twice counted twice.
        lost: how many numbers are in gaps.
        in_flight: how many the hub had above the cursor; None where that is unknown: of a dead incarnation, and where the
            hub could not be asked.
        closes: whether every number was found once or is in a gap.
        cursor: up to where everything was captured; above ``last`` where the hours asked for end before.
        moved_at: when the cursor was last written; None where there is none yet.
        newest_at: the hub's time of the newest event it had; None where that is unknown, or there was none.
    """

    incarnation: str
    partition: int
    is_live: bool
    cursor: int
    moved_at: datetime | None
    newest_at: datetime | None
    first: int
    last: int
    events: int
    lost: int
    in_flight: int | None
    closes: bool

    @property
    def name(self) -> str:
        """Return what it is called, in discrepancies and in the paths of gaps."""
        return f"{self.incarnation}/p{self.partition}"


class Span(msgspec.Struct, frozen=True):
    """Numbers of one partition, from ``first`` to ``last``: those that must be there, or are missing."""

    incarnation: str
    partition: int
    first: int
    last: int

    @property
    def name(self) -> str:
        """Return what it is called, in discrepancies and in the paths of gaps."""
        return f"{self.incarnation}/p{self.partition}"

    def narrowed(self, booked: Sequence["Booked"], *, start: Hour | None, end: Hour | None) -> "Span":
        """Return what of it must be in the hours from ``start`` up to ``end``, which is not among them.

        The times of a partition never run backwards. So what is in these hours begins after the last number before them
        and ends before the first number after them: a number that is lost at a border is theirs.
        """
        before = [one.tally.last for one in booked if start is not None and one.hour < start]
        after = [one.tally.first for one in booked if end is not None and one.hour >= end]
        first = max(before) + 1 if before else self.first
        last = min(after) - 1 if after else self.last
        return Span(self.incarnation, self.partition, first, last)

    def after(self) -> "Span":
        """Return what comes after it, which is nothing yet."""
        return Span(self.incarnation, self.partition, self.last + 1, self.last)


class SpoolState(msgspec.Struct, frozen=True, kw_only=True):
    """What waits in the spool; ``oldest_s`` is in real seconds, None where nothing waits."""

    waiting: int
    oldest_s: float | None


class Totals(msgspec.Struct, frozen=True, kw_only=True):
    """What the account adds up to.

    Attributes:
        events: found up to the cursors; ``unsealed_events`` of them in hours that are not sealed yet, and
            ``dead_letters`` of them without a readable record, or without a place.
        rows: at rest; ``imported`` of them came in no event.
        doubles: records that were left out because they were there already.
        unreadable: records that sealing set aside.
        erased: records that were erased, or came again after that.
        hours: sealed hours that were read, of all kinds, models and versions.
    """

    events: int = 0
    unsealed_events: int = 0
    dead_letters: int = 0
    rows: int = 0
    imported: int = 0
    doubles: int = 0
    unreadable: int = 0
    erased: int = 0
    hours: int = 0

    def __add__(self, other: "Totals") -> "Totals":
        mine, its = msgspec.structs.astuple(self), msgspec.structs.astuple(other)
        return Totals(**dict(zip(self.__struct_fields__, map(sum, zip(mine, its, strict=True)), strict=True)))


class Account(Document, frozen=True, kw_only=True):
    """The account as it was drawn up; ``start`` and ``end`` are hours, and None means from the beginning and to the end.

    ``hub_problem`` says why the hub could not be asked. That is said and is no fault of the account: nothing in it
    depends on the hub but what is in flight. ``missing`` are the numbers that a deep account did not find.
    """

    at: datetime
    start: str | None
    end: str | None
    is_deep: bool
    hub_problem: str | None
    partitions: tuple[PartitionAccount, ...]
    gaps: tuple[Gap, ...]
    spool: SpoolState
    totals: Totals
    wrong: tuple[Discrepancy, ...]
    missing: tuple[Span, ...] = ()

    @property
    def closes(self) -> bool:
        """Whether nothing is wrong."""
        return not self.wrong


@dataclass(frozen=True, slots=True)
class Booked:
    """Events that were found in one hour, up to the cursor."""

    hour: Hour
    tally: Tally


def gap_tallies(span: Span, gaps: Iterable[Gap]) -> list[Tally]:
    """Return the numbers of a span that are in gaps, each once, whether gaps overlap or not."""
    found: list[Tally] = []
    reached = span.first - 1
    for gap in sorted(_of(span, gaps), key=lambda one: one.first):
        lost = contiguous(span.incarnation, span.partition, max(gap.first, reached + 1), min(gap.last, span.last))
        if lost is not None:
            found.append(lost)
            reached = lost.last
    return found


def unaccepted(gaps: Sequence[Gap]) -> list[Gap]:
    """Return the gaps nobody took note of; one that lies within gaps that were accepted is accepted with them."""
    accepted = [gap for gap in gaps if gap.accepted_by is not None]

    def noted(gap: Gap) -> list[tuple[int, int]]:
        span = Span(gap.incarnation, gap.partition, gap.first, gap.last)
        return [(one.first, one.last) for one in _of(span, accepted)]

    return [gap for gap in gaps if any(uncovered(gap.first, gap.last, noted(gap)))]


def closes(span: Span, booked: Iterable[Tally], gaps: Iterable[Gap]) -> bool:
    """Whether what was found, with what is in gaps, is every number of the span once."""
    return (
        _differs(
            contiguous(span.incarnation, span.partition, span.first, span.last), [*booked, *gap_tallies(span, gaps)]
        )
        is None
    )


def differences(span: Span, booked: Iterable[Booked], gaps: Sequence[Gap]) -> Iterator[tuple[Hour | None, str]]:
    """Yield what is wrong, hour by hour; without an hour what is missing after the last one.

    Numbers that are missing between two hours are told of the later one.
    """
    by_hour: defaultdict[Hour, list[Tally]] = defaultdict(list)
    for one in booked:
        by_hour[one.hour].append(one.tally)
    first = span.first
    for hour, tallies in sorted(by_hour.items()):
        last = max(one.last for one in tallies)
        wrong = _wrong(Span(span.incarnation, span.partition, first, last), tallies, gaps)
        if wrong is not None:
            yield hour, wrong
        first = max(first, last + 1)
    wrong = _wrong(Span(span.incarnation, span.partition, first, span.last), [], gaps)
    if wrong is not None:
        yield None, wrong


def _of(span: Span, gaps: Iterable[Gap]) -> Iterator[Gap]:
    return (gap for gap in gaps if (gap.incarnation, gap.partition) == (span.incarnation, span.partition))


def _wrong(span: Span, tallies: Sequence[Tally], gaps: Sequence[Gap]) -> str | None:
    expected = contiguous(span.incarnation, span.partition, span.first, span.last)
    return _differs(expected, [*tallies, *gap_tallies(span, gaps)])


def _differs(expected: Tally | None, found: Sequence[Tally]) -> str | None:
    """Say how what was found differs from what must be there; None when it does not.

    A single number that is missing or there twice is named by the sums themselves.
    """
    sums = [sum(values) for values in zip((0, 0, 0), *map(_sums, found), strict=True)]
    due = (0, 0, 0) if expected is None else _sums(expected)
    events, total, squares = (mine - its for mine, its in zip(sums, due, strict=True))
    if events == total == squares == 0:
        return None
    if abs(events) == 1 and squares == events * total * total:
        return f"number {abs(total)} is {'missing' if events < 0 else 'there once too often'}"
    if events:
        return f"{abs(events)} events {'are missing' if events < 0 else 'too many'}"
    return "as many events as there must be, and not the same ones: some are lost, and others there too often"


def _sums(one: Tally) -> tuple[int, int, int]:
    return one.events, int(one.total), int(one.squares)


def by_partition(booked: Iterable[Booked]) -> dict[tuple[str, int], list[Booked]]:
    """Sort what was found by incarnation and partition."""
    found: defaultdict[tuple[str, int], list[Booked]] = defaultdict(list)
    for one in booked:
        found[one.tally.incarnation, one.tally.partition].append(one)
    return dict(found)

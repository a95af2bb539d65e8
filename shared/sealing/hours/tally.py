"""The account in numbers: what a set of events adds up to, and what a contiguous range of them must add up to.

Count, sum and sum of squares of sequence numbers are kept for each incarnation and partition. Whatever is lost, doubled or
both moves one of the three: two losses and a triple in their middle keep count and sum, and not the squares.
"""

from collections import defaultdict
from collections.abc import Iterable

import msgspec


class Tally(msgspec.Struct, frozen=True, kw_only=True):
    """The account of one partition's events, as they stand in the logs.

    ``total`` and ``squares`` are the sums of the events' sequence numbers and of their squares, as decimal strings,
    because they outgrow 64 bits. An event that stands in the logs twice counts twice.
    """

    incarnation: str
    partition: int
    first: int
    last: int
    events: int
    total: str
    squares: str


def tally(incarnation: str, partition: int, numbers: Iterable[int]) -> Tally | None:
    """Count events by their sequence numbers; None when there are none."""
    found = list(numbers)
    if not found:
        return None
    return Tally(
        incarnation=incarnation,
        partition=partition,
        first=min(found),
        last=max(found),
        events=len(found),
        total=str(sum(found)),
        squares=str(sum(number * number for number in found)),
    )


def contiguous(incarnation: str, partition: int, first: int, last: int) -> Tally | None:
    """Return what every number from ``first`` to ``last`` once adds up to; None when ``last`` is below ``first``.

    >>> contiguous("i", 0, 3, 5) == tally("i", 0, [3, 4, 5])
    True
    """
    if last < first:
        return None
    return Tally(
        incarnation=incarnation,
        partition=partition,
        first=first,
        last=last,
        events=last - first + 1,
        total=str((first + last) * (last - first + 1) // 2),
        squares=str(_squares_up_to(last) - _squares_up_to(first - 1)),
    )


def merged(tallies: Iterable[Tally]) -> tuple[Tally, ...]:
    """Add up tallies, one for each incarnation and partition, in their order; in any order and grouping the same."""
    by_partition: defaultdict[tuple[str, int], list[Tally]] = defaultdict(list)
    for one in tallies:
        by_partition[one.incarnation, one.partition].append(one)
    return tuple(
        Tally(
            incarnation=incarnation,
            partition=partition,
            first=min(one.first for one in some),
            last=max(one.last for one in some),
            events=sum(one.events for one in some),
            total=str(sum(int(one.total) for one in some)),
            squares=str(sum(int(one.squares) for one in some)),
        )
        for (incarnation, partition), some in sorted(by_partition.items())
    )


def _squares_up_to(number: int) -> int:
    """Return 0 + 1 + 4 + ... + number², and 0 for -1."""
    return number * (number + 1) * (2 * number + 1) // 6

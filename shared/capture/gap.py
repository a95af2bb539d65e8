"""Gaps: sequence numbers that are lost, and that is written down.

The hub let them go before they were captured; or what was captured of them was destroyed, and somebody took note of it.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime

from shared.documents import Document


class Gap(Document, frozen=True, kw_only=True):
    """Every number from ``first`` to ``last`` of one partition is lost.

    ``accepted_by`` and ``accepted_at`` say who took note of it, once somebody has.
    """

    incarnation: str
    partition: int
    first: int
    last: int
    found_at: datetime
    accepted_by: str | None = None
    accepted_at: datetime | None = None


def gaps_folder(incarnation: str, partition: str) -> str:
    """Return where the gaps of a partition are, ending in a slash."""
    return f"captures/gaps/{incarnation}/p{partition}/"


def gap_path(incarnation: str, partition: str, first: int, last: int) -> str:
    """Return where a gap is written down."""
    return f"{gaps_folder(incarnation, partition)}{first}-{last}.json"


def numbers_at(path: str) -> tuple[int, int]:
    """Read the first and the last number of a gap out of its path, where ``gap_path`` wrote them.

    >>> numbers_at(gap_path("20260301T090000000", "0", 5, 7))
    (5, 7)
    """
    first, last = path.rsplit("/", 1)[1].removesuffix(".json").split("-")
    return int(first), int(last)


def uncovered(first: int, last: int, ranges: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Yield what of the numbers from ``first`` to ``last`` is in none of the ranges, which may overlap.

    >>> list(uncovered(1, 9, [(3, 4), (4, 6), (9, 12)]))
    [(1, 2), (7, 8)]
    """
    for begins, ends in sorted(ranges):
        if first > last:
            return
        if begins > first:
            yield first, min(begins - 1, last)
        first = max(first, ends + 1)
    if first <= last:
        yield first, last

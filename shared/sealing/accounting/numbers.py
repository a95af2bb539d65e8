"""Which numbers are missing and which are there too often: ranges, where the account itself has only sums."""

from collections.abc import Iterator, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from shared.capture.gap import uncovered

Numbers: TypeAlias = NDArray[np.int64]
Range: TypeAlias = tuple[int, int]
"""From the first number to the last one."""


def missing(found: Numbers, first: int, last: int, elsewhere: Sequence[Range] = ()) -> list[Range]:
    """Return the ranges of numbers from ``first`` to ``last`` that were not found, and are not in a range ``elsewhere``.

    >>> missing(np.array([4, 1, 9]), 0, 9, [(5, 6)])
    [(0, 0), (2, 3), (7, 8)]
    """
    inside = np.unique(found[(found >= first) & (found <= last)])
    edges = np.concatenate(([first - 1], inside, [last + 1]))
    holes = np.flatnonzero(np.diff(edges) > 1)
    return [
        part for hole in holes.tolist() for part in uncovered(int(edges[hole]) + 1, int(edges[hole + 1]) - 1, elsewhere)
    ]


def too_often(found: Numbers) -> list[Range]:
    """Return the ranges of numbers that were found more than once.

    >>> too_often(np.array([1, 2, 3, 2, 3, 3, 9]))
    [(2, 3)]
    """
    values, counts = np.unique(found, return_counts=True)
    return list(_ranges(values[counts > 1]))


def outside(found: Numbers, first: int, last: int) -> list[Range]:
    """Return the ranges of numbers that were found and lie below ``first`` or above ``last``."""
    return list(_ranges(np.unique(found[(found < first) | (found > last)])))


def _ranges(values: Numbers) -> Iterator[Range]:
    """Yield the runs of sorted numbers."""
    if not len(values):
        return
    breaks = np.flatnonzero(np.diff(values) > 1)
    starts = np.concatenate(([0], breaks + 1))
    ends = np.concatenate((breaks, [len(values) - 1]))
    yield from zip(values[starts].tolist(), values[ends].tolist(), strict=True)

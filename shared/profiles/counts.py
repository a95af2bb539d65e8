"""Counts over bins, kept short: an hour with few rows fills few of some eight hundred bins.

A positive number is the count of the next bin, a negative one that many empty bins; empty bins at the end are left out.
"""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from shared.errors import IncompatibleProfiles

Counts: TypeAlias = NDArray[np.int64]
"""Rows per bin, shape (bins,), none negative."""

Packed: TypeAlias = tuple[int, ...]


def pack(counts: Counts) -> Packed:
    """Return counts in their short form.

    >>> pack(np.array([0, 0, 0, 5, 1, 0, 2, 0]))
    (-3, 5, 1, -1, 2)
    """
    filled = np.flatnonzero(counts)
    empty_before = np.diff(filled, prepend=-1) - 1
    pairs = np.column_stack((-empty_before, counts[filled])).ravel()
    return tuple(pairs[pairs != 0].tolist())


def unpack(packed: Packed, *, bins: int) -> Counts:
    """Return counts of shape (bins,).

    Raises:
        IncompatibleProfiles: they were counted over more bins.

    >>> unpack((-3, 5), bins=6)
    array([0, 0, 0, 5, 0, 0])
    """
    places, counts, length = _read(packed)
    if length > bins:
        raise IncompatibleProfiles(f"counts over {length} bins where there are {bins}")
    found = np.zeros(bins, dtype=np.int64)
    found[places] = counts
    return found


def add(a: Packed, b: Packed) -> Packed:
    """Return the sum of two counts over the same bins, in its short form."""
    both = _read(a), _read(b)
    found = np.zeros(max(length for _, _, length in both), dtype=np.int64)
    for places, counts, _ in both:
        found[places] += counts
    return pack(found)


def total(packed: Packed) -> int:
    """Return how many rows were counted."""
    return sum(count for count in packed if count > 0)


def _read(packed: Packed) -> tuple[NDArray[np.int64], Counts, int]:
    """Return which bins are not empty, their counts, and how many bins there are up to the last of them."""
    runs = np.array(packed, dtype=np.int64)
    ends = np.cumsum(np.where(runs < 0, -runs, 1))
    filled = runs > 0
    return ends[filled] - 1, runs[filled], int(ends[-1]) if len(ends) else 0

"""How long actuals take, counted in bins that are the same everywhere, so that counts of any hours add up."""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

Delays: TypeAlias = dict[int, int]
"""How many delays are in a bin, by its number; empty bins are left out."""

EDGES_S: Final = np.round(60.0 * 2.0 ** (np.arange(81) / 4)).astype(np.int64)
"""Where bins end, in seconds, four to a doubling: from a minute to two years.

A delay is in the first that it does not exceed.
"""


def counted(delays_s: NDArray[np.int64]) -> Delays:
    """Count delays in whole seconds; one below 0 is an actual that was there before its prediction.

    >>> counted(np.array([-5, 60, 61, 3_600]))
    {0: 2, 1: 1, 24: 1}
    """
    bins, times = np.unique(np.searchsorted(EDGES_S, delays_s, side="left"), return_counts=True)
    return dict(zip(bins.tolist(), times.tolist(), strict=True))


def merged(parts: Iterable[Mapping[int, int]]) -> Delays:
    """Add up counts, in any order and grouping the same."""
    total: Counter[int] = Counter()
    for part in parts:
        total.update(part)
    return {one: total[one] for one in sorted(total) if total[one]}


def quantile(delays: Mapping[int, int], share: float) -> timedelta | None:
    """Return after how long this share of the actuals that came had come; None where none had.

    It is the end of a bin, and so too long by a fifth at most. What took longer than the last edge is as long as that.

    >>> quantile({24: 9, 30: 1}, 0.5)
    datetime.timedelta(seconds=3840)
    """
    bins = sorted(delays)
    if not bins:
        return None
    reached = np.cumsum([delays[one] for one in bins])
    found = bins[int(np.searchsorted(reached, share * reached[-1], side="left"))]
    return timedelta(seconds=int(EDGES_S[min(found, len(EDGES_S) - 1)]))

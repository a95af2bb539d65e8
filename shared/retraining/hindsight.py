"""The best there was to do, known only afterwards: what policies are measured by."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """Which version answered in each period, and what that cost.

    Attributes:
        versions: of each period.
        loss: the sum of the periods' mean losses.
        swaps: how often a period began with another version than the one before it ended with.
        cost: losses and swaps together.
    """

    versions: tuple[int, ...]
    loss: float
    swaps: int
    cost: float


def priced(losses: NDArray[np.float64], versions: Sequence[int], *, cost: float, first: int) -> Schedule:
    """Return what it costs to have these versions answer.

    Args:
        losses: mean loss of each version in each period, shape (versions, periods).
        versions: which one answers in each period.
        cost: of a swap.
        first: the version that answered before the first period.
    """
    loss = float(sum(losses[version, period] for period, version in enumerate(versions)))
    swaps = sum(one != other for one, other in zip((first, *versions), versions, strict=False))
    return Schedule(versions=tuple(versions), loss=loss, swaps=swaps, cost=loss + cost * swaps)


def best(losses: NDArray[np.float64], *, cost: float, first: int) -> Schedule:
    """Return the schedule that costs least, with every loss known beforehand.

    Exact: of every version it keeps the least that any schedule can have cost which has it answer now, and that either
    kept it or swapped from the cheapest of all.

    Args:
        losses: mean loss of each version in each period, shape (versions, periods); NaN where a version cannot answer, as
            before it was made.
        cost: of a swap to any other version, 0 or more.
        first: the version that answered before the first period.

    Raises:
        ValueError: in some period no version can answer.

    >>> best(np.array([[0.1, 0.5, 0.5], [np.nan, 0.2, 0.1]]), cost=0.4, first=0).versions
    (0, 1, 1)
    """
    versions, periods = losses.shape
    priceless = np.where(np.isfinite(losses), losses, np.inf)
    least = np.full(versions, np.inf)
    least[first] = 0.0
    came_from = np.empty((periods, versions), dtype=np.int64)
    for period in range(periods):
        cheapest = int(least.argmin())
        swapped = least[cheapest] + cost
        came_from[period] = np.where(least <= swapped, np.arange(versions), cheapest)
        least = np.minimum(least, swapped) + priceless[:, period]
        if not np.isfinite(least).any():
            raise ValueError(f"no version can answer in the period {period}")
    version = int(least.argmin())
    taken: list[int] = []
    for period in range(periods - 1, -1, -1):
        taken.append(version)
        version = int(came_from[period, version])
    return priced(losses, taken[::-1], cost=cost, first=first)

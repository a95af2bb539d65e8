"""Levels: how much more there is now than in the baseline of values such as a row has, for a drift-aware sample."""

from collections.abc import Iterable, Mapping
from itertools import accumulate, pairwise
from typing import Final

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from shared.datasets.manifest import BaselineCounts
from shared.datasets.sampling import HIGHEST_LEVEL
from shared.documents import Document

_GROUPS: Final = 64
_POWERS: Final = tuple(2**level for level in range(HIGHEST_LEVEL + 1))


class FeatureLevels(msgspec.Struct, frozen=True, kw_only=True):
    """The level of each value of one feature. A value that is missing, or no finite number, is at 0.

    Attributes:
        up_to: of numbers: run ``i`` holds the values in ``(up_to[i - 1], up_to[i]]``, the last one all above; no two
            neighbours are at the same level. Empty of others.
        levels: of each run, one more than ``up_to``; empty of others.
        categories: of others, the level of each value that the baseline knows.
        unknown: the level of all others.
    """

    up_to: tuple[float, ...] = ()
    levels: tuple[int, ...] = ()
    categories: dict[str, int] = {}
    unknown: int = 0


class Levels(Document, frozen=True, kw_only=True):
    """The levels of the features that have any above 0; a row's is the highest of its values'."""

    features: dict[str, FeatureLevels]


def levels(baseline: Mapping[str, BaselineCounts], current: pa.Table) -> Levels:
    """Return the levels of values, from 0 (as common as in the baseline, or less so) to 8 (16 times as common, or more).

    A level is the whole part of ``2 * log2(share now / share in the baseline)`` of a bin's rows, clipped. Half a row is added
    to every bin on both sides, so that an empty one is at a finite level. All of it is counted in integers.

    Neighbouring bins of numbers are taken together, into 64 at most that hold about as many rows. A baseline has some 900
    for each feature, most with a handful of the rows that are looked at here: by itself each would be at a level by chance.

    Args:
        baseline: the rows in each bin, by feature.
        current: rows as they are now, with a column for each of those features; those without a value do not count.
    """
    found: dict[str, FeatureLevels] = {}
    for feature, counts in baseline.items():
        edges, now, before = counts.edges, _counted(current.column(feature), counts), [*counts.rows]
        if edges:
            edges, now, before = _grouped(edges, now, before)
        steps = [
            level(*pair, total=sum(now), baseline_total=sum(before), bins=len(now))
            for pair in zip(now, before, strict=True)
        ]
        if any(steps):
            found[feature] = _of_numbers(edges, steps) if edges else _of_values(counts.categories, steps)
    return Levels(features=found)


def level(rows: int, baseline_rows: int, *, total: int, baseline_total: int, bins: int) -> int:
    """Return the level of one bin.

    >>> level(800, 100, total=1000, baseline_total=1000, bins=2)
    5
    """
    now = (2 * rows + 1) * (2 * baseline_total + bins)
    before = (2 * baseline_rows + 1) * (2 * total + bins)
    reached = [power for power in _POWERS if now * now >= power * before * before]
    return max(len(reached) - 1, 0)


def _counted(column: pa.ChunkedArray, counts: BaselineCounts) -> list[int]:
    if counts.edges:
        values = _finite(column)
        bins: NDArray[np.int64] = np.bincount(np.searchsorted(counts.edges, values), minlength=len(counts.rows))
        return list(map(int, bins))
    found = pc.value_counts(column.drop_null().cast(pa.string()))
    rows = dict(zip(found.field("values").to_pylist(), found.field("counts").to_pylist(), strict=True))
    known = [rows.pop(value, 0) for value in counts.categories]
    return [*known, sum(rows.values())]


def _grouped(
    edges: tuple[float, ...], now: list[int], before: list[int]
) -> tuple[tuple[float, ...], list[int], list[int]]:
    """Return bins of which none could be taken together with the next and still hold few rows of both sides together.

    Both sides weigh as much, however many rows they have.
    """
    total, baseline_total = max(sum(now), 1), max(sum(before), 1)
    ends = list(accumulate(one * baseline_total + other * total for one, other in zip(now, before, strict=True)))
    places = [max(end - 1, 0) * _GROUPS // max(ends[-1], 1) for end in ends]
    last = [place for place, (this, following) in enumerate(pairwise(places)) if this != following]
    parts = [slice(start, end) for start, end in pairwise([0, *(place + 1 for place in last), len(now)])]
    return tuple(edges[place] for place in last), [sum(now[one]) for one in parts], [sum(before[one]) for one in parts]


def _finite(column: pa.ChunkedArray) -> NDArray[np.float64]:
    values = column.drop_null().cast(pa.float64(), safe=False).combine_chunks().to_numpy(zero_copy_only=False)
    return np.asarray(values[np.isfinite(values)], dtype=np.float64)


def _of_numbers(edges: Iterable[float], steps: list[int]) -> FeatureLevels:
    ends = [edge for edge, (this, following) in zip(edges, pairwise(steps), strict=True) if this != following]
    runs = [this for this, following in pairwise(steps) if this != following]
    return FeatureLevels(up_to=tuple(ends), levels=(*runs, steps[-1]))


def _of_values(categories: Iterable[str], steps: list[int]) -> FeatureLevels:
    return FeatureLevels(categories=dict(zip(categories, steps, strict=False)), unknown=steps[-1])

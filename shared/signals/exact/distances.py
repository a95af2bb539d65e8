"""How far two distribution functions part, from sorted rows, without merging them.

Between two neighbouring points, of which it is known how many rows of either side lie below, the functions can only rise:
from where they begin to where they end. Most stretches are decided by that alone. Where the sign of the difference is
certain, the area between the functions is a closed form of the sums of the rows in the stretch; where the difference cannot
exceed what was found already, the stretch holds no maximum. The others are split, and what remains of them after that is
merged row by row: a few rows in a hundred.
"""

from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from shared.errors import InsufficientData

Floats = NDArray[np.float64]
Ranks = NDArray[np.int64]

_FIRST_STRETCH: Final = 64
_PARTS: Final = 4
_ROUNDS: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Apart:
    """How far two distribution functions part.

    Attributes:
        ks: their largest difference, as ``drift.ks`` over bins of one value each.
        area: the area between them, in the unit of the values: the Wasserstein-1 distance.
    """

    ks: float
    area: float


def apart(baseline: Floats, current: Floats) -> Apart:
    """Compare two sides exactly, but for rounding.

    Args:
        baseline: sorted, finite, shape (n,).
        current: sorted, finite, shape (m,). Neither may span more than the largest float.

    Raises:
        InsufficientData: one side has no rows.

    Source:
        Smirnov (1948) and Vallender (1974), as in ``drift.ks`` and ``drift.wasserstein_normalised``.

    >>> apart(np.array([0.0, 1.0, 3.0]), np.array([5.0, 6.0, 8.0]))
    Apart(ks=1.0, area=5.0)
    """
    n, m = len(baseline), len(current)
    if not (n and m):
        raise InsufficientData(rows=min(n, m), needed=1)
    ends = np.array([baseline[0], baseline[-1], current[0], current[-1]])
    stretches = _Stretches.between(np.unique(np.concatenate((current[::_FIRST_STRETCH], ends))), baseline, current)
    largest, area = stretches.largest(n, m), 0.0
    promising = stretches
    for _ in range(_ROUNDS):
        decided = stretches.decided(n, m)
        area += stretches.where(decided).area(baseline, current)
        stretches = stretches.where(~decided).split(baseline, current)
        promising = promising.where(promising.most(n, m) > largest).split(baseline, current)
        largest = max(largest, promising.largest(n, m))
    promising = promising.where(promising.most(n, m) > largest)
    return Apart(
        ks=max(largest, promising.merged(baseline, current).ks),
        area=area + stretches.merged(baseline, current).area,
    )


@dataclass(frozen=True, slots=True)
class _Stretches:
    """Open intervals of values, one after the other, and which rows of either side lie inside: ``[first, end)``."""

    left: Floats
    right: Floats
    first_a: Ranks
    end_a: Ranks
    first_b: Ranks
    end_b: Ranks

    @classmethod
    def between(cls, points: Floats, a: Floats, b: Floats) -> Self:
        """Return the stretches between neighbouring points, which increase."""
        (below_a, up_to_a), (below_b, up_to_b) = _ranks(a, points), _ranks(b, points)
        return cls(points[:-1], points[1:], up_to_a[:-1], below_a[1:], up_to_b[:-1], below_b[1:])

    def where(self, chosen: NDArray[np.bool_]) -> Self:
        return type(self)(
            self.left[chosen],
            self.right[chosen],
            self.first_a[chosen],
            self.end_a[chosen],
            self.first_b[chosen],
            self.end_b[chosen],
        )

    def largest(self, n: int, m: int) -> float:
        """Return the largest difference where stretches begin and end."""
        begin = np.abs(self.first_a / n - self.first_b / m)
        end = np.abs(self.end_a / n - self.end_b / m)
        return float(max(begin.max(initial=0.0), end.max(initial=0.0)))

    def bounds(self, n: int, m: int) -> tuple[Floats, Floats]:
        """Return what the difference cannot fall below and not exceed, in each stretch."""
        return self.first_a / n - self.end_b / m, self.end_a / n - self.first_b / m

    def most(self, n: int, m: int) -> Floats:
        lowest, highest = self.bounds(n, m)
        return np.maximum(-lowest, highest)

    def decided(self, n: int, m: int) -> NDArray[np.bool_]:
        """Return in which stretches the difference does not change its sign."""
        lowest, highest = self.bounds(n, m)
        return (lowest >= 0) | (highest <= 0)

    def area(self, a: Floats, b: Floats) -> float:
        """Return the area between the functions, of stretches in which their difference keeps its sign."""
        below_a = _area_below(a, self.first_a, self.end_a, self.left, self.right)
        below_b = _area_below(b, self.first_b, self.end_b, self.left, self.right)
        return float(np.abs(below_a - below_b).sum())

    def split(self, a: Floats, b: Floats) -> Self:
        """Return the stretches in parts, cut at rows of the side that has more of them inside."""
        rows_a, rows_b = self.end_a - self.first_a, self.end_b - self.first_b
        parts = np.arange(1, _PARTS)[:, None] / _PARTS
        at_a = self.first_a + (rows_a * parts).astype(np.int64)
        at_b = self.first_b + (rows_b * parts).astype(np.int64)
        cuts = np.where(rows_a > rows_b, a[np.minimum(at_a, len(a) - 1)], b[np.minimum(at_b, len(b) - 1)])
        # a stretch without rows has no cut: an empty part goes on to its end
        points = np.clip(cuts, self.left, self.right).T
        (below_a, up_to_a), (below_b, up_to_b) = _ranks(a, points), _ranks(b, points)
        left, right = np.column_stack((self.left, points)), np.column_stack((points, self.right))
        wide = left < right
        return type(self)(
            left[wide],
            right[wide],
            np.column_stack((self.first_a, up_to_a))[wide],
            np.column_stack((below_a, self.end_a))[wide],
            np.column_stack((self.first_b, up_to_b))[wide],
            np.column_stack((below_b, self.end_b))[wide],
        )

    def merged(self, a: Floats, b: Floats) -> Apart:
        """Compare the sides row by row inside the stretches."""
        if not len(self.left):
            return Apart(ks=0.0, area=0.0)
        rows_a, rows_b = self.end_a - self.first_a, self.end_b - self.first_b
        values = np.concatenate((self.left, a[_between(self.first_a, rows_a)], b[_between(self.first_b, rows_b)]))
        # by how much the rank grows at each value; where a stretch begins, over what lies before it
        steps_a, steps_b = np.zeros(len(values), dtype=np.int64), np.zeros(len(values), dtype=np.int64)
        begins, begins_b = len(self.left), len(self.left) + int(rows_a.sum())
        steps_a[:begins] = self.first_a - np.append(0, self.end_a[:-1])
        steps_b[:begins] = self.first_b - np.append(0, self.end_b[:-1])
        steps_a[begins:begins_b] = 1
        steps_b[begins_b:] = 1
        order = np.argsort(values, kind="stable")
        values = values[order]
        apart = np.abs(np.cumsum(steps_a[order]) / len(a) - np.cumsum(steps_b[order]) / len(b))
        following = np.append(values[1:], self.right[-1])
        following[np.cumsum(1 + rows_a + rows_b) - 1] = self.right
        # among equal values the difference is that after the last
        return Apart(
            ks=float(apart[following > values].max(initial=0.0)), area=float(np.sum(apart * (following - values)))
        )


def _ranks(values: Floats, points: Floats) -> tuple[Ranks, Ranks]:
    """Return how many ``values`` lie below each point, and how many do not lie above it.

    Rows seldom stand at a point in numbers: the second search is made only where they do.
    """
    last = len(values) - 1
    below: Ranks = np.searchsorted(values, points)
    up_to = below + ((below <= last) & (values[np.minimum(below, last)] == points))
    more = (up_to > below) & (up_to <= last) & (values[np.minimum(up_to, last)] == points)
    up_to[more] = np.searchsorted(values, points[more], side="right")
    return below, up_to


def _area_below(values: Floats, first: Ranks, end: Ranks, left: Floats, right: Floats) -> Floats:
    """Return the area below the distribution function of ``values``, from ``left`` to ``right``."""
    rows = end - first
    sums = np.zeros(len(rows))
    filled = rows > 0
    cuts = np.column_stack((first[filled], end[filled])).ravel()
    if len(cuts):
        if cuts[-1] == len(values):  # the last part ends where the values do
            cuts = cuts[:-1]
        sums[filled] = np.add.reduceat(values, cuts)[::2]
    area: Floats = (first * (right - left) + rows * right - sums) / len(values)
    return area


def _between(first: Ranks, rows: Ranks) -> Ranks:
    """Return ``first, first + 1, …`` for each stretch, so many as it has rows."""
    before = np.cumsum(rows) - rows
    return np.repeat(first - before, rows) + np.arange(rows.sum())

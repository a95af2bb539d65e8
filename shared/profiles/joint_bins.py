"""What the joint part of a profile is summed over: each row as a point, and the waves that the points are read by.

A feature gives a **coordinate**: a number its value, a category or a boolean a number that the seed draws for each of its
values (two such numbers, if there are more than two values), and a feature that the baseline sometimes lacks one more, for
being missing. Coordinates are standardised by the
baseline, cut off at 4 standard deviations and rounded to 1/32 of one; what is missing is 0. Beyond 128 coordinates, each
is added to one of 128 **axes**, with a sign that the seed draws, so that size and time stay bounded, and an axis of two is
cut off at the root of 2 times as much; up to 128, every coordinate is an axis of its own.

Everything that is drawn comes from SHAKE-256 of the seed by whole numbers, not from a library's generator, whose stream may
change with its release; and everything that rows are multiplied with is whole numbers as well. So a row gives the same
sums on every machine, in whatever company.
"""

import hashlib
import math
from enum import StrEnum
from functools import lru_cache
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
"""Mostly whole numbers, below 2**53: products of matrices of floats are fast, and of such floats exact."""

MOST_AXES: Final = 128
WAVES: Final = 128
CLIP: Final = 4.0
STEPS: Final = 32
"""So many steps make a standard deviation."""

TURN: Final = 2**20
"""So many units of an angle make a full turn."""

_UNIFORMS = 12


class CoordinateKind(StrEnum):
    """What a coordinate says of its feature: its number, its value's number, or whether it is missing."""

    NUMBER = "number"
    WORD = "word"
    MISSING = "missing"


class Coordinate(msgspec.Struct, frozen=True, kw_only=True):
    """One coordinate of a row, before it is standardised by ``mean`` and ``scale``, > 0.

    Of the numbers that stand for a feature's values there may be several draws: two values that one draw has put close to
    each other are apart in the next.
    """

    feature: str
    kind: CoordinateKind
    draw: int = 0
    mean: float
    scale: float


class JointBins(msgspec.Struct, frozen=True, kw_only=True):
    """What rows are summed over jointly.

    Attributes:
        seed: what everything random is drawn from.
        coordinates: of a row, none where no feature gives one.
        width: of the Gaussian kernel, in standard deviations of a coordinate, > 0.
        weights: those of the squared normal numbers whose sum the squared discrepancy of two windows is when nothing
            changed, for its mean to be 1: they add up to 1.
        spreads: for each pair of axes, in the order of ``pairs``, the standard deviation of what one row adds to their
            correlation; the correlation of n rows has 1/sqrt(n) of it. None where there was one row, or one axis.
        rows: of the baseline, that ``weights`` and ``spreads`` were found in.
    """

    seed: str = ""
    coordinates: tuple[Coordinate, ...] = ()
    width: float = 1.0
    weights: tuple[float, ...] = (1.0,)
    spreads: tuple[float, ...] = ()
    rows: int = 0

    @property
    def axes(self) -> int:
        """Return how many axes there are."""
        return min(len(self.coordinates), MOST_AXES)

    def fold(self, rows: Floats) -> Floats:
        """Return coordinates, shape (rows, coordinates), along the axes, shape (rows, axes)."""
        if len(self.coordinates) <= MOST_AXES:
            return rows
        limits = self.limits()
        return np.clip(rows @ _folding(self.seed, len(self.coordinates)), -limits, limits)

    def limits(self) -> Floats:
        """Return at how many steps each axis is cut off, either way; shape (axes,)."""
        if len(self.coordinates) <= MOST_AXES:
            return np.full(self.axes, CLIP * STEPS)
        coordinates = np.count_nonzero(_folding(self.seed, len(self.coordinates)), axis=0)
        limits: Floats = np.rint(CLIP * STEPS * np.sqrt(coordinates))
        return limits

    def axis_features(self) -> tuple[tuple[str, ...], ...]:
        """Return the names of the features that each axis is made of."""
        names = [one.feature for one in self.coordinates]
        if len(names) <= MOST_AXES:
            return tuple((name,) for name in names)
        folding = _folding(self.seed, len(names))
        return tuple(tuple(names[index] for index in np.flatnonzero(axis)) for axis in folding.T)

    def waves(self) -> Floats:
        """Return by how many units of an angle each wave turns with a step along each axis, shape (axes, WAVES)."""
        return _turning(self.seed, self.axes, self.width)


def pairs(axes: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the first and the second axis of every pair of different ones.

    >>> [side.tolist() for side in pairs(3)]
    [[0, 0, 1], [1, 2, 2]]
    """
    first, second = np.triu_indices(axes, k=1)
    return first, second


def number_of(seed: str, feature: str, value: str, *, draw: int) -> float:
    """Return the number that stands for a value, between -1 and 1."""
    drawn = hashlib.blake2b(f"{seed}/{draw}/{feature}/{value}".encode(), digest_size=6).digest()
    return int.from_bytes(drawn, "big") / 2**47 - 1.0


@lru_cache(maxsize=64)
def _turning(seed: str, axes: int, width: float) -> Floats:
    """Draw frequencies that are all but normal: the sum of twelve uniform numbers, less six."""
    shape = (_UNIFORMS, axes, WAVES)
    normal = _drawn(f"{seed}/waves", math.prod(shape)).reshape(shape).sum(axis=0) / 2**16 - _UNIFORMS / 2
    turning: Floats = np.rint(normal * (TURN / (2 * math.pi * STEPS * width)))
    return turning


@lru_cache(maxsize=64)
def _folding(seed: str, coordinates: int) -> Floats:
    """Deal the coordinates out in a drawn order, so that no axis has two more than another."""
    drawn = _drawn(f"{seed}/axes", coordinates)
    dealt = np.argsort(drawn, kind="stable")
    folding = np.zeros((coordinates, MOST_AXES))
    folding[dealt, np.arange(coordinates) % MOST_AXES] = 1 - 2 * (drawn[dealt] & 1)
    return folding


def _drawn(seed: str, count: int) -> NDArray[np.int64]:
    """Draw whole numbers from 0 up to 2**16."""
    return np.frombuffer(hashlib.shake_256(seed.encode()).digest(2 * count), dtype="<u2").astype(np.int64)

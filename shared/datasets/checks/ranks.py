"""How well one order, or one rate, tells classes apart and numbers from each other."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Places = NDArray[np.int64]


@dataclass(frozen=True, slots=True, order=True)
class Telling:
    """How well something tells something: ``value`` from 0 (as chance) to 1 (always), and its standard ``error``."""

    value: float
    error: float

    @property
    def surely(self) -> float:
        """Return what it is above, as surely as two standard errors are."""
        return self.value - 2 * self.error


NOTHING = Telling(0.0, 0.0)


def middle_ranks(values: Floats) -> Floats:
    """Return of each value the share of values below it, and half of those at it: from 0 to 1, shape (rows,).

    >>> middle_ranks(np.array([3.0, 1.0, 3.0, 2.0])).tolist()
    [0.75, 0.125, 0.75, 0.375]
    """
    _, places, counts = np.unique(values, return_inverse=True, return_counts=True)
    ranks: Floats = ((np.cumsum(counts) - counts / 2) / len(values))[places]
    return ranks


def gini(scores: Floats, inside: Floats, outside: Floats) -> Telling | None:
    """Return 2 AUC - 1 of scores, each of which stands for some rows inside a class and some outside; None without either.

    Below 0 where the class has the lower scores. Its error is twice that of the AUC, by Hanley and McNeil.

    Source:
        Hanley and McNeil, "The meaning and use of the area under a receiver operating characteristic (ROC) curve",
        Radiology 143 (1982).

    >>> gini(np.array([0.1, 0.9]), np.array([0.0, 5.0]), np.array([5.0, 0.0]))
    Telling(value=1.0, error=0.0)
    """
    n, m = float(inside.sum()), float(outside.sum())
    if not (n and m):
        return None
    _, places = np.unique(scores, return_inverse=True)
    at = np.bincount(places, weights=outside)
    below = (np.cumsum(at) - at / 2)[places]
    area = float(np.dot(inside, below)) / (n * m)
    a = max(area, 1 - area)
    variance = (a * (1 - a) + (n - 1) * (a / (2 - a) - a * a) + (m - 1) * (2 * a * a / (1 + a) - a * a)) / (n * m)
    return Telling(2 * area - 1, 2 * math.sqrt(max(variance, 0.0)))


def nearness(actual: Floats, said: Floats) -> Telling | None:
    """Return by how much less ranks are missed by what was ``said`` of each than by their median; None if none is missed by it.

    1 - mean |actual - said| / mean |actual - median|: the proportional reduction in error of Goodman and Kruskal, for ranks
    instead of classes. Ranks, because what is far out would decide alone otherwise, and a scaled copy is a copy.

    Source:
        Goodman and Kruskal, "Measures of association for cross classifications", J. Am. Stat. Assoc. 49 (1954).

    >>> nearness(np.array([0.0, 0.5, 1.0]), np.array([0.0, 0.5, 1.0]))
    Telling(value=1.0, error=0.0)
    """
    missed_by_all = float(np.abs(actual - np.median(actual)).mean()) if len(actual) else 0.0
    if not missed_by_all:
        return None
    missed = np.abs(actual - said)
    error = float(missed.std()) / math.sqrt(len(missed)) / missed_by_all
    return Telling(1 - float(missed.mean()) / missed_by_all, error)

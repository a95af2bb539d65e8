"""How surprising a window is: one number for all that is watched of it, and what of it tells.

A shift may be large in one feature, small in many, or in what moves all of them; or it may leave the means alone. So four
statistics are taken: the furthest any feature has strayed, the sum of squares of all, the furthest along a shock, and the
furthest of any shape. Each becomes a p-value, and the smallest counts, weighed by a share of the budget: most of it for the
first, since a single feature that moves is the commonest fault and the hardest to find; the others find with little what
they are for. The surprise is the negative logarithm of that.

The p-values need not be right: what a surprise of a version is worth is learned from its history (``tail``).
"""

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np

from shared.signals.calibration.looks import Floats
from shared.signals.calibration.usual import Strayed

_EULER: Final = 0.5772156649015329


class Respect(StrEnum):
    """In which respect a window surprises."""

    ONE = "one"
    MANY = "many"
    SHAPE = "shape"
    SHOCK = "shock"


SHARES: Final = {Respect.ONE: 0.9, Respect.MANY: 0.05, Respect.SHAPE: 0.025, Respect.SHOCK: 0.025}


@dataclass(frozen=True, slots=True)
class Statistics:
    """The statistics of windows, each of shape (looks,)."""

    one: Floats
    many: Floats
    shape: Floats
    shock: Floats

    @classmethod
    def of(cls, strayed: Strayed) -> "Statistics":
        """Return those of windows."""
        return cls(
            one=_furthest(strayed.mains),
            many=(strayed.mains**2).sum(axis=1),
            shape=_furthest(strayed.shapes),
            shock=_furthest(strayed.shocks),
        )


@dataclass(frozen=True, slots=True)
class Surprises:
    """Turns statistics into surprises.

    Attributes:
        shares: of the budget, by respect; they add up to 1. A version without shocks has no share for them.
        mains: how many columns ``one`` is the furthest of.
        shocks: how many directions ``shock`` is.
        many: mean and variance of the sums of squares of the history.
        shape: location and scale of the Gumbel distribution of the logarithms of the furthest shapes.
    """

    shares: dict[Respect, float]
    mains: int
    shocks: int
    many: tuple[float, float]
    shape: tuple[float, float]

    @classmethod
    def of(cls, history: Statistics, *, mains: int, shapes: int, shocks: int) -> "Surprises":
        """Learn from the statistics of a history, each window's from what is usual without it."""
        logs = np.log(np.maximum(history.shape, 1e-9))
        scale = max(float(logs.std(ddof=1)) * math.sqrt(6) / math.pi, 1e-3)
        there = {Respect.ONE: mains, Respect.MANY: mains, Respect.SHAPE: shapes, Respect.SHOCK: shocks}
        whole = sum(SHARES[respect] for respect, columns in there.items() if columns)
        return cls(
            shares={respect: SHARES[respect] / whole for respect, columns in there.items() if columns},
            mains=mains,
            shocks=shocks,
            many=(max(float(history.many.mean()), 1e-9), max(float(history.many.var(ddof=1)), 1e-9)),
            shape=(float(logs.mean()) - _EULER * scale, scale),
        )

    def by_respect(self, statistics: Statistics) -> dict[Respect, Floats]:
        """Return the surprise in each respect, shape (looks,), nats."""
        return {respect: self._in(respect, statistics) + math.log(share) for respect, share in self.shares.items()}

    def alone(self, strayed: Floats) -> Floats:
        """Return how surprising it would be if no feature had strayed further than this one, shape as given."""
        return furthest_surprise(np.abs(strayed), of=self.mains) + math.log(self.shares[Respect.ONE])

    def _in(self, respect: Respect, statistics: Statistics) -> Floats:
        match respect:
            case Respect.ONE:
                return furthest_surprise(statistics.one, of=self.mains)
            case Respect.MANY:
                return self._many(statistics)
            case Respect.SHAPE:
                return self._shape(statistics)
            case Respect.SHOCK:
                return furthest_surprise(statistics.shock, of=self.shocks)

    def _many(self, statistics: Statistics) -> Floats:
        """Hold sums of squares against the gamma distribution of that mean and variance."""
        from scipy.special import gammaincc

        mean, variance = self.many
        p_values = gammaincc(mean * mean / variance, statistics.many * mean / variance)
        surprise: Floats = -np.log(np.maximum(p_values, np.finfo(np.float64).tiny))
        return surprise

    def _shape(self, statistics: Statistics) -> Floats:
        location, scale = self.shape
        reduced = np.clip((np.log(np.maximum(statistics.shape, 1e-9)) - location) / scale, -30.0, 700.0)
        surprise: Floats = -np.log(-np.expm1(-np.exp(-reduced)))
        return surprise


def furthest_surprise(furthest: Floats, *, of: int) -> Floats:
    """Return -log p of the furthest of so many independent normal variables, either way; right far out in the tail."""
    from scipy.special import log_ndtr

    one = math.log(2) + log_ndtr(-furthest)
    with np.errstate(divide="ignore"):
        exact = -np.log(-np.expm1(of * np.log1p(-np.exp(np.minimum(one, -1e-12)))))
    surprise: Floats = np.where(one < -15.0 - math.log(max(of, 1)), -(math.log(max(of, 1)) + one), exact)
    return surprise


def _furthest(values: Floats) -> Floats:
    furthest: Floats = np.abs(values).max(axis=1, initial=0.0)
    return furthest

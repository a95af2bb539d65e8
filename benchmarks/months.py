"""Months in which nothing is wrong, and windows in which something is: counts of rows over bins of equal share.

Rows are normal, and bins are cut into equal shares of it, so that every rule that works on a histogram sees what it would
see. The counts of a step (an hour or a day) are drawn directly, around a mean of the step that strays as the mean of its
rows would:

* ``independent``: it does not.
* ``autocorrelated``: each row is 0.98 times the one before and a shock; three tenths of a feature's variance is a series
  that all features share. The means of steps are those of such series, exactly, from step to step.
* ``season``: a daily wave of its own for each feature, and weekends that differ in half of them.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]

NULLS: Final = ("independent", "autocorrelated", "season")
_LIKE_THE_LAST: Final = 0.98
_SHARED: Final = 0.3
_SWING: Final = 0.3


@dataclass(frozen=True, slots=True)
class World:
    """A kind of months.

    Attributes:
        null: one of ``NULLS``.
        features: how many there are.
        rows: of a window of a day.
        steps: of a day: 24 where windows end at every hour, else 1.
        bins: of equal share.
    """

    null: str
    features: int
    rows: int
    steps: int
    bins: int

    @property
    def edges(self) -> Floats:
        """Return where the bins part, shape (bins - 1,)."""
        from scipy.special import ndtri

        edges: Floats = ndtri(np.arange(1, self.bins) / self.bins)
        return edges

    def rows_of(self, steps: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return how many rows each step has: whole numbers that add up to the day's."""
        of_day = steps % self.steps
        return (of_day + 1) * self.rows // self.steps - of_day * self.rows // self.steps


@dataclass(frozen=True, slots=True)
class Version:
    """One version in a world: what is its own, drawn once."""

    world: World
    wave: Floats
    phase: Floats
    weekend: Floats

    @classmethod
    def draw(cls, world: World, rng: np.random.Generator) -> "Version":
        """Draw one."""
        size = world.features
        differs = rng.random(size) < 0.5
        return cls(
            world,
            wave=np.abs(_SWING * rng.standard_normal(size)),
            phase=rng.random(size) * 2 * np.pi,
            weekend=_SWING * rng.standard_normal(size) * differs,
        )

    def counts(self, first: int, steps: int, rng: np.random.Generator, *, shift: Floats | None = None) -> Counts:
        """Draw the counts of consecutive steps from ``first`` on, shape (steps, features, bins).

        Args:
            first: the number of the first step since a Monday's midnight.
            steps: how many.
            rng: chance.
            shift: by how much each feature has moved, in standard deviations, shape (features,).
        """
        at = np.arange(first, first + steps)
        rows = self.world.rows_of(at)
        means, variance = self._means(at, rows, rng)
        if shift is not None:
            means = means + shift
        return _draw(means, variance, rows, self.world.edges, rng)

    def _means(self, at: NDArray[np.int64], rows: NDArray[np.int64], rng: np.random.Generator) -> tuple[Floats, float]:
        """Return the mean of each step, shape (steps, features), and the variance that is left within one."""
        world = self.world
        if world.null == "autocorrelated":
            typical = max(int(np.median(rows)), 1)
            series, spread = _autocorrelated(len(at), world.features + 1, typical, rng)
            return np.sqrt(_SHARED) * series[:, :1] + np.sqrt(1 - _SHARED) * series[:, 1:], 1 - spread
        if world.null == "season":
            day = at // world.steps
            is_weekend = (day % 7 >= 5)[:, None]
            hour = (at % world.steps + 0.5)[:, None] / world.steps
            wave = self.wave * np.sin(2 * np.pi * hour + self.phase) if world.steps > 1 else 0.0
            return wave + np.where(is_weekend, self.weekend, -0.4 * self.weekend), 1.0
        return np.zeros((len(at), world.features)), 1.0


def _autocorrelated(steps: int, series: int, rows: int, rng: np.random.Generator) -> tuple[Floats, float]:
    """Return the means of consecutive steps of so many rows, shape (steps, series), and the variance of one.

    Of a series of rows whose variance is 1. Given the row before a step, its sum and its last row are normal together, so
    that steps can be drawn one after the other without their rows.
    """
    like = _LIKE_THE_LAST
    later = np.arange(rows - 1, -1, -1.0)
    in_last, in_sum = like**later, (1 - like ** (later + 1)) / (1 - like)
    noise = 1 - like**2
    covariance = noise * np.array([[in_sum @ in_sum, in_sum @ in_last], [in_sum @ in_last, in_last @ in_last]])
    root = np.linalg.cholesky(covariance + 1e-12 * np.eye(2))
    carried = like * (1 - like**rows) / (1 - like)
    last = rng.standard_normal(series)
    means = np.empty((steps, series))
    for step in range(steps):
        sums, ends = root @ rng.standard_normal((2, series))
        means[step] = (carried * last + sums) / rows
        last = like**rows * last + ends
    return means, float((carried**2 + covariance[0, 0]) / rows**2)


def _draw(means: Floats, variance: float, rows: NDArray[np.int64], edges: Floats, rng: np.random.Generator) -> Counts:
    from scipy.special import ndtr

    below = ndtr((edges - means[..., None]) / np.sqrt(max(variance, 1e-6)))
    shares = np.maximum(np.diff(below, prepend=0.0, append=1.0), 0.0)
    shares /= shares.sum(axis=-1, keepdims=True)
    return rng.multinomial(rows[:, None], shares)

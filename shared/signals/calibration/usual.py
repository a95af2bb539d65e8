"""What is usual of a version: how its windows differ where nothing is wrong.

Three things make windows differ more than independent rows would, and each is learned from the windows themselves:

* **season**: windows that end at the same moment of the week are alike. Each is compared with those, as far as the season
  is seen above the noise (a James-Stein estimate, per contrast);
* **bursts**: rows that come together are alike, so that n of them tell less than n. How far each contrast strays is
  measured, and drawn towards what is common to all (empirical Bayes: some ninety windows tell a variance within 15 %, and
  the most extreme of hundreds of wrong variances would set every threshold);
* **shocks** that move many features at once. The directions in which windows stray together (principal components above
  what noise would have) are taken out, and watched by themselves: so one feature that moves alone is not drowned by what
  moves all.

Source:
    Efron and Morris, "Stein's estimation rule and its competitors", JASA 68 (1973); Smyth, "Linear models and empirical
    Bayes methods", Stat. Appl. Genet. Mol. Biol. 3 (2004); Marchenko and Pastur, Math. USSR Sbornik 1 (1967).
"""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from shared.signals.calibration.looks import Floats, Looks

SEASON_SEEN: Final = 3.0
"""Between moments of the season a contrast varies by so much more than within them before its season is believed."""

LEAST_EFFECT: Final = 0.25
"""A row is worth four independent ones at most: that something never strayed does not say that it never will."""

FEWEST_KNOWN: Final = 10
"""Of a column that had values in fewer blocks it is not known how far it strays."""

MOST_SHOCKS: Final = 5
_ABOVE_NOISE: Final = 1.05
_LEAST_ALONE: Final = 0.01
_DAYS_OF_WEEK: Final = 7


@dataclass(frozen=True, slots=True)
class Strayed:
    """How far windows stray from what is usual, in standard deviations; 0 where a feature had no value.

    Attributes:
        mains: with what is common to many taken out, shape (looks, mains).
        shapes: shape (looks, shapes).
        shocks: along what is common to many, shape (looks, shocks).
        shared: what was taken out of each main, shape (looks, mains).
    """

    mains: Floats
    shapes: Floats
    shocks: Floats
    shared: Floats


@dataclass(frozen=True, slots=True)
class Usual:
    """What is usual, learned from windows."""

    mains: int
    mean: Floats
    season: Floats
    scale: Floats
    typical_rows: float
    typical_values: Floats
    directions: Floats
    alone_scale: Floats
    shock_scale: Floats

    @classmethod
    def of(cls, looks: Looks, *, mains: int, shocks: int | None = None) -> "Usual":
        """Learn it.

        Args:
            looks: of which nothing is known to be wrong, of ten blocks or more.
            mains: how many of the columns are mains.
            shocks: how many directions to take out; None to decide.
        """
        known = ~np.isnan(looks.values)
        blocks = looks.block_count
        mean = np.where(known, looks.values, 0.0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
        # What is missing strays nowhere, and says nothing of how far a column strays.
        values = np.where(known, looks.values - mean, 0.0)
        season, believed = _season(values, looks.slots)
        typical_rows, typical_values = float(np.median(looks.rows)), _typical(looks)
        left = np.where(known, (values - season[looks.slots]) / _allowed(looks, typical_values), 0.0)
        moments = min(len(np.unique(looks.slots)), _DAYS_OF_WEEK)
        degrees = max(blocks - 1 - (moments - 1) * float(believed.mean()), 2.0)
        # The mean of a season's moment is known from one in seven of the windows.
        uncertain = 1 + np.where(believed > 0, believed * moments, 1.0) / blocks
        share = np.maximum(known.mean(axis=0), 1 / len(looks))
        variance = np.maximum((left**2).mean(axis=0) / share * blocks / degrees, LEAST_EFFECT / typical_rows)
        scale = np.empty_like(variance)
        for part in (slice(None, mains), slice(mains, None)):
            scale[part] = np.sqrt(_moderated(variance[part], degrees) * uncertain[part])
        scale[share * blocks < FEWEST_KNOWN] = np.inf
        ends = looks.block_ends()
        stray = left[ends, :mains] / scale[:mains]
        _, sizes, directions = np.linalg.svd(stray, full_matrices=False)
        if shocks is None:
            noise = _ABOVE_NOISE * (math.sqrt(len(stray)) + math.sqrt(mains))
            shocks = min(int((sizes > noise).sum()), MOST_SHOCKS)
        directions = directions[:shocks]
        alone = stray - stray @ directions.T @ directions
        alone_variance = (alone**2).sum(axis=0) / share[:mains] / max(degrees - shocks, 2.0)
        alone_variance = np.maximum(alone_variance, _LEAST_ALONE)
        alone_scale = np.sqrt(_moderated(alone_variance, degrees - shocks) * (1 + 1 / blocks))
        return cls(
            mains=mains,
            mean=mean,
            # One moment more, at which nothing is known of the season.
            season=np.vstack([season, np.zeros_like(mean)]),
            scale=scale,
            typical_rows=typical_rows,
            typical_values=typical_values,
            directions=directions,
            alone_scale=alone_scale if shocks else np.ones(mains),
            shock_scale=np.sqrt(((stray @ directions.T) ** 2).sum(axis=0) / degrees),
        )

    @property
    def main_scale(self) -> Floats:
        """Return by how much the mains of windows of usual size stray alone, shape (mains,)."""
        return self.scale[: self.mains] * self.alone_scale

    def departed(self, looks: Looks) -> Floats:
        """Return how far windows are from what is usual at their moment, shape (looks, columns); 0 where nothing is known."""
        season = self.season[np.minimum(looks.slots, len(self.season) - 1)]
        return np.nan_to_num(looks.values - self.mean - season)

    def worth(self, looks: Looks) -> Floats:
        """Return how many independent rows windows are worth, shape (looks, columns): as those would, they stray."""
        return 1 / (self.scale * _allowed(looks, self.typical_values)) ** 2

    def strayed(self, looks: Looks) -> Strayed:
        """Return how far windows stray."""
        stray = self.departed(looks) / (self.scale * _allowed(looks, self.typical_values))
        mains, shapes = stray[:, : self.mains], stray[:, self.mains :]
        shocks = mains @ self.directions.T
        shared = shocks @ self.directions
        alone = (mains - shared) / self.alone_scale
        return Strayed(alone, shapes, shocks / np.where(self.shock_scale > 0, self.shock_scale, 1.0), shared)


def variances(values: Floats) -> Floats:
    """Return the variance of what is known of each column, shape (columns,); 0 where nothing is."""
    known = ~np.isnan(values)
    count = np.maximum(known.sum(axis=0), 1)
    mean = np.where(known, values, 0.0).sum(axis=0) / count
    spread: Floats = (np.where(known, values - mean, 0.0) ** 2).sum(axis=0) / count
    return spread


def _typical(looks: Looks) -> Floats:
    """Return how many values windows have of each column, shape (columns,)."""
    values: Floats = np.median(looks.rows[:, None] * looks.filled, axis=0)
    return values


def _allowed(looks: Looks, typical_values: Floats) -> Floats:
    """Return how many times as far as usual columns may stray, shape (looks, columns), >= 1.

    A window with fewer values than usual may stray further. One with more may not stray less: what makes windows differ
    besides chance does not shrink with the rows.
    """
    values = np.maximum(looks.rows[:, None] * looks.filled, 1.0)
    allowed: Floats = np.sqrt(np.maximum(typical_values / values, 1.0))
    return allowed


def _season(values: Floats, slots: NDArray[np.int64]) -> tuple[Floats, Floats]:
    """Return what is usual at each moment, shape (slots, columns), and how far it is believed, from 0 to 1, by column."""
    count = int(slots.max()) + 1
    sizes = np.bincount(slots, minlength=count)
    present = int((sizes > 0).sum())
    if present < 2 or len(values) <= present:
        return np.zeros((count, values.shape[1])), np.zeros(values.shape[1])
    means = np.zeros((count, values.shape[1]))
    ends = np.cumsum(sizes[sizes > 0])
    sums = np.add.reduceat(values[np.argsort(slots, kind="stable")], np.append(0, ends[:-1]))
    means[sizes > 0] = sums / sizes[sizes > 0, None]
    within = ((values - means[slots]) ** 2).sum(axis=0) / (len(values) - present)
    between = (sizes[:, None] * means**2).sum(axis=0) / (present - 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        believed = np.where(between > SEASON_SEEN * within, 1 - within / between, 0.0)
    return believed * means, believed


def _moderated(variance: Floats, degrees: float) -> Floats:
    """Return variances drawn towards what is common to all columns, as far as they differ by no more than chance."""
    if len(variance) < 2:
        return variance
    prior_degrees, prior = _prior(variance, degrees)
    if math.isinf(prior_degrees):
        return np.full(len(variance), prior)
    drawn: Floats = (prior_degrees * prior + degrees * variance) / (prior_degrees + degrees)
    return drawn


def _prior(variance: Floats, degrees: float) -> tuple[float, float]:
    """Return the degrees of freedom and the variance of the prior that the columns' variances suggest.

    Source:
        Smyth (2004), section 6.2: moments of the logarithm of a scaled F variable.
    """
    from scipy.special import digamma, polygamma

    logs = np.log(variance) - digamma(degrees / 2) + math.log(degrees / 2)
    mean = float(logs.mean())
    excess = float(logs.var(ddof=1)) - float(polygamma(1, degrees / 2))
    if excess <= 1e-3:
        return math.inf, math.exp(mean)
    half = _inverse_trigamma(excess)
    return 2 * half, math.exp(mean + float(digamma(half)) - math.log(half))


def _inverse_trigamma(value: float) -> float:
    """Solve trigamma(y) = value by Newton's method, which converges from this start for any value > 0."""
    from scipy.special import polygamma

    solution = 0.5 + 1 / value
    for _ in range(50):
        now = float(polygamma(1, solution))
        step = now * (1 - now / value) / float(polygamma(2, solution))
        solution += step
        if -step / solution < 1e-8:
            break
    return solution

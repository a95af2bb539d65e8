"""How sure a distance is: what chance alone would give as much of it, between two windows that are the same.

Rows come in bursts, so that a thousand of them tell less than a thousand independent ones would. A **design effect** of 4
takes four rows for the worth of one.

Tails come from ``tails``; scipy.special, which takes long to import, is needed for their inverses alone: hence the imports
inside those functions.
"""

import math

import numpy as np

from shared.profiles.counts import Counts
from shared.signals.tails import chi_squared_tail, kolmogorov_tail, normal_tail


def effective_rows(baseline: int, current: int, *, design_effect: float) -> float:
    """Return the rows n * m / (n + m), over the design effect, that a comparison of n with m rows is worth.

    >>> effective_rows(3000, 1000, design_effect=4)
    187.5
    """
    return baseline * current / (baseline + current) / design_effect


def at_least(distance: float, *, rows: float, comparisons: int) -> float:
    """Return what a KS distance or a change of a share is at least, with what chance may have added taken off.

    Chance adds more than that to the largest of so many ``comparisons`` in one of twenty windows. The arcsine of a share's
    root has the same spread whatever the share, so that a distance of ``d`` is 2 asin(d) / (1 / sqrt(rows)) deviations, or
    more where shares are near 0 or 1.

    Args:
        distance: from 0 to 1.
        rows: effective ones, > 0.
        comparisons: among how many it was seen.

    Source:
        Cohen, "Statistical Power Analysis for the Behavioral Sciences" (1988), chapter 6: effect size h.

    >>> round(at_least(0.1, rows=400, comparisons=1), 4)
    0.059
    >>> round(at_least(1.0, rows=2, comparisons=10), 4)
    0.6132
    """
    from scipy.special import ndtri

    by_chance = -float(ndtri(0.05 / max(comparisons, 1))) / math.sqrt(rows)
    return math.sin(max(2 * math.asin(min(distance, 1.0)) - by_chance, 0.0) / 2)


def window_rows(worth: float, *, baseline: int) -> float:
    """Return the rows of a window that, against a baseline, are ``worth`` so many of ``effective_rows``, before a design effect.

    Infinite where the baseline alone has no more.

    >>> window_rows(750, baseline=3000)
    1000.0
    """
    return worth * baseline / (baseline - worth) if baseline > worth else math.inf


def ks_p_value(distance: float, *, rows: float) -> float:
    """Return the chance of a KS distance of at least ``distance`` on so many effective ``rows`` when nothing changed.

    The limiting distribution, good from some thirty effective rows; where values repeat the truth is smaller.

    Source:
        Kolmogorov (1933) in the form of Smirnov (1948).
    """
    return kolmogorov_tail(math.sqrt(rows) * distance)


def ks_rows(distance: float, *, p_value: float) -> float:
    """Return the effective rows on which a KS distance of ``distance`` has the given p-value."""
    from scipy.special import kolmogi

    return float(kolmogi(p_value) / distance) ** 2


def chi_squared_p_value(statistic: float, *, degrees: int) -> float:
    """Return the chance of at least ``statistic`` under so many ``degrees`` of freedom; 1 where there are none."""
    return chi_squared_tail(statistic, degrees=degrees) if degrees > 0 else 1.0


def mean_shift_p_value(
    shift: float, variances: tuple[float, float], rows: tuple[int, int], *, design_effect: float
) -> float | None:
    """Return the chance of a mean that is off by at least ``shift``, either way, when nothing changed; None if undefined.

    Welch's statistic, which does not ask that the sides vary alike, held against the normal distribution: the limit for
    many rows, good from some hundred effective ones. Undefined where neither side varies.

    Args:
        shift: difference of the means.
        variances: of the baseline and of the current window (ddof 1), in the square of the shift's unit.
        rows: of the baseline and of the current window.
        design_effect: rows that are worth one independent row, >= 1.

    Source:
        Welch, "The significance of the difference between two means when the population variances are unequal",
        Biometrika 29 (1938).
    """
    error = sum(variance / side for variance, side in zip(variances, rows, strict=True)) * design_effect
    return 2 * normal_tail(abs(shift) / math.sqrt(error)) if error > 0 else None


def largest_share_p_value(baseline: Counts, current: Counts, *, design_effect: float) -> float:
    """Return the chance that the share which moved furthest moves as far when nothing changed.

    It is the share that ``l_infinity`` reports. Shares are compared as arcsines of their roots, whose variance is
    1 / (4 * rows) whatever the share: rare categories, where a handful of rows is a large multiple, do not become sure too
    soon. Bonferroni over the bins, any of which could have been the one (two bins are one comparison, because one is what
    the other is not).

    Args:
        baseline: rows per bin, shape (bins,), bins >= 2, at least one row.
        current: rows per bin, likewise.
        design_effect: rows that are worth one independent row, >= 1.

    Source:
        Cohen, "Statistical Power Analysis for the Behavioral Sciences" (1988), chapter 6: effect size h.
    """
    n, m = int(baseline.sum()), int(current.sum())
    furthest = int(np.argmax(np.abs(baseline / n - current / m)))
    before, now = math.sqrt(baseline[furthest] / n), math.sqrt(current[furthest] / m)
    effect = 2 * abs(math.asin(before) - math.asin(now))
    deviations = effect * math.sqrt(effective_rows(n, m, design_effect=design_effect))
    return min(1.0, comparisons(len(baseline)) * 2 * normal_tail(deviations))


def share_rows(difference: float, *, bins: int, p_value: float) -> float:
    """Return the effective rows on which shares that differ by ``difference``, wherever, have the given p-value at most."""
    from scipy.special import ndtri

    smallest_effect = 4 * math.asin(math.sqrt((1 + difference) / 2)) - math.pi
    return float(ndtri(p_value / comparisons(bins) / 2) / smallest_effect) ** 2


def comparisons(bins: int) -> int:
    """Return how many independent comparisons the shares of so many bins make."""
    return bins if bins > 2 else 1

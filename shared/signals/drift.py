"""Distances between two histograms of one feature.

Every metric here takes counts over the *same* bins, returns a plain float, and holds no threshold: judging the number is
the job of ``judging``. A metric's name says its definition, because tools differ: the same column gives a PSI of 0.0086,
0.0067 or 0.0069 depending on how it is binned. Here PSI and Jensen-Shannon of numbers are taken over the baseline's
tenths, KS and Wasserstein over all bins.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shared.errors import IncompatibleProfiles, InsufficientData
from shared.profiles.counts import Counts

Shares = NDArray[np.float64]


def psi(baseline: Counts, current: Counts, *, pseudocount: float = 0.5) -> float:
    """Population stability index of ``current`` against ``baseline``.

    sum((q - p) * ln(q / p)) over bins, where p and q are the bin shares of the baseline and of the current window.
    Symmetric; 0 for equal counts; nats.

    ``pseudocount`` is added to every bin of both sides so that an empty bin costs a finite amount that shrinks as rows
    arrive. A fixed tiny share would instead make the result depend on how tiny: one extra row in an empty bin gives
    0.05, 0.09 or 7.04 for 1e-4, 1e-6 and the smallest float.

    With no drift, the expected value is about (bins - 1) * (1/n + 1/m) for n and m rows, so the textbook limits 0.1 and
    0.25 alert on noise alone when windows are small.

    Args:
        baseline: rows per bin, shape (bins,), bins >= 2.
        current: rows per bin, shape (bins,), the same bins in the same order.
        pseudocount: rows added per bin, > 0.

    Raises:
        IncompatibleProfiles: the shapes differ, or there are fewer than 2 bins.
        InsufficientData: one side has no rows.

    Source:
        Siddiqi, "Credit Risk Scorecards" (2006); null distribution: Yurdakul, "Statistical Properties of Population
        Stability Index" (2018).

    >>> round(psi(np.array([500, 500]), np.array([400, 600])), 4)
    0.0405
    """
    _check(baseline, current)
    p = _shares(baseline, pseudocount=pseudocount)
    q = _shares(current, pseudocount=pseudocount)
    return float(np.sum((q - p) * np.log(q / p)))


def jensen_shannon_distance(baseline: Counts, current: Counts) -> float:
    """Jensen-Shannon distance: the root of the divergence in bits, between 0 (equal shares) and 1 (nothing in common).

    sqrt((KL(p || m) + KL(q || m)) / 2) with m = (p + q) / 2 and logarithms to base 2; empty bins cost nothing. Symmetric.

    Args:
        baseline: rows per bin, shape (bins,), bins >= 2.
        current: rows per bin, shape (bins,), the same bins; their order does not matter.

    Raises:
        IncompatibleProfiles: the shapes differ, or there are fewer than 2 bins.
        InsufficientData: one side has no rows.

    Source:
        Endres and Schindelin, "A new metric for probability distributions", IEEE Trans. Inf. Theory 49 (2003).

    >>> jensen_shannon_distance(np.array([7, 0]), np.array([0, 2]))
    1.0
    """
    _check(baseline, current)
    p, q = _shares(baseline), _shares(current)
    middle = (p + q) / 2
    divergence = (_relative_entropy(p, middle) + _relative_entropy(q, middle)) / 2
    return math.sqrt(min(max(divergence, 0.0), 1.0))


def ks(baseline: Counts, current: Counts) -> float:
    """Kolmogorov-Smirnov distance: the largest difference of the two distribution functions, between 0 and 1.

    Taken where bins end. Between two ends the functions can part further, by the baseline's share of that bin at most.

    Args:
        baseline: rows per bin, shape (bins,), bins >= 2, in the order of the values.
        current: rows per bin, shape (bins,), the same bins in the same order.

    Raises:
        IncompatibleProfiles: the shapes differ, or there are fewer than 2 bins.
        InsufficientData: one side has no rows.

    Source:
        Smirnov, "Table for estimating the goodness of fit of empirical distributions", Ann. Math. Stat. 19 (1948).

    >>> ks(np.array([5, 5, 0]), np.array([0, 5, 5]))
    0.5
    """
    _check(baseline, current)
    return float(np.max(np.abs(_distribution(baseline) - _distribution(current))))


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownArea:
    """The area between the two distribution functions over some bins, with its sign: it can be known without the bins.

    The area between the baseline's function and the current window's, positive where the baseline's is above, is the
    difference of the means (current minus baseline) of values that are cut off where the first of these bins begins and the
    last ends.

    Attributes:
        first: the first of these bins.
        end: the bin after the last of them.
        area: in units of the baseline's standard deviation.
    """

    first: int
    end: int
    area: float


def wasserstein_normalised(
    baseline: Counts,
    current: Counts,
    *,
    bounds: NDArray[np.float64],
    scale: float,
    known: KnownArea | None = None,
) -> float:
    """Wasserstein-1 distance in units of the baseline's standard deviation; 0 for equal shares, no upper limit.

    The area between the two distribution functions, which are exact at the bounds and drawn straight between them. What
    that is off by, where the area with its sign is ``known``, is shared among the bins by what each leaves open: exact where
    one function is above the other all along, as after a shift. Infinite where the largest float is too small for it.

    Args:
        baseline: rows per bin, shape (bins,), bins >= 2, in the order of the values.
        current: rows per bin, shape (bins,), the same bins in the same order.
        bounds: where each bin begins and ends, shape (bins + 1,), finite and not decreasing: no value of either side lies
            outside.
        scale: the baseline's standard deviation, > 0.
        known: what is known of the area from elsewhere.

    Raises:
        IncompatibleProfiles: the shapes differ, or there are fewer than 2 bins.
        InsufficientData: one side has no rows.

    Source:
        Vallender, "Calculation of the Wasserstein distance between probability distributions on the line", Theory of
        Probability and its Applications 18 (1974).

    >>> wasserstein_normalised(np.array([4, 0]), np.array([0, 4]), bounds=np.array([0.0, 1.0, 2.0]), scale=2.0)
    0.5
    """
    _check(baseline, current)
    if len(bounds) != len(baseline) + 1:
        raise IncompatibleProfiles(f"{len(bounds)} bounds for {len(baseline)} bins")
    before, now = (np.append(0.0, _distribution(side)) for side in (baseline, current))
    apart = before - now
    left, right = np.abs(apart[:-1]), np.abs(apart[1:])
    # two triangles where the functions cross inside the bin, else a trapezium
    crossing = apart[:-1] * apart[1:] < 0
    sides = left + right
    heights = np.where(crossing, (left**2 + right**2) / np.where(sides > 0, 2 * sides, 1), sides / 2)
    with np.errstate(over="ignore"):
        widths = np.minimum(np.diff(bounds) / scale, np.finfo(np.float64).max)
        areas = heights * widths
        if known is not None:
            inside = slice(known.first, known.end)
            signed = ((apart[:-1] + apart[1:]) / 2 * widths)[inside]
            # inside its bin a function may rise at once, or only at the end
            open_to = ((np.diff(before) + np.diff(now)) / 2 * widths)[inside]
            areas[inside] = _corrected(areas[inside], signed, open_to, off=known.area - float(signed.sum()))
        return float(np.sum(areas))


def _corrected(areas: Shares, signed: Shares, open_to: Shares, *, off: float) -> Shares:
    """Return the areas of bins whose ``signed`` areas together are ``off``, by what each is ``open_to``."""
    whole = float(open_to.sum())
    if not (0 < whole < math.inf):
        return areas
    share = off * open_to / whole
    return np.maximum(areas + np.sign(signed) * share, np.abs(signed + share))


def chi_squared(baseline: Counts, current: Counts) -> float:
    """Pearson's statistic of the 2 x bins contingency table; 0 for equal shares, grows with the rows.

    sum((observed - expected)^2 / expected) over both sides, the expected being the shares of both together. A bin that is
    empty on both sides counts for nothing. Under no drift it follows the chi-squared distribution with
    ``contingency_degrees`` degrees of freedom, unless many bins expect fewer than five rows.

    Args:
        baseline: rows per bin, shape (bins,), bins >= 2.
        current: rows per bin, shape (bins,), the same bins; their order does not matter.

    Raises:
        IncompatibleProfiles: the shapes differ, or there are fewer than 2 bins.
        InsufficientData: one side has no rows.

    Source:
        Pearson, "On the probability that two independent distributions of frequency are really samples from the same
        population", Biometrika 8 (1911).

    >>> round(chi_squared(np.array([10, 20]), np.array([20, 10])), 4)
    6.6667
    """
    _check(baseline, current)
    observed = np.vstack((baseline, current))
    observed = observed[:, observed.sum(axis=0) > 0]
    expected = np.outer(observed.sum(axis=1), observed.sum(axis=0)) / observed.sum()
    return float(np.sum((observed - expected) ** 2 / expected))


def contingency_degrees(baseline: Counts, current: Counts) -> int:
    """Return the degrees of freedom of ``chi_squared``: bins that are not empty on both sides, less one."""
    return int(np.count_nonzero(baseline + current)) - 1


def l_infinity(baseline: Counts, current: Counts) -> float:
    """Largest difference of one bin's share, between 0 and 1: how much the most moved category gained or lost.

    Args:
        baseline: rows per bin, shape (bins,), bins >= 2.
        current: rows per bin, shape (bins,), the same bins; their order does not matter.

    Raises:
        IncompatibleProfiles: the shapes differ, or there are fewer than 2 bins.
        InsufficientData: one side has no rows.

    Source:
        Breck et al., "Data validation for machine learning", SysML (2019).

    >>> l_infinity(np.array([5, 5, 0]), np.array([2, 6, 2]))
    0.3
    """
    _check(baseline, current)
    return float(np.max(np.abs(_shares(baseline) - _shares(current))))


def mean_shift(baseline: float, current: float, *, scale: float) -> float:
    """How far the mean has moved, in units of the baseline's standard deviation, upwards if positive.

    (mean of the current window - mean of the baseline) / scale. Over profiles values are cut off at 8 standard deviations
    from the baseline's mean before they are averaged, over rows they are not.

    Args:
        baseline: mean of its finite values.
        current: mean of its finite values.
        scale: the baseline's standard deviation (ddof 0), > 0; 1 where that is zero.

    Source:
        Glass, "Primary, secondary, and meta-analysis of research", Educational Researcher 5 (1976): Glass's delta.

    >>> mean_shift(10.0, 13.0, scale=2.0)
    1.5
    """
    return (current - baseline) / scale


def _check(baseline: Counts, current: Counts) -> None:
    if baseline.shape != current.shape or baseline.ndim != 1:
        raise IncompatibleProfiles(f"counts of shape {baseline.shape} and {current.shape}")
    if len(baseline) < 2:
        raise IncompatibleProfiles("there must be two bins to tell a difference")
    if not (baseline.any() and current.any()):
        raise InsufficientData(rows=0, needed=1)


def _shares(counts: Counts, *, pseudocount: float = 0.0) -> Shares:
    shares: Shares = (counts + pseudocount) / (counts.sum() + pseudocount * len(counts))
    return shares


def _distribution(counts: Counts) -> Shares:
    """Return the distribution function where bins end; its last value is exactly 1."""
    up_to = np.cumsum(counts)
    shares: Shares = up_to / up_to[-1]
    return shares


def _relative_entropy(p: Shares, q: Shares) -> float:
    held = p > 0
    return float(np.sum(p[held] * np.log2(p[held] / q[held])))

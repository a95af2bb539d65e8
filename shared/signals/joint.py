"""How far apart two windows are in how their features go together.

Both numbers come from joint profiles alone. Rows cannot be shuffled between windows to see what chance does, because there
are none left; so chance is worked out: what it gives on average from the windows themselves, how it spreads from the
baseline, whose rows were there when the bins were cut. Of a kind of rows that none of these was, six more may be expected
among so many: by what they would add, chance is taken to spread further than the baseline.

Source:
    Hanley and Lippman-Hand, "If nothing goes wrong, is everything all right?", JAMA 249 (1983): their rule of three, for
    rows that stay away once in 400 times and not once in 20.
"""

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

import numpy as np

from shared.profiles.joint_bins import CLIP, JointBins, pairs
from shared.profiles.profile import Profile
from shared.signals.measuring import Difference
from shared.signals.significance import effective_rows
from shared.signals.tails import weighted_tail

EVERYTHING = "all features"

_UNSEEN: Final = 6.0
"""So many rows of a kind may be expected where there are none: -log of the chance of that."""


def joint(bins: JointBins, baseline: Profile, current: Profile, *, design_effect: float) -> Iterator[Difference]:
    """Yield the maximum mean discrepancy of two windows, and by how much the correlation of two features has moved.

    Nothing for a version without features that are numbers or have known values; without the second one where there is but
    one such feature.

    Args:
        bins: what both were summed over.
        baseline: profile of the baseline.
        current: profile of the current window.
        design_effect: rows that are worth one independent row, >= 1.
    """
    if not bins.coordinates:
        return
    yield maximum_mean_discrepancy(bins, baseline, current, design_effect=design_effect)
    if bins.axes > 1:
        yield correlation_change(bins, baseline, current, design_effect=design_effect)


def maximum_mean_discrepancy(
    bins: JointBins, baseline: Profile, current: Profile, *, design_effect: float
) -> Difference:
    """Measure ``mmd_gaussian``: the distance of the two windows' mean waves, between 0 and the root of 2.

    The root of MMD^2 = E k(x, x') + E k(y, y') - 2 E k(x, y) with the Gaussian kernel whose width is half the median
    distance of two rows of the baseline, standardised and clipped, by 128 random Fourier features. What chance gives is
    taken off (the unbiased estimate), and what is left is not below 0.

    When nothing changed, the biased estimate is on average (1 - mean |phi|^2) * (1/n + 1/m), where phi are the mean
    waves of the baseline: a row's waves have length 1, so that their variance is known from their mean. It is a sum of
    chi-squared variables, weighted as ``bins.weights`` says: the limit for many rows. Where nothing but flags varies, of
    which a window has a handful of rows each, chances of 1e-4 are up to five times as large, but of a discrepancy that
    stays below 0.03.

    Source:
        Gretton et al., "A kernel two-sample test", JMLR 13 (2012), lemma 6 and theorem 12; Rahimi and Recht, "Random
        features for large-scale kernel machines", NIPS 2007.
    """
    n, m = baseline.rows, current.rows
    nothing = Difference(feature=EVERYTHING, metric="mmd_gaussian", baseline_rows=n, rows=m, bins=2)
    if not (n and m):
        return nothing
    weights = np.array(bins.weights)
    before = baseline.joint.characteristic(n)
    variance = max(1.0 - float(np.mean(np.abs(before) ** 2)), min(_UNSEEN / n, 1.0))

    squared = float(np.mean(np.abs(before - current.joint.characteristic(m)) ** 2))
    by_chance = variance * (1 / n + 1 / m)
    value = math.sqrt(max(squared - by_chance, 0.0))
    return replace(
        nothing,
        value=value,
        p_value=weighted_tail(squared / (by_chance * design_effect), weights),
        words=f"rows as a whole have moved by a maximum mean discrepancy of {value:.3f}",
        also={"mmd_squared_over_chance": squared / by_chance},
    )


def correlation_change(bins: JointBins, baseline: Profile, current: Profile, *, design_effect: float) -> Difference:
    """Measure ``correlation_change``: how far Pearson's correlation of two features has moved, between 0 and 2.

    Of values that are standardised by the baseline and cut off at 4 standard deviations. Of all pairs the one is taken
    that is surest to have moved; a feature that is constant in either window has no correlations. The p-value is Bernstein's
    bound with the spread of the correlation in the baseline, over all pairs (Bonferroni): products of values have
    heavier tails than a normal approximation allows for, and the bound is never too small for that.

    Source:
        Bernstein's inequality: Boucheron, Lugosi and Massart, "Concentration Inequalities" (2013), theorem 2.10.
    """
    n, m = baseline.rows, current.rows
    nothing = Difference(feature=EVERYTHING, metric="correlation_change", baseline_rows=n, rows=m, bins=2)
    if not (n and m):
        return nothing
    places = pairs(bins.axes)
    before, now = (one.joint.correlations(one.rows)[places] for one in (baseline, current))
    rows = effective_rows(n, m, design_effect=design_effect)
    spreads = np.array(bins.spreads)
    deviations = np.nan_to_num(np.abs(now - before) / spreads * math.sqrt(rows))
    known = int(np.count_nonzero(~np.isnan(now - before)))
    if not known:
        return nothing
    surest = int(np.argmax(deviations))
    if np.isnan(now[surest] - before[surest]):  # all that is known has not moved at all
        surest = int(np.flatnonzero(~np.isnan(now - before))[0])
    names = bins.axis_features()
    first, second = (" + ".join(names[int(side[surest])]) for side in places)
    return Difference(
        feature=f"{first} and {second}",
        metric="correlation_change",
        baseline_rows=n,
        rows=m,
        bins=2,
        value=float(abs(now[surest] - before[surest])),
        p_value=min(1.0, known * _bernstein(float(deviations[surest]), float(spreads[surest]), rows)),
        words=f"the correlation of {first} and {second} has moved from {before[surest]:.2f} to {now[surest]:.2f}",
    )


def _bernstein(deviations: float, spread: float, rows: float) -> float:
    """Bound the chance that a mean of so many bounded rows is so many standard deviations away, on either side."""
    largest = CLIP * CLIP / spread
    return 2 * math.exp(-(deviations**2) / 2 / (1 + largest * deviations / (3 * math.sqrt(rows))))

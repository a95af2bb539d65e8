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
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from shared.profiles.joint import correlations_of, scales_of
from shared.profiles.joint_bins import STEPS, Floats, JointBins, pairs
from shared.profiles.profile import Profile
from shared.signals.measuring import Difference
from shared.signals.significance import effective_rows, window_rows
from shared.signals.tails import weighted_quantile, weighted_tail

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
    if not n:
        return nothing
    weights = np.array(bins.weights)
    before = baseline.joint.characteristic(n)
    variance = max(1.0 - float(np.mean(np.abs(before) ** 2)), min(_UNSEEN / n, 1.0))

    def needed(distance: float, p_value: float) -> float:
        ratio = weighted_quantile(p_value, weights)
        return window_rows((ratio * design_effect - 1) * variance / distance**2, baseline=n)

    if not m:
        return replace(nothing, needed=needed)
    squared = float(np.mean(np.abs(before - current.joint.characteristic(m)) ** 2))
    by_chance = variance * (1 / n + 1 / m)
    value = math.sqrt(max(squared - by_chance, 0.0))
    return replace(
        nothing,
        value=value,
        p_value=weighted_tail(squared / (by_chance * design_effect), weights),
        words=f"rows as a whole have moved by a maximum mean discrepancy of {value:.3f}",
        also={"mmd_squared_over_chance": squared / by_chance},
        needed=needed,
    )


def correlation_change(bins: JointBins, baseline: Profile, current: Profile, *, design_effect: float) -> Difference:
    """Measure ``correlation_change``: how far Pearson's correlation of two features has moved, between 0 and 2.

    Of values that are standardised by the baseline and cut off at 4 standard deviations. Of all pairs the one is taken
    that is surest to have moved; a feature that is constant in either window has no correlations. The p-value is a bound,
    over all pairs (Bonferroni): ``_Chance`` has it for one.

    A pair of which not even a window as large as the baseline would tell has no say in how many rows are needed, though it
    may be caught: two flags of 1 % that begin to go together are, and that they do not is never sure.
    """
    n, m = baseline.rows, current.rows
    nothing = Difference(feature=EVERYTHING, metric="correlation_change", baseline_rows=n, rows=m, bins=2)
    chance = _Chance.of(bins, baseline) if n and bins.spreads else None
    if chance is None or not chance.known:
        return replace(nothing, needed=lambda _distance, _p_value: math.inf)

    def needed(distance: float, p_value: float) -> float:
        worth = design_effect * math.log(2 * chance.known / p_value) / chance.exponents(distance)
        worth = worth[worth <= effective_rows(n, n, design_effect=1)]
        return window_rows(float(np.max(worth)), baseline=n) if len(worth) else math.inf

    if not m:
        return replace(nothing, needed=needed)
    covariances = current.joint.covariances(m)
    now = correlations_of(covariances)[pairs(bins.axes)]
    exponents = chance.exponents(chance.moved(covariances))
    exponents[np.isnan(now)] = np.nan
    if np.isnan(exponents).all():
        return replace(nothing, needed=needed)
    surest = int(np.nanargmax(exponents))
    rows = effective_rows(n, m, design_effect=design_effect)
    names = bins.axis_features()
    first, second = (" + ".join(names[int(side[surest])]) for side in pairs(bins.axes))
    before = float(chance.correlations[surest])
    return replace(
        nothing,
        feature=f"{first} and {second}",
        value=abs(float(now[surest]) - before),
        p_value=min(1.0, 2 * chance.known * math.exp(-rows * exponents[surest])),
        words=f"the correlation of {first} and {second} has moved from {before:.2f} to {now[surest]:.2f}",
        needed=needed,
    )


@dataclass(frozen=True, slots=True)
class _Chance:
    """How far chance may move the correlation of each pair, which is NaN with a feature that is constant in the baseline.

    A row with values a and b, in standard deviations of the baseline from its mean, moves a correlation of rho by
    a * b - rho * (a**2 + b**2) / 2 over the rows. The mean of that over a window is what is compared, and not the window's
    correlation: it is a mean of bounded terms of a known spread, for which Bennett's inequality holds whatever their
    distribution. A window's correlation is divided by the window's own spreads, for which nothing holds where these are
    made of a handful of rows.

    ``variances`` are those of the baseline, and no smaller than that of a normal pair, to which the most is added that rows
    of a kind not seen would. So the bound is safe for two flags of 0.1 %, too, which go together in no row of the baseline
    and in two of the next window.

    Source:
        Boucheron, Lugosi and Massart, "Concentration Inequalities" (2013), theorem 2.9 (Bennett); the terms: Devlin,
        Gnanadesikan and Kettenring, "Robust estimation and outlier detection with correlation coefficients", Biometrika 62
        (1975).
    """

    scales: Floats
    correlations: Floats
    variances: Floats
    largest: Floats
    places: tuple[NDArray[np.int64], NDArray[np.int64]]

    @classmethod
    def of(cls, bins: JointBins, baseline: Profile) -> "_Chance":
        covariances = baseline.joint.covariances(baseline.rows)
        places = first, second = pairs(bins.axes)
        scales = scales_of(covariances)
        correlations = correlations_of(covariances)[places]
        furthest = (bins.limits() / STEPS + np.abs(baseline.joint.means(baseline.rows))) / scales
        squares = (furthest[first] ** 2 + furthest[second] ** 2) / 2
        largest = furthest[first] * furthest[second] + np.abs(correlations) * squares
        seen = np.maximum(bins.spreads, 1 - correlations**2) ** 2
        variances = seen + largest**2 * _UNSEEN / bins.rows
        return cls(scales=scales, correlations=correlations, variances=variances, largest=largest, places=places)

    @property
    def known(self) -> int:
        """Return how many pairs have a correlation in the baseline."""
        return int(np.count_nonzero(~np.isnan(self.correlations)))

    def moved(self, covariances: Floats) -> Floats:
        """Return by how much a window with these covariances has moved each correlation, either way."""
        scaled = covariances / np.outer(self.scales, self.scales)
        variances = scaled.diagonal()
        first, second = self.places
        moved: Floats = np.abs(scaled[self.places] - self.correlations * (variances[first] + variances[second]) / 2)
        return moved

    def exponents(self, distances: Floats | float) -> Floats:
        """Return -log of the bound on the chance of being moved so far one way, over the effective rows."""
        far = self.largest * distances / self.variances
        exponents: Floats = self.variances / self.largest**2 * ((1 + far) * np.log1p(far) - far)
        return exponents

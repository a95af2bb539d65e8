"""From two profiles to the differences between them: numbers only, nothing is judged here."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from shared.errors import IncompatibleProfiles
from shared.profiles.bins import FeatureBins, NumericBins
from shared.profiles.categorical import CategoricalProfile
from shared.profiles.counts import Counts
from shared.profiles.cutting import clip_edges
from shared.profiles.numeric import NumericProfile
from shared.profiles.profile import FeatureProfile
from shared.signals.drift import (
    KnownArea,
    chi_squared,
    contingency_degrees,
    jensen_shannon_distance,
    ks,
    l_infinity,
    mean_shift,
    psi,
    wasserstein_normalised,
)
from shared.signals.significance import (
    chi_squared_p_value,
    effective_rows,
    ks_p_value,
    largest_share_p_value,
    mean_shift_p_value,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """How far apart two windows are in one respect.

    Attributes:
        feature: name of a feature or an output's column.
        metric: ``ks`` or ``l_infinity``; what ``joint`` and ``quality`` measure is named there.
        baseline_rows: rows of the baseline that were compared; None of them leaves ``value`` None.
        rows: rows of the current window that were compared, likewise.
        bins: over how many bins.
        value: the number, None where there was nothing to compare.
        p_value: what chance alone would give as much of it, None where there was nothing to compare.
        words: the number as a person would say it.
        unknown: why there was nothing to compare, where that is not for want of rows.
        also: other metrics of the same feature, by name.
        p_values: what chance alone would give as much of those, by the same names; of some there is none.
        needed: rows of a current window in which a distance of so much (first) would have a p-value of so much (second),
            infinite where no number would do; None for distances between distributions or shares, which the rows alone
            decide.
    """

    feature: str
    metric: str
    baseline_rows: int
    rows: int
    bins: int
    value: float | None = None
    p_value: float | None = None
    words: str = ""
    unknown: str = ""
    also: dict[str, float] = field(default_factory=dict)
    p_values: dict[str, float] = field(default_factory=dict)
    needed: Callable[[float, float], float] | None = None


def drift(
    feature: str, bins: FeatureBins, baseline: FeatureProfile, current: FeatureProfile, *, design_effect: float
) -> Difference | None:
    """Measure how far the values of one feature have moved; None for strings, whose values are not kept.

    Raises:
        IncompatibleProfiles: a profile does not belong to the bins.
    """
    if isinstance(bins, NumericBins):
        before, now = _numeric(baseline), _numeric(current)
        return _numeric_drift(feature, bins, before, now, design_effect=design_effect)
    if not bins.categories:
        return None
    counts = _categorical(baseline).counts(bins), _categorical(current).counts(bins)
    return _categorical_drift(feature, *counts, design_effect=design_effect)


def _numeric_drift(
    feature: str, bins: NumericBins, before: NumericProfile, now: NumericProfile, *, design_effect: float
) -> Difference:
    baseline, current = before.counts(bins), now.counts(bins)
    n, m = before.values, now.values
    if not (n and m):
        return Difference(feature=feature, metric="ks", baseline_rows=n, rows=m, bins=len(baseline))
    distance = ks(baseline, current)
    tenths = bins.tenths(baseline), bins.tenths(current)
    (mean, variance), (mean_now, variance_now) = before.moments(), now.moments()
    shift = mean_shift(mean, mean_now, scale=1.0)
    shift_p_value = mean_shift_p_value(shift, (variance, variance_now), (n, m), design_effect=design_effect)
    also = {
        "psi": psi(*tenths),
        "jensen_shannon_distance": jensen_shannon_distance(*tenths),
        "wasserstein_normalised": wasserstein_normalised(
            baseline, current, bounds=_bounds(bins, before, now), scale=bins.scale, known=_known_area(bins, shift)
        ),
        "mean_shift": shift,
    }
    return Difference(
        feature=feature,
        metric="ks",
        baseline_rows=n,
        rows=m,
        bins=len(baseline),
        value=distance,
        p_value=ks_p_value(distance, rows=effective_rows(n, m, design_effect=design_effect)),
        words=f"its values have moved by a KS distance of {distance:.3f}",
        also={name: value for name, value in also.items() if math.isfinite(value)},
        p_values={} if shift_p_value is None else {"mean_shift": shift_p_value},
    )


def _categorical_drift(feature: str, baseline: Counts, current: Counts, *, design_effect: float) -> Difference:
    n, m = int(baseline.sum()), int(current.sum())
    if not (n and m):
        return Difference(feature=feature, metric="l_infinity", baseline_rows=n, rows=m, bins=len(baseline))
    distance = l_infinity(baseline, current)
    statistic = chi_squared(baseline, current)
    degrees = contingency_degrees(baseline, current)
    return Difference(
        feature=feature,
        metric="l_infinity",
        baseline_rows=n,
        rows=m,
        bins=len(baseline),
        value=distance,
        p_value=largest_share_p_value(baseline, current, design_effect=design_effect),
        words=f"the share of one category has moved by {distance:.1%}",
        also={
            "psi": psi(baseline, current),
            "jensen_shannon_distance": jensen_shannon_distance(baseline, current),
            "chi_squared": statistic,
        },
        p_values={"chi_squared": chi_squared_p_value(statistic / design_effect, degrees=degrees)},
    )


def _bounds(bins: NumericBins, before: NumericProfile, now: NumericProfile) -> NDArray[np.float64]:
    """Return where each bin begins and ends, the first and last one at the most extreme value of either side."""
    extremes = [m for side in (before, now) for m in (side.minimum, side.maximum) if m is not None]
    lowest, highest = min(extremes), max(extremes)
    return np.array([min(lowest, bins.edges[0]), *bins.edges, max(highest, bins.edges[-1])])


def _known_area(bins: NumericBins, shift: float) -> KnownArea | None:
    """Return what the sums of two profiles say of the area between their distribution functions; None without such edges."""
    ends = clip_edges(bins.mean, bins.scale)
    edges = np.asarray(bins.edges)
    first, last = np.searchsorted(edges, ends)
    if last == len(edges) or not np.array_equal(edges[[first, last]], ends):
        return None
    return KnownArea(first=int(first) + 1, end=int(last) + 1, area=shift)


def _numeric(profile: FeatureProfile) -> NumericProfile:
    if not isinstance(profile, NumericProfile):
        raise IncompatibleProfiles("a category where the bins are a number's")
    return profile


def _categorical(profile: FeatureProfile) -> CategoricalProfile:
    if not isinstance(profile, CategoricalProfile):
        raise IncompatibleProfiles("a number where the bins are a category's")
    return profile

"""By how much bad values have become more common: numbers only, nothing is judged here.

A feature that has vanished is missing in every row. One of a wrong type, or that the model does not take, never comes so
far: its request is refused, which ``refusals`` counts.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

import numpy as np

from shared.errors import IncompatibleProfiles
from shared.profiles.bins import CategoricalBins, FeatureBins, NumericBins
from shared.profiles.categorical import CategoricalProfile
from shared.profiles.counts import Counts
from shared.profiles.features import FeatureProfile
from shared.profiles.numeric import NumericProfile
from shared.signals.measuring import Difference
from shared.signals.significance import largest_share_p_value


def quality(
    feature: str,
    bins: FeatureBins,
    baseline: FeatureProfile,
    current: FeatureProfile,
    *,
    rows: tuple[int, int],
    design_effect: float,
) -> Iterator[Difference]:
    """Yield by how much each kind of bad value has become more common.

    Args:
        feature: name of a feature or an output's column.
        bins: its bins.
        baseline: its profile over the baseline.
        current: its profile over the current window.
        rows: rows of the baseline and of the current window, good and bad.
        design_effect: rows that are worth one independent row.

    Raises:
        IncompatibleProfiles: a profile does not belong to the bins.
    """

    def increase(kind: str, bad: tuple[int, int], of: tuple[int, int]) -> Difference:
        return _share_increase(feature, kind, bad, of, design_effect=design_effect)

    values = baseline.values, current.values
    yield increase("missing", (baseline.missing, current.missing), rows)
    match bins, baseline, current:
        case NumericBins(), NumericProfile(), NumericProfile():
            yield increase("not_finite", (baseline.not_finite, current.not_finite), rows)
            counts = baseline.counts(bins), current.counts(bins)
            if bins.minimum is not None or bins.maximum is not None:
                yield increase("out_of_range", (bins.out_of_range(counts[0]), bins.out_of_range(counts[1])), values)
            is_stuck = current.minimum == current.maximum
            yield from _constant(feature, *counts, is_stuck=is_stuck, design_effect=design_effect)
        case CategoricalBins(), CategoricalProfile(), CategoricalProfile():
            if bins.categories:
                yield increase("unseen", (baseline.unseen, current.unseen), values)
                counts = baseline.counts(bins), current.counts(bins)
                is_stuck = _distinct(current, bins) == 1
                yield from _constant(feature, *counts, is_stuck=is_stuck, design_effect=design_effect)
        case _:
            raise IncompatibleProfiles(f"{feature} is a number on one side and a category on the other")


def refusals(
    refused: Mapping[str, int],
    names: Iterable[str],
    *,
    rows: tuple[int, int],
    design_effect: float,
    refused_rows: Mapping[str, int] = MappingProxyType({}),
) -> Iterator[Difference]:
    """Yield the share of rows that were refused because of each feature: wrong types, new or missing features.

    A value of a wrong type never comes as far as a profile: its request is refused with 422, all its rows with it, and its
    record names the first feature that did not fit. Training data fits its own schema, so that the baseline has none.

    How many requests were answered nobody counts, hence the share of rows. But the rows of one request are refused
    together, and one large request proves no more than one small one: the p-value takes a request for a row, and the rows
    that were answered for requests as large as those refused.

    Args:
        refused: requests that were refused, by the feature that did not fit; one that the schema does not have is under
            the empty name.
        names: the features there are.
        rows: rows of the baseline and of the current window, those refused not among them.
        design_effect: rows, or requests, that are worth one independent one.
        refused_rows: rows of the requests that were refused, by the same names. Where a request's rows are not known it
            counts as one row, the least there can be.
    """
    lost = {name: max(refused_rows.get(name, 0), requests) for name, requests in refused.items()}
    before, now = rows[0], rows[1] + sum(lost.values())
    for name in (*names, ""):
        told = name or "a feature that the model does not take"
        bad, requests = lost.get(name, 0), refused.get(name, 0)
        found = _share_increase(told, "refused", (0, bad), (before, now), design_effect=design_effect)
        if found.p_value is None or bad == requests:
            yield found
        else:
            as_large = round((now - bad) * requests / bad)
            sides = np.array([0, before]), np.array([requests, as_large])
            yield replace(found, p_value=largest_share_p_value(*sides, design_effect=design_effect))


def volume(rows: int, usual: Sequence[int]) -> Difference:
    """Measure ``volume_change``: how far the rows of a window are from what is usual, as a natural logarithm, >= 0.

    |ln(rows + 1) - mean| of ln(usual + 1). 0.69 is twice or half as many. The p-value is that of a further draw from a
    normal distribution of which the usual ones are a sample: Student's t with one degree less than there are of them, so
    that a handful of windows makes nobody sure.

    Args:
        rows: of the current window.
        usual: rows of comparable windows: as long, and of the same hour of the week where there is a season. Fewer than
            three leave the value None.

    Source:
        The prediction interval of a normal sample: Hahn and Meeker, "Statistical Intervals" (1991), chapter 4.
    """
    from scipy.special import stdtr

    nothing = Difference(feature="all rows", metric="volume_change", baseline_rows=sum(usual), rows=rows, bins=2)
    if len(usual) < 3:
        return replace(nothing, unknown="fewer than three windows are known to compare with")
    logs = np.log1p(np.array(usual, dtype=np.float64))
    middle = float(np.mean(logs))
    # Counts vary by their root even where everything is regular: windows that happen to be equal prove no more.
    spread = max(float(np.std(logs, ddof=1)), math.exp(-middle / 2))
    value = abs(math.log1p(rows) - middle)
    deviations = value / (spread * math.sqrt(1 + 1 / len(logs)))
    return replace(
        nothing,
        value=value,
        p_value=2 * float(stdtr(len(logs) - 1, -deviations)),
        words=f"{rows} rows, where {math.expm1(middle):.0f} are usual",
    )


def _constant(
    feature: str, baseline: Counts, current: Counts, *, is_stuck: bool, design_effect: float
) -> Iterator[Difference]:
    """Yield ``constant``: 1 if a feature that varied has one value only, else 0; nothing where it never varied.

    The p-value is the chance that so many rows fall into one bin, whichever: the sum of the shares to that power. It is at
    most the largest share to the power of one less, from which the rows follow that make it small enough.
    """
    n, m = int(baseline.sum()), int(current.sum())
    if np.count_nonzero(baseline) < 2:
        return
    largest = float(np.max(baseline)) / n

    def needed(_: float, level: float) -> float:
        return (1 + math.log(level) / math.log(largest)) * design_effect

    nothing = Difference(feature=feature, metric="constant", baseline_rows=n, rows=m, bins=2, needed=needed)
    if not m:
        yield nothing
        return
    yield replace(
        nothing,
        value=1.0 if is_stuck else 0.0,
        p_value=min(1.0, float(np.sum((baseline / n) ** (m / design_effect)))) if is_stuck else 1.0,
        words=f"{m} rows have the same value" if is_stuck else "its values vary",
    )


def _distinct(profile: CategoricalProfile, bins: CategoricalBins) -> int:
    """Return how many different values there are, 32 unseen ones at most."""
    return int(np.count_nonzero(profile.counts(bins)[:-1])) + len(profile.unseen_hashes)


def _share_increase(
    feature: str, kind: str, bad: tuple[int, int], of: tuple[int, int], *, design_effect: float
) -> Difference:
    metric = f"{kind}_share_increase"
    if not all(of):
        return Difference(feature=feature, metric=metric, baseline_rows=of[0], rows=of[1], bins=2)
    before, now = bad[0] / of[0], bad[1] / of[1]
    baseline, current = (np.array([part, whole - part]) for part, whole in zip(bad, of, strict=True))
    return Difference(
        feature=feature,
        metric=metric,
        baseline_rows=of[0],
        rows=of[1],
        bins=2,
        value=now - before,
        p_value=largest_share_p_value(baseline, current, design_effect=design_effect),
        words=f"{kind.replace('_', ' ')} in {now:.1%} of rows, {before:.1%} in the baseline",
    )

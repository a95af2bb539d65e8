"""By how much bad values have become more common: numbers only, nothing is judged here."""

from collections.abc import Iterator

import numpy as np

from shared.errors import IncompatibleProfiles
from shared.profiles.bins import CategoricalBins, FeatureBins, NumericBins
from shared.profiles.categorical import CategoricalProfile
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
            if bins.minimum is not None or bins.maximum is not None:
                outside = bins.out_of_range(baseline.counts(bins)), bins.out_of_range(current.counts(bins))
                yield increase("out_of_range", outside, values)
        case CategoricalBins(), CategoricalProfile(), CategoricalProfile():
            if bins.categories:
                yield increase("unseen", (baseline.unseen, current.unseen), values)
        case _:
            raise IncompatibleProfiles(f"{feature} is a number on one side and a category on the other")


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

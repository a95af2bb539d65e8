"""What is watched of a window, as a few numbers: contrasts of its counts, which are 0 on average where nothing moved.

Of a number the first contrast is the mean of its **normal scores**: each bin counts as much as a normal variable would be
worth there, were the baseline normal. So it is nearly as good as the mean at telling a shift of normal values, and an
absurd value, a skewed feature or one of a few distinct values does no harm, because only ranks matter. Three more,
polynomials of the scores, tell width, skew and tails. Of a category it is the share of each value that is not rare, and of
the rare ones together.

Contrasts have a standard deviation of 1 over the rows of the baseline, so that those of n independent rows have one of
about 1 / sqrt(n).

Source:
    Neyman, "'Smooth test' for goodness of fit", Skandinavisk Aktuarietidskrift 20 (1937); van der Waerden, "Order tests for
    the two-sample problem", Indagationes Mathematicae 14 (1952).
"""

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from shared.errors import IncompatibleProfiles
from shared.profiles.bins import CategoricalBins, FeatureBins, NumericBins
from shared.profiles.categorical import CategoricalProfile
from shared.profiles.counts import Counts
from shared.profiles.numeric import NumericProfile
from shared.profiles.profile import FeatureProfile

Floats = NDArray[np.float64]

SHAPES: Final = 3
RARE: Final = 0.01
"""Values of a category below this share count together; a share's standard deviation is taken for no less than its one."""

_MOST_SHARES: Final = 24


@dataclass(frozen=True, slots=True)
class FeatureContrasts:
    """The contrasts of one feature, of which ``mains`` lead and shapes follow.

    Attributes:
        weights: what a row of each bin is worth, shape (contrasts, bins).
        reaches: how far a feature moves that moves by 1 in one contrast alone, shape (contrasts,): the KS distance of a
            number, by how much the share changes of a category.
        mains: how many are mains.
        is_number: whether it is one.
    """

    weights: Floats
    reaches: Floats
    mains: int
    is_number: bool = False

    def sums(self, counts: Counts) -> Floats:
        """Return the contrasts summed over the rows of some counts, shape (contrasts,)."""
        found: Floats = self.weights @ counts
        return found


@dataclass(frozen=True, slots=True)
class Contrasts:
    """Those of some features or outputs, in two blocks: mains of all, then shapes of all.

    Attributes:
        by_feature: the contrasts of each; of a string there are none.
        features: whose each column is, shape (columns,), as an index into the names of ``by_feature``.
        mains: how many of the columns are mains.
    """

    by_feature: dict[str, FeatureContrasts]
    features: NDArray[np.int64]
    mains: int

    @classmethod
    def of_baseline(cls, bins: Mapping[str, FeatureBins], baseline: Mapping[str, FeatureProfile]) -> "Contrasts":
        """Return the contrasts of features, from their counts over the baseline.

        Raises:
            IncompatibleProfiles: a profile does not belong to the bins.
        """
        made = {name: _contrasts(kind, counts_of(kind, baseline[name])) for name, kind in bins.items()}
        mains = [index for index, one in enumerate(made.values()) for _ in range(one.mains)]
        shapes = [index for index, one in enumerate(made.values()) for _ in range(len(one.weights) - one.mains)]
        return cls(made, np.array([*mains, *shapes], dtype=np.int64), len(mains))

    def sums(self, bins: Mapping[str, FeatureBins], window: Mapping[str, FeatureProfile]) -> tuple[Floats, Floats]:
        """Return the contrasts of a window summed over its rows, and of how many values each is; both of shape (columns,).

        Raises:
            IncompatibleProfiles: a profile does not belong to the bins.
        """
        mains: list[Floats] = []
        shapes: list[Floats] = []
        totals = np.zeros(len(self.by_feature))
        for index, (name, one) in enumerate(self.by_feature.items()):
            counts = counts_of(bins[name], window[name])
            totals[index] = counts.sum()
            found = one.sums(counts)
            mains.append(found[: one.mains])
            shapes.append(found[one.mains :])
        return np.concatenate([*mains, *shapes, np.empty(0)]), totals[self.features]

    def of(self, bins: Mapping[str, FeatureBins], window: Mapping[str, FeatureProfile]) -> tuple[Floats, Floats]:
        """Return the mean contrasts of a window, NaN of features without a value, and of how many values each is.

        Both are of shape (columns,).

        Raises:
            IncompatibleProfiles: a profile does not belong to the bins.
        """
        sums, values = self.sums(bins, window)
        return np.divide(sums, values, out=np.full(len(sums), np.nan), where=values > 0), values

    @property
    def reaches(self) -> Floats:
        """Return how far a feature moves that moves by 1 in one column alone, shape (columns,)."""
        made = self.by_feature.values()
        parts = [*(one.reaches[: one.mains] for one in made), *(one.reaches[one.mains :] for one in made)]
        return np.concatenate([*parts, np.empty(0)])

    def columns(self, features: Collection[str]) -> NDArray[np.int64]:
        """Return which columns belong to some features; all where none is named."""
        owners = [*self.by_feature]
        chosen = [not features or owners[owner] in features for owner in self.features.tolist()]
        return np.flatnonzero(np.array(chosen, dtype=bool))

    def only(self, features: Collection[str]) -> "Contrasts":
        """Return the contrasts of some features, those of ``columns``; all where none is named."""
        chosen = self.columns(features)
        kept = [place for place, name in enumerate(self.by_feature) if not features or name in features]
        names = [*self.by_feature]
        owners = np.searchsorted(kept, self.features[chosen])
        return Contrasts(
            {names[at]: self.by_feature[names[at]] for at in kept}, owners, int((chosen < self.mains).sum())
        )


def counts_of(bins: FeatureBins, profile: FeatureProfile) -> Counts:
    """Return the counts of a profile over its bins; those of a category with the unseen ones last.

    Raises:
        IncompatibleProfiles: the profile does not belong to the bins.
    """
    if isinstance(bins, NumericBins) and isinstance(profile, NumericProfile):
        return profile.counts(bins)
    if isinstance(bins, CategoricalBins) and isinstance(profile, CategoricalProfile):
        return profile.counts(bins)
    raise IncompatibleProfiles("a number in one and a category in the other")


def _contrasts(bins: FeatureBins, baseline: Counts) -> FeatureContrasts:
    if isinstance(bins, CategoricalBins):
        return _of_shares(baseline) if bins.categories and baseline.any() else _nothing(baseline)
    if not baseline.any():
        return _nothing(baseline)
    if np.count_nonzero(baseline) < 2:
        return _of_shares(baseline)  # a constant: how many rows are not it
    return numeric_contrasts(baseline)


def numeric_contrasts(baseline: Counts) -> FeatureContrasts:
    """Return those of a number, from its baseline's rows by bin, of which two or more are not empty."""
    shares = baseline / baseline.sum()
    weights = _orthonormal(normal_scores(baseline), shares, degrees=1 + SHAPES)
    # Moved by 1 in a contrast, a bin has its share, times 1 and its weight.
    return FeatureContrasts(weights, np.abs(np.cumsum(weights * shares, axis=1)).max(axis=1), 1, is_number=True)


def normal_scores(baseline: Counts) -> Floats:
    """Return what a row of each bin is worth, were the baseline normal: the mean of a normal variable between its quantiles.

    Bins that the baseline left empty get the value at their place; beyond its ends that is the value of half a row.

    Args:
        baseline: rows by bin, shape (bins,), of two bins at least.

    >>> normal_scores(np.array([50, 0, 50])).round(3)
    array([-0.798,  0.   ,  0.798])
    """
    from scipy.special import ndtri

    shares = baseline / baseline.sum()
    up_to = np.concatenate(([0.0], np.cumsum(shares)))
    up_to[-1] = 1.0
    density = np.exp(-(ndtri(np.clip(up_to, 1e-300, 1 - 1e-16)) ** 2) / 2) / math.sqrt(2 * math.pi)
    density[[0, -1]] = 0.0
    half = 0.5 / baseline.sum()
    at = ndtri(np.clip(up_to[1:], half, 1 - half))
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(shares > 0, (density[:-1] - density[1:]) / shares, at)


def _orthonormal(scores: Floats, shares: Floats, *, degrees: int) -> Floats:
    """Return polynomials of the scores that are uncorrelated and of variance 1 under ``shares``, by rising degree.

    There are fewer where the baseline has few distinct values. Far out they are cut off at five standard deviations of a
    normal variable's, so that no single row is worth a window.
    """
    found: list[Floats] = [np.ones(len(scores))]
    cut = np.clip(scores, -5.0, 5.0)
    for degree in range(1, degrees + 1):
        one = cut**degree
        for _ in range(2):  # once more for what rounding left
            for other in found:
                one = one - (one * other) @ shares * other
        size = math.sqrt((one * one) @ shares)
        if size < 1e-6 * (1 + float(np.max(np.abs(cut**degree)))):
            break
        found.append(one / size)
    return np.array(found[1:])


def _of_shares(baseline: Counts) -> FeatureContrasts:
    """Return the share of each value that is not rare, and of all others, less the baseline's."""
    shares = baseline / baseline.sum()
    common = np.flatnonzero(shares >= RARE)
    common = common[np.argsort(-shares[common], kind="stable")][:_MOST_SHARES]
    members = np.zeros((len(common) + 1, len(shares)))
    members[np.arange(len(common)), common] = 1.0
    members[-1] = 1.0 - members[:-1].sum(axis=0)
    of_baseline = members @ shares
    deviation = np.sqrt(np.maximum(of_baseline * (1 - of_baseline), RARE * (1 - RARE)))
    return FeatureContrasts((members - of_baseline[:, None]) / deviation[:, None], deviation, len(members))


def _nothing(baseline: Counts) -> FeatureContrasts:
    return FeatureContrasts(np.empty((0, len(baseline))), np.empty(0), 0)

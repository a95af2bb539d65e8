"""Profiles of many features, or outputs, by name."""

from typing import TypeAlias

import pyarrow as pa

from shared.errors import IncompatibleProfiles
from shared.profiles.bins import FeatureBins, NumericBins
from shared.profiles.categorical import CategoricalProfile
from shared.profiles.columns import numbers, words
from shared.profiles.numeric import NumericProfile

FeatureProfile: TypeAlias = NumericProfile | CategoricalProfile


def profile_features(table: pa.Table, bins: dict[str, FeatureBins]) -> dict[str, FeatureProfile]:
    """Summarise the columns that there are bins for.

    Raises:
        InvalidSchema: a column cannot be read as what its bins are for; the error names it.
    """
    return {name: _profile(table, name, kind) for name, kind in bins.items()}


def empty_features(bins: dict[str, FeatureBins]) -> dict[str, FeatureProfile]:
    """Return the profiles of no rows."""
    return {
        name: NumericProfile() if isinstance(kind, NumericBins) else CategoricalProfile() for name, kind in bins.items()
    }


def merge_features(a: dict[str, FeatureProfile], b: dict[str, FeatureProfile]) -> dict[str, FeatureProfile]:
    """Return the profiles of both windows together.

    Raises:
        IncompatibleProfiles: a feature is a number in one and a category in the other.
    """
    return {name: _merge(name, part, b[name]) for name, part in a.items()}


def _profile(table: pa.Table, name: str, kind: FeatureBins) -> FeatureProfile:
    if isinstance(kind, NumericBins):
        return NumericProfile.of(numbers(table, name), kind)
    return CategoricalProfile.of(words(table, name), kind)


def _merge(name: str, a: FeatureProfile, b: FeatureProfile) -> FeatureProfile:
    if isinstance(a, NumericProfile) and isinstance(b, NumericProfile):
        return a.merge(b)
    if isinstance(a, CategoricalProfile) and isinstance(b, CategoricalProfile):
        return a.merge(b)
    raise IncompatibleProfiles(f"{name} is a number in one and a category in the other")

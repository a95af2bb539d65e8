"""The profile of a window: every feature and output of a version."""

from typing import Annotated, TypeAlias

import msgspec
import pyarrow as pa

from shared.errors import IncompatibleProfiles
from shared.profiles.bins import Bins, FeatureBins, NumericBins, digest
from shared.profiles.categorical import CategoricalProfile
from shared.profiles.columns import numbers, words
from shared.profiles.joint import JointProfile
from shared.profiles.numeric import NumericProfile
from shared.profiles.sample import Sample

FeatureProfile: TypeAlias = NumericProfile | CategoricalProfile


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a window.

    Attributes:
        bins: the digest of the bins it is counted over.
        rows: how many rows the window has; each is, in every feature, missing, not finite or in one bin.
        features: by name.
        outputs: by column: ``prediction``, ``prediction.<name>``.
        joint: how features go together.
        sample: some of the rows.
    """

    format: int = 1
    bins: str
    rows: Annotated[int, msgspec.Meta(ge=0)]
    features: dict[str, FeatureProfile]
    outputs: dict[str, FeatureProfile]
    joint: JointProfile = JointProfile()
    sample: Sample = Sample()


def profile(table: pa.Table, bins: Bins) -> Profile:
    """Summarise the rows of ``table`` over ``bins``; columns without bins are passed over.

    Raises:
        InvalidSchema: a column cannot be read as what its bins are for; the error names it.
    """
    return Profile(
        bins=digest(bins),
        rows=table.num_rows,
        features={name: _profile(table, name, kind) for name, kind in bins.features.items()},
        outputs={name: _profile(table, name, kind) for name, kind in bins.outputs.items()},
        joint=JointProfile.of(table, bins.joint),
        sample=Sample.of(table, [*bins.features, *bins.outputs]),
    )


def empty(bins: Bins) -> Profile:
    """Return the profile of no rows; merging it changes nothing."""
    return Profile(
        bins=digest(bins),
        rows=0,
        features={name: _empty(kind) for name, kind in bins.features.items()},
        outputs={name: _empty(kind) for name, kind in bins.outputs.items()},
    )


def merge(a: Profile, b: Profile) -> Profile:
    """Return the profile of both windows together, to the bit that of their rows in one table.

    Raises:
        IncompatibleProfiles: they are counted over different bins.
    """
    if a.bins != b.bins:
        raise IncompatibleProfiles(f"{a.bins} and {b.bins}")
    return Profile(
        bins=a.bins,
        rows=a.rows + b.rows,
        features=_merge(a.features, b.features),
        outputs=_merge(a.outputs, b.outputs),
        joint=a.joint.merge(b.joint),
        sample=a.sample.merge(b.sample),
    )


def _profile(table: pa.Table, name: str, kind: FeatureBins) -> FeatureProfile:
    if isinstance(kind, NumericBins):
        return NumericProfile.of(numbers(table, name), kind)
    return CategoricalProfile.of(words(table, name), kind)


def _empty(kind: FeatureBins) -> FeatureProfile:
    return NumericProfile() if isinstance(kind, NumericBins) else CategoricalProfile()


def _merge(a: dict[str, FeatureProfile], b: dict[str, FeatureProfile]) -> dict[str, FeatureProfile]:
    return {name: _merge_one(name, part, b[name]) for name, part in a.items()}


def _merge_one(name: str, a: FeatureProfile, b: FeatureProfile) -> FeatureProfile:
    if isinstance(a, NumericProfile) and isinstance(b, NumericProfile):
        return a.merge(b)
    if isinstance(a, CategoricalProfile) and isinstance(b, CategoricalProfile):
        return a.merge(b)
    raise IncompatibleProfiles(f"{name} is a number in one and a category in the other")

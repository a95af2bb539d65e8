"""The profile of a window: every feature and output of a version."""

from typing import Annotated

import msgspec
import pyarrow as pa

from shared.errors import IncompatibleProfiles
from shared.profiles.bins import Bins, digest
from shared.profiles.features import FeatureProfile, empty_features, merge_features, profile_features
from shared.profiles.joint import JointProfile
from shared.profiles.sample import Sample
from shared.profiles.segments import Segments, empty_segments, merge_segments, profile_segments

__all__ = ["FeatureProfile", "Profile", "empty", "merge", "profile", "segment"]


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a window.

    Attributes:
        bins: the digest of the bins it is counted over.
        rows: how many rows the window has; each is, in every feature, missing, not finite or in one bin.
        features: by name.
        outputs: by column: ``prediction``, ``prediction.<name>``.
        joint: how features go together.
        sample: some of the rows.
        segments: the rows of each segment that the bins name, by themselves.
    """

    format: int = 1
    bins: str
    rows: Annotated[int, msgspec.Meta(ge=0)]
    features: dict[str, FeatureProfile]
    outputs: dict[str, FeatureProfile]
    joint: JointProfile = JointProfile()
    sample: Sample = Sample()
    segments: Segments = {}


def profile(table: pa.Table, bins: Bins) -> Profile:
    """Summarise the rows of ``table`` over ``bins``; columns without bins are passed over.

    Raises:
        InvalidSchema: a column cannot be read as what its bins are for; the error names it.
    """
    return Profile(
        bins=digest(bins),
        rows=table.num_rows,
        features=profile_features(table, bins.features),
        outputs=profile_features(table, bins.outputs),
        joint=JointProfile.of(table, bins.joint),
        sample=Sample.of(table, [*bins.features, *bins.outputs]),
        segments=profile_segments(table, bins),
    )


def empty(bins: Bins) -> Profile:
    """Return the profile of no rows; merging it changes nothing."""
    return Profile(
        bins=digest(bins),
        rows=0,
        features=empty_features(bins.features),
        outputs=empty_features(bins.outputs),
        segments=empty_segments(bins),
    )


def merge(a: Profile, b: Profile) -> Profile:
    """Return the profile of both windows together, to the bit that of their rows in one table.

    Raises:
        IncompatibleProfiles: they are counted over different bins, or by different segments.
    """
    if a.bins != b.bins:
        raise IncompatibleProfiles(f"{a.bins} and {b.bins}")
    if a.segments.keys() != b.segments.keys():
        raise IncompatibleProfiles(f"segments of {', '.join(a.segments.keys() ^ b.segments.keys())} in one alone")
    return Profile(
        bins=a.bins,
        rows=a.rows + b.rows,
        features=merge_features(a.features, b.features),
        outputs=merge_features(a.outputs, b.outputs),
        joint=a.joint.merge(b.joint),
        sample=a.sample.merge(b.sample),
        segments=merge_segments(a.segments, b.segments),
    )


def segment(whole: Profile, feature: str, value: str) -> Profile:
    """Return one segment of a window as a profile of its own, over the same bins.

    Raises:
        IncompatibleProfiles: the window is not profiled by this segment.
    """
    found = whole.segments.get(feature, {}).get(value)
    if found is None:
        raise IncompatibleProfiles(f"there is no segment {feature} = {value}")
    return Profile(bins=whole.bins, rows=found.rows, features=found.features, outputs=found.outputs)

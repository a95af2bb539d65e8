"""Segments: the rows that share one value of one feature, profiled by themselves.

Which features, ``monitor.yaml`` says; which of their values, the baseline: the eight it has most of. A segment's profile has
all features and outputs, but neither the joint part nor a sample, which would multiply by segments what a feature-hour takes.
"""

from collections.abc import Iterable, Iterator
from typing import Annotated, Final, TypeAlias

import msgspec
import numpy as np
import pyarrow as pa

from shared.profiles.bins import Bins, CategoricalBins
from shared.profiles.categorical import CategoricalProfile
from shared.profiles.columns import indexed
from shared.profiles.features import FeatureProfile, empty_features, merge_features, profile_features

MOST_VALUES: Final = 8


class Segment(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of the rows of one segment; like the profile of a window, of which it is a part."""

    rows: Annotated[int, msgspec.Meta(ge=0)] = 0
    features: dict[str, FeatureProfile]
    outputs: dict[str, FeatureProfile]


Segments: TypeAlias = dict[str, dict[str, Segment]]
"""Segments by feature and value, in the order of the bins."""


def segmented(bins: Bins, baseline: dict[str, FeatureProfile], names: Iterable[str]) -> Bins:
    """Return bins that profiles are counted over by segments as well.

    Args:
        bins: a version's.
        baseline: the features' profiles over its baseline, by which values are ranked; of equals, the first in the schema.
        names: the features. Those that are no category or boolean of this version are passed over, because a
            configuration is for all versions of a model.
    """
    found: dict[str, tuple[str, ...]] = {}
    for name in names:
        kind, profile = bins.features.get(name), baseline.get(name)
        if isinstance(kind, CategoricalBins) and isinstance(profile, CategoricalProfile) and kind.categories:
            ranked = np.argsort(-profile.counts(kind)[:-1], kind="stable")[:MOST_VALUES]
            found[name] = tuple(kind.categories[place] for place in ranked.tolist())
    return msgspec.structs.replace(bins, segments=found)


def profile_segments(table: pa.Table, bins: Bins) -> Segments:
    """Summarise the rows of each segment.

    Raises:
        InvalidSchema: a column cannot be read as what its bins are for; the error names it.
    """
    if not bins.segments:
        return {}
    columns = [name for name in (*bins.features, *bins.outputs) if name in table.column_names]
    needed = table.select(columns)
    return {
        name: {value: _segment(some, bins) for value, some in _parts(needed, name, values)}
        for name, values in bins.segments.items()
    }


def empty_segments(bins: Bins) -> Segments:
    """Return the segments of no rows."""
    return {
        name: dict.fromkeys(
            values, Segment(features=empty_features(bins.features), outputs=empty_features(bins.outputs))
        )
        for name, values in bins.segments.items()
    }


def merge_segments(a: Segments, b: Segments) -> Segments:
    """Return the segments of both windows together; the bins must be the same, which is for the caller to know."""
    return {name: {value: _merge(one, b[name][value]) for value, one in values.items()} for name, values in a.items()}


def _parts(table: pa.Table, name: str, values: Iterable[str]) -> Iterator[tuple[str, pa.Table]]:
    indices, known = indexed(table, name)
    places = {value: place for place, value in enumerate(known)}
    for value in values:
        rows = np.flatnonzero(indices == places.get(value, len(known)))
        # not pa.array, which imports pandas
        yield value, table.take(pa.Array.from_buffers(pa.int64(), len(rows), [None, pa.py_buffer(rows)]))


def _segment(table: pa.Table, bins: Bins) -> Segment:
    return Segment(
        rows=table.num_rows,
        features=profile_features(table, bins.features),
        outputs=profile_features(table, bins.outputs),
    )


def _merge(a: Segment, b: Segment) -> Segment:
    return Segment(
        rows=a.rows + b.rows,
        features=merge_features(a.features, b.features),
        outputs=merge_features(a.outputs, b.outputs),
    )

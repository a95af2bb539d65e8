"""Rows that share a value, by themselves."""

import msgspec
import pyarrow as pa
import pytest
from hypothesis import given

from shared.errors import IncompatibleProfiles
from shared.profiles.bins import CategoricalBins, digest
from shared.profiles.categorical import CategoricalProfile
from shared.profiles.profile import empty, merge, profile, segment
from shared.profiles.segments import MOST_VALUES, segmented
from tests.unit.profiles.tables import table, tables
from tests.unit.profiles.test_profile import BINS, WHOLE_BINS, baseline_rows


@given(tables)
def test_a_segment_is_the_profile_of_its_rows(rows: pa.Table) -> None:
    found = profile(rows, BINS)

    for value, wanted in (("AA", "AA"), ("UA", "UA")):
        own = profile(rows.filter(pa.compute.equal(rows.column("carrier"), wanted)), BINS)
        part = segment(found, "carrier", value)
        assert (part.rows, part.features, part.outputs) == (own.rows, own.features, own.outputs)
    assert segment(found, "rain", "true").rows == rows.column("rain").to_pylist().count(True)


def test_values_are_the_baselines_commonest() -> None:
    """A number of them that is bounded, however many categories there are."""
    names = tuple(f"c{number:02}" for number in range(30))
    bins = msgspec.structs.replace(WHOLE_BINS, features={"carrier": CategoricalBins(categories=names)})
    packed = tuple(5 if number % 2 else 9 for number in range(30))

    found = segmented(bins, {"carrier": CategoricalProfile(packed=packed)}, ("carrier",))

    assert found.segments == {"carrier": names[: 2 * MOST_VALUES : 2]}


def test_features_without_known_values_make_no_segments() -> None:
    """A configuration is for all versions of a model, and one of them may lack a feature, or have it as a text."""
    baseline = profile(table(baseline_rows()), WHOLE_BINS).features

    assert segmented(WHOLE_BINS, baseline, ("temp", "tail", "nothing")) == WHOLE_BINS


def test_other_segments_are_other_bins() -> None:
    """A window that lacks a segment must not be taken for one in which it is empty."""
    baseline = profile(table(baseline_rows()), WHOLE_BINS).features
    other = segmented(WHOLE_BINS, baseline, ("rain",))

    assert len({digest(WHOLE_BINS), digest(BINS), digest(other)}) == 3
    with pytest.raises(IncompatibleProfiles):
        merge(empty(BINS), empty(other))
    with pytest.raises(IncompatibleProfiles, match="carrier"):
        merge(empty(BINS), msgspec.structs.replace(empty(other), bins=digest(BINS)))


def test_a_segment_that_is_not_profiled_is_refused() -> None:
    with pytest.raises(IncompatibleProfiles, match="carrier = DL"):
        segment(empty(BINS), "carrier", "DL")


def test_a_column_that_is_gone_leaves_its_segments_empty() -> None:
    found = profile(table(baseline_rows()).drop_columns(["carrier"]), BINS)

    assert segment(found, "carrier", "AA").rows == 0
    assert segment(found, "rain", "true").rows > 0

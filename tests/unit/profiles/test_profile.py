"""Profiles add up, whatever the order and grouping, to the bit."""

import subprocess
import sys
from functools import reduce
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import IncompatibleProfiles, InvalidDocument
from shared.profiles.bins import Bins
from shared.profiles.categorical import HASHES, CategoricalProfile
from shared.profiles.cutting import cut
from shared.profiles.encoding import decode, encode
from shared.profiles.numeric import CLIP, ONE, NumericProfile
from shared.profiles.profile import Profile, empty, merge, profile
from shared.profiles.segments import segmented
from tests.unit.profiles.tables import SCHEMA, table, tables


def baseline_rows() -> list[dict[str, object]]:
    """Return training rows that fill every column."""
    return [
        {
            "temp": float(n % 21 - 10),
            "hour": n % 24,
            "rain": n % 3 == 0,
            "carrier": ("AA", "UA")[n % 2],
            "tail": f"N{n}",
            "prediction": n % 4 == 0,
            "prediction.probability": n / 100,
        }
        for n in range(100)
    ]


WHOLE_BINS = cut(table(baseline_rows()), SCHEMA)
BINS = segmented(WHOLE_BINS, profile(table(baseline_rows()), WHOLE_BINS).features, ("carrier", "rain"))
"""Everything that is promised of profiles is promised of their segments."""


@given(tables, tables, tables)
def test_merging_is_associative_and_commutative_to_the_bit(a: pa.Table, b: pa.Table, c: pa.Table) -> None:
    p, q, r = (profile(part, BINS) for part in (a, b, c))

    assert encode(merge(p, q)) == encode(merge(q, p))
    assert encode(merge(merge(p, q), r)) == encode(merge(p, merge(q, r)))


@given(tables, st.lists(st.integers(0, 60), max_size=4))
def test_merged_parts_are_the_profile_of_the_whole(rows: pa.Table, cuts: list[int]) -> None:
    """Hours, days and months give the same answer."""
    borders = [0, *sorted(min(border, rows.num_rows) for border in cuts), rows.num_rows]
    parts = [rows.slice(start, end - start) for start, end in pairwise(borders)]

    merged = reduce(merge, (profile(part, BINS) for part in parts), empty(BINS))

    assert encode(merged) == encode(profile(rows, BINS))


@given(tables)
def test_decoding_undoes_encoding(rows: pa.Table) -> None:
    found = profile(rows, BINS)

    assert decode(encode(found), Profile, path="p") == found
    assert decode(encode(BINS), Bins, path="b") == BINS


@given(tables)
def test_every_row_is_counted_once_in_every_feature(rows: pa.Table) -> None:
    found = profile(rows, BINS)

    for part in (*found.features.values(), *found.outputs.values()):
        not_finite = part.not_finite if isinstance(part, NumericProfile) else 0
        assert part.missing + not_finite + part.values == found.rows == rows.num_rows


def test_what_is_no_finite_number_is_counted_apart() -> None:
    found = profile(table([{"temp": value} for value in (None, float("nan"), float("inf"), -2.0, 5.0)]), BINS)

    temp = found.features["temp"]
    assert isinstance(temp, NumericProfile)
    assert (temp.missing, temp.not_finite, temp.values) == (2, 1, 2)
    assert (temp.minimum, temp.maximum) == (-2.0, 5.0)


def test_sums_are_of_standardised_values_in_fixed_point() -> None:
    """Mean and standard deviation of a window can be had back from them."""
    values = [1.0, 2.5, -4.0]
    bins = BINS.features["temp"]
    temp = profile(table([{"temp": value} for value in values]), BINS).features["temp"]
    assert isinstance(temp, NumericProfile)
    standardised = (np.array(values) - bins.mean) / bins.scale  # type: ignore[union-attr]

    assert temp.sum / ONE == pytest.approx(standardised.sum(), abs=1e-5)
    assert temp.squares / ONE == pytest.approx((standardised**2).sum(), abs=1e-5)


def test_an_absurd_value_weighs_no_more_than_the_clip() -> None:
    temp = profile(table([{"temp": 1e308}, {"temp": -1e308}, {"temp": 1e308}]), BINS).features["temp"]

    assert isinstance(temp, NumericProfile)
    assert temp.sum == CLIP * ONE
    assert temp.squares == 3 * CLIP**2 * ONE


def test_unseen_categories_are_counted_by_hash() -> None:
    """Nobody can read a name out of a profile that was not in the training data."""
    carrier = profile(table([{"carrier": name} for name in ("AA", "XX", "XX", "YY")]), BINS).features["carrier"]

    assert isinstance(carrier, CategoricalProfile)
    assert carrier.unseen == 3
    assert sorted(carrier.unseen_hashes.values()) == [1, 2]
    assert "XX" not in str(carrier)


def test_a_million_categories_stay_small() -> None:
    tail = profile(table([{"tail": f"N{n}"} for n in range(1_000)]), BINS).features["tail"]

    assert isinstance(tail, CategoricalProfile)
    assert tail.unseen == 1_000
    assert len(tail.unseen_hashes) == HASHES


def test_a_column_that_is_gone_is_missing_in_every_row() -> None:
    """One lost feature does not stop the others from being profiled."""
    rows = table(baseline_rows()).drop_columns(["temp", "carrier"])

    found = profile(rows, BINS)

    assert found.features["temp"].missing == found.features["carrier"].missing == 100
    assert found.features["hour"].missing == 0


def test_dictionary_columns_are_read_as_what_they_hold() -> None:
    """Parquet readers give them, and chunks need not share a dictionary."""
    plain = table(baseline_rows()).select(["carrier"])
    halves = [plain.slice(0, 7), plain.slice(7)]
    encoded = pa.concat_tables([pa.table({"carrier": half.column("carrier").dictionary_encode()}) for half in halves])

    assert profile(encoded, BINS).features["carrier"] == profile(plain, BINS).features["carrier"]


def test_profiles_over_other_bins_refuse_to_merge() -> None:
    """Their counts would be added bin by bin although the bins are not the same."""
    other = cut(table(baseline_rows()[:50]), SCHEMA)

    with pytest.raises(IncompatibleProfiles):
        merge(empty(BINS), empty(other))


@pytest.mark.parametrize("damage", [b"", b"{}", encode(BINS)[:-9], encode(BINS)], ids=["empty", "plain", "cut", "bins"])
def test_what_is_no_profile_is_refused(damage: bytes) -> None:
    with pytest.raises(InvalidDocument, match="somewhere"):
        decode(damage, Profile, path="somewhere")


def test_a_newer_format_is_refused_with_a_clear_error() -> None:
    newer = Profile(format=2, bins="", rows=0, features={}, outputs={})

    with pytest.raises(InvalidDocument, match="update the app"):
        decode(encode(newer), Profile, path="p")


def test_profiling_does_not_import_pandas(tmp_path: Path) -> None:
    """Every scaled-out instance would pay half a second and 50 MB for it."""
    bins, rows = tmp_path / "bins", tmp_path / "rows.parquet"
    bins.write_bytes(encode(BINS))
    pq.write_table(table(baseline_rows()), rows)
    program = f"""
import sys
import pyarrow.parquet as pq
from shared.profiles.bins import Bins
from shared.profiles.encoding import decode
from shared.profiles.profile import profile
assert profile(pq.ParquetFile({str(rows)!r}).read(), decode(open({str(bins)!r}, "rb").read(), Bins, path="")).rows == 100
sys.exit("pandas" in sys.modules or "scipy" in sys.modules)
"""

    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0

"""Edges stand where the docstrings say."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from shared.errors import InvalidSchema
from shared.profiles.bins import Bins, CategoricalBins, NumericBins, digest
from shared.profiles.cutting import QUANTILES, cut, cut_numeric
from shared.profiles.encoding import decode, encode
from shared.schema import Feature, FeatureType, Output, Schema
from tests.unit.profiles.tables import SCHEMA, table

finite = st.floats(allow_nan=False, allow_infinity=False).map(lambda value: value + 0.0)
samples = st.lists(finite | st.sampled_from([0.0, 1.0]), min_size=1, max_size=50).map(np.array).map(np.sort)


def mixed(rows: int, *, seed: int) -> NDArray[np.float64]:
    """Draw a continuous sample in which two values are common."""
    rng = np.random.default_rng(seed)
    values = rng.lognormal(size=rows)
    values[: rows // 10] = 1.0
    values[rows // 10 : rows // 8] = 0.0
    return np.sort(values)


@given(samples, samples)
def test_every_value_falls_into_one_bin(baseline: NDArray[np.float64], current: NDArray[np.float64]) -> None:
    bins = cut_numeric(baseline)
    counts = bins.count(current)

    assert np.all(np.diff(bins.edges) > 0)
    assert len(counts) == len(bins.edges) + 1
    assert counts.sum() == len(current)
    assert bins.tenths(counts).sum() == len(current)
    assert np.isfinite([bins.mean, bins.scale]).all()
    assert bins.scale > 0


@given(samples)
def test_few_distinct_values_have_bins_of_their_own(baseline: NDArray[np.float64]) -> None:
    """Then nothing is lost on the baseline's side."""
    distinct, rows = np.unique(baseline, return_counts=True)
    counts = cut_numeric(baseline).count(baseline)

    assert counts[counts > 0].tolist() == rows.tolist()
    assert len(distinct) == np.count_nonzero(counts)


def test_a_bin_of_several_values_holds_less_than_the_stated_share() -> None:
    """The bound of the error of KS rests on this."""
    values = mixed(100_000, seed=1)
    bins = cut_numeric(values)
    counts = bins.count(values)
    common = [np.searchsorted(bins.edges, value) for value in (0.0, 1.0)]

    assert counts[common].tolist() == [2_500, 10_000]
    assert np.delete(counts, common).max() < 3 * len(values) / QUANTILES


def test_many_values_that_are_equally_common_do_not_all_get_bins() -> None:
    """A profile would grow with them: of those below a quantile's share a hundred are enough."""
    values = np.repeat(np.arange(1_500.0), 10)

    assert len(cut_numeric(values).edges) < 1_300


def test_equal_widths_are_not_cut_where_quantiles_are_closer() -> None:
    """They would say nothing of where values are, and take a quarter of a profile."""
    even = cut_numeric(np.linspace(0.0, 1.0, 100_000))
    gap = cut_numeric(np.append(np.linspace(0.0, 1.0, 50_000), np.linspace(9.0, 10.0, 50_000)))

    assert len(even.edges) < QUANTILES + 70
    assert np.count_nonzero((np.array(gap.edges) > 1) & (np.array(gap.edges) < 9)) == pytest.approx(256 * 0.8, abs=3)


def test_sums_are_cut_off_at_edges() -> None:
    """Between these two edges the sums say what area is between two distribution functions."""
    bins = cut_numeric(np.sort(np.random.default_rng(4).normal(5.0, 2.0, size=5_000)))

    assert {bins.mean - 8 * bins.scale, bins.mean + 8 * bins.scale} <= set(bins.edges)


def test_common_values_stand_alone() -> None:
    """Every value between its neighbours would otherwise be taken for the common one."""
    bins = cut_numeric(mixed(100_000, seed=1))

    near = np.array([np.nextafter(1.0, 0), 1.0, np.nextafter(1.0, 2)])

    assert len(np.unique(np.searchsorted(bins.edges, near))) == 3


def test_tenths_are_tenths() -> None:
    values = np.sort(np.random.default_rng(2).normal(size=100_000))
    bins = cut_numeric(values)

    assert bins.tenths(bins.count(values)).tolist() == [10_000] * 10


@pytest.mark.parametrize(("ones", "tenths"), [(5, [95, 5]), (50, [50, 50]), (95, [5, 95])])
def test_tenths_of_two_values_are_those_two(ones: int, tenths: list[int]) -> None:
    """However lopsided they are, a change between them must show."""
    values = np.array([0.0] * (100 - ones) + [1.0] * ones)
    bins = cut_numeric(values)

    assert bins.tenths(bins.count(values)).tolist() == tenths


def test_a_constant_can_move_either_way() -> None:
    bins = cut_numeric(np.full(9, 3.0))

    assert bins.tenths(bins.count(np.array([2.0, 3.0, 3.0, 4.0]))).tolist() == [1, 2, 1]
    assert bins.scale == 1.0


@pytest.mark.parametrize("constant", [-np.finfo(np.float64).max, np.finfo(np.float64).max])
def test_a_constant_at_the_end_of_floats_can_move_one_way(constant: float) -> None:
    bins = cut_numeric(np.full(9, constant))

    assert bins.tenths(bins.count(np.sort([0.0, constant]))).tolist() == [1, 1] if constant < 0 else [1, 1, 0]


def test_a_baseline_without_values_gets_one_bin() -> None:
    bins = cut_numeric(np.array([]), minimum=0.0)

    assert bins.count(np.array([1.0, 2.0])).tolist() == [2]
    assert bins.out_of_range(np.array([2])) == 0


@pytest.mark.parametrize(("minimum", "maximum", "outside"), [(0.0, 10.0, 2), (-5.0, 12.0, 0), (2.0, 5.0, 5)])
def test_the_range_is_the_schemas(minimum: float, maximum: float, outside: int) -> None:
    """A range wider or narrower than the training data is somebody's knowledge, and counts."""
    bins = cut_numeric(np.arange(11.0), minimum=minimum, maximum=maximum)

    assert bins.out_of_range(bins.count(np.array([-1.0, 0.0, 2.0, 5.0, 5.5, 10.0, 11.0]))) == outside


def test_huge_values_do_not_overflow() -> None:
    bins = cut_numeric(1.797e308 * np.linspace(-1, 1, 2_000))

    assert np.isfinite(bins.edges).all()
    assert np.isfinite(bins.scale)


def test_every_feature_and_output_has_bins() -> None:
    bins = cut(
        table([{"temp": 1.0, "hour": 3, "rain": True, "carrier": "AA", "tail": "N1", "prediction": True}]), SCHEMA
    )

    assert list(bins.features) == ["temp", "hour", "rain", "carrier", "tail"]
    assert list(bins.outputs) == ["prediction", "prediction.probability"]
    assert isinstance(bins.features["hour"], NumericBins)
    assert bins.features["rain"] == CategoricalBins(categories=("false", "true"))
    assert bins.features["carrier"] == CategoricalBins(categories=("AA", "UA"))
    assert bins.features["tail"] == CategoricalBins(categories=())


def test_the_digest_tells_bins_apart() -> None:
    one, other = (cut(table([{"temp": temp}]), SCHEMA) for temp in (1.0, 2.0))

    assert digest(one) == digest(cut(table([{"temp": 1.0}]), SCHEMA)) != digest(other)


def test_a_column_that_is_no_number_is_named() -> None:
    schema = Schema(
        features=(Feature(name="x", type=FeatureType.FLOAT),), outputs=(Output(name="y", type=FeatureType.FLOAT),)
    )

    with pytest.raises(InvalidSchema, match="holds no numbers") as refused:
        cut(pa.table({"x": ["a"]}), schema)

    assert refused.value.feature == "x"


def test_bins_keep_their_digest_when_they_are_read_back() -> None:
    """Training data of whole numbers has whole limits; profiles made before and after storage must still merge."""
    rows = pa.table({"hour": list(range(24)), "prediction": [0, 1] * 12})
    feature = Feature(name="hour", type=FeatureType.INTEGER, minimum=0, maximum=23)
    bins = cut(rows, Schema(features=(feature,), outputs=(Output(name="prediction", type=FeatureType.INTEGER),)))

    again = decode(encode(bins), Bins, path="bins")

    assert digest(again) == digest(bins)

"""The benchmark of datasets knows how far a mean from a sample may be from the truth."""

import math

import numpy as np
import pyarrow as pa
import pytest
from scipy import stats

from benchmarks.weighted_means import MILLION, Sums, by_weight, estimated, numeric, sums
from shared.schema import Feature, FeatureType, Output, Schema

SCHEMA = Schema(
    features=(
        Feature(name="distance", type=FeatureType.FLOAT, nullable=True),
        Feature(name="late", type=FeatureType.BOOLEAN, nullable=True),
        Feature(name="carrier", type=FeatureType.STRING, nullable=True),
    ),
    outputs=(Output(name="label", type=FeatureType.INTEGER),),
)


def test_errors_are_as_large_as_samples_say() -> None:
    """An error that is too large would let a sample pass whose weights are wrong, one too small would refuse a right one."""
    rng = np.random.default_rng(3)
    sizes, drawn = (4_000, 600, 100), (100, 60, 50)
    strata = [rng.normal(5.0 * place, 1.0 + place, size) for place, size in enumerate(sizes)]
    for values in strata:
        values[rng.random(len(values)) < 0.05] = np.nan
    truth = float(np.nanmean(np.concatenate(strata)))

    apart = []
    for _ in range(1_000):
        some = {
            size * MILLION // count: Sums.of(_rows(rng.choice(values, count, replace=False)))
            for size, count, values in zip(sizes, drawn, strata, strict=True)
        }
        found = estimated(some, "distance")
        apart.append((found.mean - truth) / found.error)

    assert stats.kstest(apart, "norm").pvalue > 0.01


def test_all_rows_have_the_mean_without_an_error() -> None:
    """Then anything else than the truth is a fault of the build."""
    values = np.arange(50.0)

    found = estimated({MILLION: Sums.of(_rows(values))}, "distance")

    assert found.mean == pytest.approx(24.5)
    assert found.error == 0.0
    assert found.errors_from(24.5) == 0.0
    assert math.isinf(found.errors_from(24.6))


def test_sums_of_parts_are_those_of_the_whole() -> None:
    """Hours, row groups and strata are added up."""
    values = np.array([1.0, np.nan, 3.0, 5.5, 2.0])

    assert sums([Sums.of(_rows(values[:2])), Sums.of(_rows(values[2:]))]) == Sums.of(_rows(values))


def test_flags_count_as_the_share_that_is_set_and_texts_not_at_all() -> None:
    """A mean of flags says whether those that drift come too often."""
    rows = pa.table({"distance": [1.0, None], "late": [True, None], "carrier": ["a", "b"], "_weight": [2, 3]})

    found = by_weight(numeric(rows, SCHEMA), rows.column("_weight"))

    assert {weight: one.totals for weight, one in found.items()} == {
        2: {"distance": 1.0, "late": 1.0},
        3: {"distance": 0.0, "late": 0.0},
    }
    assert found[3].known == {"distance": 0, "late": 0}


def _rows(values: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> pa.Table:
    return pa.table({"distance": pa.array(values, from_pandas=True)})

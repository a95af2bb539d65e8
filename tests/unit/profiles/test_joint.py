"""Joint profiles add up to the bit, and say how features go together."""

from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest

from shared.profiles.bins import digest
from shared.profiles.cutting import cut
from shared.profiles.encoding import encode
from shared.profiles.joint import PRODUCT, WAVE, JointProfile, points
from shared.profiles.joint_bins import CLIP, MOST_AXES, STEPS, WAVES, CoordinateKind, JointBins, number_of, pairs
from shared.profiles.profile import profile
from shared.schema import Feature, FeatureType, Output, Schema


def schema(numbers: int, *, words: int = 0) -> Schema:
    """Return a schema of so many numbers n0, n1, … and categories c0, c1, …."""
    numeric = (Feature(name=f"n{index}", type=FeatureType.FLOAT, nullable=True) for index in range(numbers))
    known = ("a", "b", "c")
    categorical = (
        Feature(name=f"c{index}", type=FeatureType.CATEGORY, nullable=True, categories=known) for index in range(words)
    )
    return Schema(features=(*numeric, *categorical), outputs=(Output(name="prediction", type=FeatureType.FLOAT),))


def normal(rows: int, features: int, *, rho: float = 0.0, seed: int = 0) -> pa.Table:
    """Return normal features, the first two with the correlation ``rho``."""
    values = np.random.default_rng(seed).normal(size=(rows, features))
    values[:, 1] = rho * values[:, 0] + np.sqrt(1 - rho**2) * values[:, 1]
    return pa.table({f"n{index}": column for index, column in enumerate(values.T)})


def joint(table: pa.Table, features: int, *, seed: str = "") -> JointBins:
    return cut(table, schema(features), seed=seed).joint


@pytest.mark.parametrize("features", [3, 50, MOST_AXES + 40])
@pytest.mark.parametrize("cuts", [[1], [37, 400, 401], [8_192], [4_000, 8_191, 8_193]])
def test_rows_give_the_same_sums_in_whatever_company(features: int, cuts: list[int]) -> None:
    """A product of floats would depend on what it is computed together with, and round the other way once in a while."""
    rows = normal(9_000, features, rho=0.3)
    bins = joint(rows, features)

    whole = JointProfile.of(rows, bins)
    borders = [0, *cuts, rows.num_rows]
    merged = JointProfile()
    for start, end in pairwise(borders):
        merged = JointProfile.of(rows.slice(start, end - start), bins).merge(merged)

    assert merged == whole


def test_sums_are_what_they_are_called() -> None:
    """Checked against the formulas in floats."""
    rows = normal(500, 4, rho=0.6)
    bins = joint(rows, 4)
    found = JointProfile.of(rows, bins)

    x = points(rows, bins) / STEPS
    angles = x @ (bins.waves() / 2**20 * 2 * np.pi * STEPS)
    assert found.characteristic(500) == pytest.approx(np.exp(1j * angles).mean(axis=0), abs=2 / WAVE)
    assert np.array(found.axes) / STEPS == pytest.approx(x.sum(axis=0))
    upper = (x.T @ x)[np.triu_indices(4)]
    assert np.array(found.products) / PRODUCT == pytest.approx(upper)
    assert found.correlations(500) == pytest.approx(np.corrcoef(x.T))


def test_the_waves_are_those_of_a_gaussian_kernel() -> None:
    """The mean product of two rows' waves is the kernel of the two."""
    bins = joint(normal(5_000, 10), 10)
    steps = points(normal(60, 10, seed=1), bins)
    waves = np.exp(1j * (steps @ bins.waves()) * (2 * np.pi / 2**20))

    product = (waves @ waves.conj().T).real / WAVES
    squares = np.sum((steps[:, None] - steps[None, :]) ** 2, axis=2) / STEPS**2
    kernel = np.exp(-squares / (2 * bins.width**2))

    assert np.abs(product - kernel).max() < 5 / np.sqrt(WAVES)
    assert np.abs(product - kernel).mean() < 1 / np.sqrt(WAVES)
    assert bins.width == pytest.approx(np.sqrt(20) / 2, rel=0.1)


def test_values_are_standardised_and_cut_off() -> None:
    """One absurd value cannot carry a sum away, and a missing one says nothing."""
    bins = joint(pa.table({"n0": np.arange(100.0), "n1": np.arange(100.0)}), 2)
    rows = pa.table({"n0": [1e308, -np.inf, None, np.nan, 49.5], "n1": [49.5 + 28.866] * 5})

    assert points(rows, bins)[:, 0].tolist() == [CLIP * STEPS, -CLIP * STEPS, 0, 0, 0]
    assert set(points(rows, bins)[:, 1].tolist()) == {STEPS}


def test_being_missing_is_a_coordinate_where_it_is_usual() -> None:
    columns = {"n0": [None, *range(9)] * 20, "n1": [*range(10)] * 20}
    bins = joint(pa.table(columns, schema=pa.schema({"n0": pa.float64(), "n1": pa.float64()})), 2)

    assert [(one.feature, one.kind) for one in bins.coordinates] == [
        ("n0", CoordinateKind.NUMBER),
        ("n0", CoordinateKind.MISSING),
        ("n1", CoordinateKind.NUMBER),
    ]


def test_categories_and_booleans_take_part() -> None:
    """Two categories that always agree, and then never, have the same shares throughout."""
    rng = np.random.default_rng(3)
    first = rng.choice(["a", "b", "c"], 4_000)
    same = pa.table({"c0": first, "c1": first})
    other = pa.table({"c0": first, "c1": rng.permutation(first)})
    bins = cut(same, schema(0, words=2)).joint

    before, now = (np.abs(JointProfile.of(table, bins).correlations(4_000)[:2, 2:]) for table in (same, other))

    assert before.max() > 0.5
    assert now.max() < 0.1


def test_a_column_that_is_gone_takes_part_as_missing() -> None:
    rows = normal(100, 3)
    bins = joint(rows, 3)

    assert not points(rows.drop_columns(["n1"]), bins)[:, 1].any()


def test_many_features_share_axes() -> None:
    """A profile stays small, and what any two features do together still shows."""
    features = 300
    rows = normal(4_000, features, rho=0.9)
    bins = joint(rows, features)

    assert bins.axes == MOST_AXES
    assert sorted(name for axis in bins.axis_features() for name in axis) == sorted(rows.column_names)
    turned = JointProfile.of(normal(4_000, features, rho=-0.9), bins).correlations(4_000)
    change = np.abs(turned - JointProfile.of(rows, bins).correlations(4_000))
    axes = {name: index for index, axis in enumerate(bins.axis_features()) for name in axis}
    assert {len(axis) for axis in bins.axis_features()} == {2, 3}
    counts = [len(axis) for axis in bins.axis_features()]
    assert bins.limits() / (CLIP * STEPS) == pytest.approx(np.sqrt(counts), abs=0.01)
    assert sorted(np.unravel_index(np.argmax(change), change.shape)) == sorted({axes["n0"], axes["n1"]})


def test_an_axis_of_several_features_is_cut_off_as_well() -> None:
    """What a row may add to a product bounds what chance may do: three features at their extremes together are too rare."""
    rows = pa.table(
        {f"n{index}": np.append(np.random.default_rng(index).normal(size=500), 1e9) for index in range(300)}
    )
    bins = joint(rows, 300)

    most = np.abs(points(rows, bins)).max(axis=0)

    assert (most <= bins.limits()).all()
    assert (most == bins.limits()).any()


def test_the_spread_of_a_correlation_is_that_of_its_estimates() -> None:
    """By it a change is told from chance."""
    bins = joint(normal(10_000, 3, rho=0.6), 3)
    estimates = [
        JointProfile.of(normal(400, 3, rho=0.6, seed=seed), bins).correlations(400)[pairs(3)] for seed in range(300)
    ]

    assert np.array(bins.spreads) / 20 == pytest.approx(np.std(estimates, axis=0), rel=0.15)


def test_another_seed_is_another_digest() -> None:
    """Waves that were drawn from another seed cannot be added."""
    rows = normal(100, 3)

    assert digest(cut(rows, schema(3), seed="a")) != digest(cut(rows, schema(3), seed="b"))
    assert joint(rows, 3, seed="a").waves().tolist() != joint(rows, 3, seed="b").waves().tolist()


def test_what_is_drawn_never_changes() -> None:
    """Profiles that were stored years ago are added to new ones."""
    waves = JointBins(seed="s", coordinates=joint(normal(9, 2), 2).coordinates).waves()

    assert waves[:, :4].tolist() == [[-7856.0, 233.0, -2440.0, 3984.0], [7837.0, -4829.0, -933.0, -9803.0]]
    assert number_of("s", "a", "b", draw=0) == pytest.approx(-0.569987897400317, abs=1e-15)


@pytest.mark.parametrize("rows", [0, 1])
def test_a_baseline_of_hardly_any_rows_gives_bins(rows: int) -> None:
    bins = cut(normal(2, 3).slice(0, rows), schema(3))

    assert profile(normal(50, 3), bins).joint.axes


def test_a_profile_of_fifty_features_is_small() -> None:
    """An hour takes at most 1.3 kB a feature with everything in it."""
    rows = normal(10_000, 50)
    ids = [f"019c0000-0000-7000-8000-{row:012x}" for row in range(10_000)]

    found = profile(rows.append_column("_id", pa.array(ids)), cut(rows, schema(50)))

    assert len(encode(found)) / 50 < 1_300

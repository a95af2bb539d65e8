"""Levels: how much more there is now than in the baseline."""

import math

import hypothesis.strategies as st
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given

from shared.datasets.levels import FeatureLevels, level, levels
from shared.datasets.manifest import BaselineCounts

counts = st.integers(0, 10**9)


@given(counts, counts, counts, counts)
def test_a_level_is_twice_the_binary_logarithm_of_the_ratio_of_shares(
    rows: int, others: int, before: int, others_before: int
) -> None:
    total, baseline_total = rows + others, before + others_before
    ratio = (rows + 0.5) / (total + 1) / ((before + 0.5) / (baseline_total + 1))
    exact = 2 * math.log2(ratio)

    found = level(rows, before, total=total, baseline_total=baseline_total, bins=2)

    if abs(exact - round(exact)) > 1e-9:
        assert found == min(max(math.floor(exact), 0), 8)


def test_a_level_is_reached_where_the_ratio_is_exactly_its_own() -> None:
    """A share twice as large is at 2, which logarithms of floats may miss."""
    # (2 * 31 + 1) / (2 * 62 + 2) is a half, (2 * 15 + 1.5) / (2 * 62 + 2) a quarter
    assert level(31, 15, total=62, baseline_total=61, bins=2) == 2
    assert level(30, 15, total=62, baseline_total=61, bins=2) == 1


def test_neighbours_at_one_level_are_one_run() -> None:
    baseline = {"delay": BaselineCounts(edges=(0.0, 1.0, 2.0), rows=(100, 100, 1, 1))}
    current = pa.table({"delay": [-1.0, 0.5] * 50 + [1.5, 3.0] * 50 + [None, math.nan, math.inf, -math.inf]})

    found = levels(baseline, current).features

    assert found == {"delay": FeatureLevels(up_to=(1.0,), levels=(0, 8))}


def test_chance_gives_no_level_to_numbers_however_many_bins_they_have() -> None:
    """By themselves a third of such bins would be at a level, and a sample would prefer what has not drifted."""
    rng = np.random.default_rng(5)
    edges = tuple(np.linspace(0.0, 1.0, 901)[1:-1].tolist())
    before = np.bincount(np.searchsorted(edges, rng.random(20_000)), minlength=900)
    baseline = {"delay": BaselineCounts(edges=edges, rows=tuple(before.tolist()))}

    as_before, moved = rng.random(10_000), np.append(rng.random(5_000), 0.5 + rng.random(5_000) / 20)

    assert levels(baseline, pa.table({"delay": as_before})).features == {}
    found = levels(baseline, pa.table({"delay": moved})).features["delay"]
    assert max(found.levels) >= 6
    assert 0.45 < min(found.up_to) <= 0.5
    assert 0.55 <= max(found.up_to) < 0.6


def test_values_that_the_baseline_does_not_know_have_a_level_together() -> None:
    baseline = {"carrier": BaselineCounts(categories=("AA", "UA"), rows=(90, 10, 0))}
    current = pa.table({"carrier": ["AA"] * 50 + ["UA"] * 30 + ["XX"] * 20 + [None] * 900})

    found = levels(baseline, current).features["carrier"]

    assert found == FeatureLevels(categories={"AA": 0, "UA": 3}, unknown=8)


def test_a_boolean_is_counted_by_its_text() -> None:
    baseline = {"late": BaselineCounts(categories=("false", "true"), rows=(99, 1, 0))}

    found = levels(baseline, pa.table({"late": [True] * 50 + [False] * 50})).features["late"]

    assert found.categories["true"] == 8


@pytest.mark.parametrize("current", [[0.5] * 100 + [1.5] * 100, [None] * 3, []])
def test_a_feature_that_has_not_drifted_has_no_levels(current: list[float | None]) -> None:
    """Its column is not even read."""
    baseline = {"delay": BaselineCounts(edges=(1.0,), rows=(50, 50))}

    assert levels(baseline, pa.table({"delay": pa.array(current, pa.float64())})).features == {}

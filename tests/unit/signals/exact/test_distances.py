"""Distances of rows against scipy, which sorts and merges everything."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats

from shared.errors import InsufficientData
from shared.signals.drift import ks
from shared.signals.exact.distances import apart

Floats = NDArray[np.float64]
Draw = Callable[[np.random.Generator, int], Floats]

DRAWS: dict[str, Draw] = {
    "normal": lambda rng, rows: rng.normal(size=rows),
    "shifted": lambda rng, rows: rng.normal(0.3, size=rows),
    "narrow": lambda rng, rows: rng.normal(size=rows) / 1000,
    "far away": lambda rng, rows: rng.normal(1e6, size=rows),
    "whole": lambda rng, rows: rng.poisson(4.0, size=rows).astype(float),
    "rounded": lambda rng, rows: np.round(rng.lognormal(size=rows), 2),
    "half zeros": lambda rng, rows: rng.normal(size=rows) * (rng.random(rows) < 0.5),
    "constant": lambda _, rows: np.full(rows, 0.25),
    "two clusters": lambda rng, rows: rng.normal(size=rows) + 100.0 * (rng.random(rows) < 0.5),
}

few_values = st.lists(st.integers(-3, 3).map(float), min_size=3, max_size=400)
any_values = st.lists(st.floats(-1e6, 1e6, width=32), min_size=3, max_size=400)
sides = (few_values | any_values).map(lambda values: np.sort(np.array(values)))


@pytest.mark.parametrize("before", DRAWS)
@pytest.mark.parametrize("now", DRAWS)
def test_distances_of_many_rows_are_scipys(before: str, now: str) -> None:
    """To nine digits, for every pair of shapes: stretches that are wide, empty, tied, or undecided to the last."""
    rng = np.random.default_rng(1)
    a, b = np.sort(DRAWS[before](rng, 7_001)), np.sort(DRAWS[now](rng, 4_999))

    found = apart(a, b)

    assert found.ks == pytest.approx(stats.ks_2samp(a, b, method="asymp").statistic, abs=1e-12)
    assert found.area == pytest.approx(stats.wasserstein_distance(a, b), rel=1e-8, abs=1e-12)


@given(sides, sides)
def test_distances_of_any_rows_are_scipys(a: Floats, b: Floats) -> None:
    found = apart(a, b)

    assert found.ks == pytest.approx(stats.ks_2samp(a, b, method="asymp").statistic, abs=1e-12)
    assert found.area == pytest.approx(stats.wasserstein_distance(a, b), rel=1e-9, abs=1e-6)


@given(few_values, few_values)
def test_ks_is_that_over_counts_where_every_value_has_a_bin(before: list[float], now: list[float]) -> None:
    """Rows and profiles speak of one metric."""
    values = [*np.arange(-3.0, 4.0), 4.0]
    counts = [np.array([side.count(value) for value in values]) for side in (before, now)]

    assert apart(np.sort(before), np.sort(now)).ks == pytest.approx(ks(*counts), abs=1e-12)


@given(sides, sides)
def test_sides_may_be_swapped(a: Floats, b: Floats) -> None:
    one, other = apart(a, b), apart(b, a)

    assert one.ks == pytest.approx(other.ks, abs=1e-12)
    assert one.area == pytest.approx(other.area, rel=1e-9, abs=1e-6)


def test_a_side_without_rows_is_too_few() -> None:
    with pytest.raises(InsufficientData):
        apart(np.empty(0), np.array([1.0]))


@pytest.mark.parametrize("shape", DRAWS)
def test_rows_are_at_no_distance_from_themselves(shape: str) -> None:
    """Every value stands on both sides then: between the two, the functions part for a moment that does not exist."""
    values = np.sort(DRAWS[shape](np.random.default_rng(3), 5_000))

    assert apart(values, values).ks == 0.0
    assert apart(values, values).area == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize("rows", [200, 5_000])
def test_values_that_both_sides_share_are_compared_after_the_last_of_them(rows: int) -> None:
    rng = np.random.default_rng(4)
    a, b = (np.sort(rng.poisson(1_000, size=rows) / 7) for _ in range(2))

    assert apart(a, b).ks == pytest.approx(stats.ks_2samp(a, b, method="asymp").statistic, abs=1e-12)

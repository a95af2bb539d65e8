"""Tails against scipy.special, over all that can be asked for."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special

from shared.signals.tails import chi_squared_tail, kolmogorov_tail, normal_tail, weighted_quantile, weighted_tail


@given(st.floats(-40, 40))
def test_the_normal_tail_is_scipys(deviations: float) -> None:
    assert normal_tail(deviations) == pytest.approx(special.ndtr(-deviations), rel=1e-10, abs=1e-300)


@given(st.floats(0, 30))
def test_kolmogorovs_tail_is_scipys(x: float) -> None:
    """On both sides of 1, where one series takes over from the other."""
    assert kolmogorov_tail(x) == pytest.approx(special.kolmogorov(x), rel=1e-10, abs=1e-300)


@given(degrees=st.integers(1, 3_000), share=st.floats(0, 20))
def test_the_chi_squared_tail_is_scipys(degrees: int, share: float) -> None:
    """Even and odd, from far below what is expected to far above it, down to the smallest floats."""
    statistic = share * degrees

    expected = special.chdtrc(degrees, statistic)

    assert chi_squared_tail(statistic, degrees=degrees) == pytest.approx(expected, rel=1e-8, abs=1e-300)


@pytest.mark.parametrize("degrees", [999_998, 999_999])
def test_a_million_categories_have_a_tail(degrees: int) -> None:
    statistics = degrees + np.sqrt(2 * degrees) * np.array([-3.0, 0.0, 3.0])

    found = [chi_squared_tail(statistic, degrees=degrees) for statistic in statistics]

    assert found == pytest.approx(special.chdtrc(degrees, statistics), rel=1e-7)


@pytest.mark.parametrize("degrees", [1, 2, 10, 256])
@pytest.mark.parametrize("chance", [0.9, 0.5, 0.1, 1e-3, 1e-5, 1e-9])
def test_the_tail_of_equal_weights_is_that_of_chi_squared(degrees: int, chance: float) -> None:
    """One weight is the worst case: a sum of many is closer."""
    found = weighted_tail(float(special.chdtri(degrees, chance)) / degrees, np.full(degrees, 1 / degrees))

    assert found / chance == pytest.approx(1.0, abs=0.13 if degrees == 1 else 0.06)


@pytest.mark.parametrize("x", [0.1, 0.9, 1.0, 1.1, 3.0, 5.0, 8.0, 20.0])
def test_the_tail_of_weights_that_come_in_pairs_is_a_sum_of_exponentials(x: float) -> None:
    """It has a closed form; below 3e-5 from 5 on, 1e-17 at 20."""
    halves = np.array([0.25, 0.125, 0.075, 0.05])
    exact = sum(
        np.prod([one / (one - other) for other in halves if other != one]) * np.exp(-x / (2 * one)) for one in halves
    )

    assert weighted_tail(x, np.repeat(halves, 2)) == pytest.approx(exact, rel=0.06)


@pytest.mark.parametrize("chance", [0.3, 1e-2, 1e-5, 1e-9])
def test_a_quantile_is_exceeded_by_its_chance(chance: float) -> None:
    weights = np.array([0.5, 0.2, 0.2, 0.05, 0.05])

    assert weighted_tail(weighted_quantile(chance, weights), weights) == pytest.approx(chance, rel=1e-6)


def test_a_sum_exceeds_nothing_always_and_infinity_never() -> None:
    assert weighted_tail(0.0, np.array([1.0])) == 1.0
    assert weighted_tail(np.inf, np.array([1.0])) == 0.0

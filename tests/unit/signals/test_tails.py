"""Tails against scipy.special, over all that can be asked for."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special

from shared.signals.tails import chi_squared_tail, kolmogorov_tail, normal_tail


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

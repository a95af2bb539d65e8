"""p-values against scipy, and the rows they ask for."""

import numpy as np
import pytest
from scipy import stats

from shared.signals.significance import (
    chi_squared_p_value,
    effective_rows,
    ks_p_value,
    ks_rows,
    largest_share_p_value,
    share_rows,
)


def test_the_ks_p_value_is_scipys_asymptotic_one() -> None:
    """For finite samples scipy takes another distribution, which approaches the limit."""
    rng = np.random.default_rng(1)
    found = stats.ks_2samp(rng.normal(size=50_000), rng.normal(0.02, size=40_000), method="asymp")
    rows = effective_rows(50_000, 40_000, design_effect=1)

    assert ks_p_value(float(found.statistic), rows=rows) == pytest.approx(found.pvalue, rel=0.02)


def test_the_chi_squared_p_value_is_scipys() -> None:
    found = stats.chi2_contingency([[10, 20, 30], [20, 20, 20]], correction=False)

    assert chi_squared_p_value(found.statistic, degrees=2) == pytest.approx(found.pvalue)
    assert chi_squared_p_value(0.0, degrees=0) == 1.0


@pytest.mark.parametrize("share", [0.001, 0.02, 0.3])
def test_equal_shares_are_seldom_taken_for_different(share: float) -> None:
    """A test at 1 % may be wrong in 1 % of cases and not in many more, rare categories included."""
    rng = np.random.default_rng(2)
    before = rng.binomial(10_000, share, size=4_000)
    now = rng.binomial(1_000, share, size=4_000)

    p_values = [
        largest_share_p_value(np.array([b, 10_000 - b]), np.array([n, 1_000 - n]), design_effect=1)
        for b, n in zip(before, now, strict=True)
    ]

    assert np.mean(np.array(p_values) < 0.01) < 0.015


def test_many_categories_are_that_many_chances_to_be_wrong() -> None:
    rng = np.random.default_rng(3)
    shares = 1 / np.arange(1, 501)
    shares /= shares.sum()
    before, now = rng.multinomial(10_000, shares, size=400), rng.multinomial(2_000, shares, size=400)

    p_values = [largest_share_p_value(b, n, design_effect=1) for b, n in zip(before, now, strict=True)]

    assert np.mean(np.array(p_values) < 0.05) <= 0.05


def test_a_moved_share_is_sure_on_a_thousand_rows() -> None:
    assert largest_share_p_value(np.array([9_900, 100]), np.array([900, 100]), design_effect=4) < 1e-6


def test_the_rows_asked_for_are_those_that_make_it_sure() -> None:
    assert ks_p_value(0.2, rows=ks_rows(0.2, p_value=1e-5)) == pytest.approx(1e-5)

    rows = share_rows(0.2, bins=2, p_value=1e-5)
    equal = round(2 * rows)  # n = m gives n / 2 effective rows
    before, now = np.array([0.6, 0.4]) * equal, np.array([0.4, 0.6]) * equal
    found = largest_share_p_value(before.astype(int), now.astype(int), design_effect=1)
    assert found == pytest.approx(1e-5, rel=0.2)

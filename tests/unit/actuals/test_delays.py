"""Delays are counted so that hours add up, and quantiles are no shorter than they were."""

from datetime import timedelta

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from shared.actuals.delays import EDGES_S, counted, merged, quantile

SECONDS = st.lists(st.integers(-100, int(EDGES_S[-1])), min_size=1, max_size=50)


@given(SECONDS, SECONDS)
def test_counts_of_parts_add_up_to_those_of_the_whole(a: list[int], b: list[int]) -> None:
    assert merged([counted(np.array(a)), counted(np.array(b))]) == counted(np.array(a + b))


@given(SECONDS, st.sampled_from([0.5, 0.95, 1.0]))
def test_a_quantile_is_the_exact_one_or_longer_by_a_fifth_at_most(seconds: list[int], share: float) -> None:
    found = quantile(counted(np.array(seconds)), share)

    exact = float(np.quantile(seconds, share, method="inverted_cdf"))
    assert found is not None
    assert exact <= found.total_seconds() <= max(60.0, exact * 1.2)


def test_nothing_has_no_quantile() -> None:
    assert quantile({}, 0.5) is None


def test_what_took_years_is_as_long_as_the_last_edge() -> None:
    assert quantile(counted(np.array([10**9])), 0.5) == timedelta(seconds=int(EDGES_S[-1]))

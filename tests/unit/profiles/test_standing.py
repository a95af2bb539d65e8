"""Of rows that were drawn unevenly a baseline is made as if they had been drawn evenly."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from shared.profiles.standing import fair

WEIGHTS = st.lists(st.floats(0, 1e12), min_size=1, max_size=50)


@given(st.integers(1, 10**12), st.integers(1, 200), st.text(max_size=5))
def test_rows_that_stand_for_as_many_are_all_kept(weight: int, rows: int, seed: str) -> None:
    assert fair(np.full(rows, float(weight)), seed=seed).all()


@given(WEIGHTS, st.text(max_size=5))
def test_what_stands_for_nothing_is_never_kept_and_what_stands_for_most_always(weights: list[float], seed: str) -> None:
    given_weights = np.array(weights)

    kept = fair(given_weights, seed=seed)

    assert not kept[given_weights == 0].any()
    assert kept[(given_weights == given_weights.max()) & (given_weights > 0)].all()


@given(WEIGHTS, st.sampled_from([2.0, 1024.0, 0.5]))
def test_the_same_rows_are_kept_in_whatever_unit_weights_are(weights: list[float], unit: float) -> None:
    normal = [weight if weight > 1e-300 else 0.0 for weight in weights]

    assert fair(np.array(normal), seed="s").tolist() == fair(np.array(normal) * unit, seed="s").tolist()


@pytest.mark.parametrize("seed", ["a", "b", "c"])
def test_strata_that_were_drawn_unevenly_are_kept_as_they_were_in_the_population(seed: str) -> None:
    """Of 100,000 rows a tenth is rare, and as many of both were drawn: of what is kept a tenth is rare again."""
    drawn, population = np.array([4_000, 4_000]), np.array([90_000, 10_000])
    stratum = np.repeat([0, 1], drawn)

    kept = stratum[fair((population / drawn)[stratum], seed=seed)]

    counts = np.bincount(kept, minlength=2)
    assert counts[0] == drawn[0]
    assert stats.binomtest(int(counts[1]), int(drawn[1]), p=1 / 9).pvalue > 1e-4

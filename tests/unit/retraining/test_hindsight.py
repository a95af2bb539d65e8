"""The best schedule, against trying all of them."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from shared.retraining.hindsight import best, priced

COSTS = st.floats(0, 2)


@st.composite
def tables(draw: st.DrawFn) -> NDArray[np.float64]:
    """Return losses of few versions, each from some period on; the first from the beginning."""
    versions, periods = draw(st.integers(1, 4)), draw(st.integers(0, 5))
    losses = np.array(
        draw(st.lists(st.floats(0, 1), min_size=versions * periods, max_size=versions * periods)), dtype=np.float64
    ).reshape(versions, periods)
    for version in range(1, versions):
        losses[version, : draw(st.integers(0, periods))] = np.nan
    return losses


@given(tables(), COSTS)
def test_it_costs_what_the_best_of_all_schedules_costs(losses: NDArray[np.float64], cost: float) -> None:
    found = best(losses, cost=cost, first=0)

    all_of_them = product(range(losses.shape[0]), repeat=losses.shape[1])
    costs = [priced(losses, versions, cost=cost, first=0).cost for versions in all_of_them]
    assert found.cost == pytest.approx(np.nanmin(costs))
    assert priced(losses, found.versions, cost=cost, first=0) == found


@given(tables(), COSTS, COSTS)
def test_dearer_swaps_are_no_more_and_no_cheaper(losses: NDArray[np.float64], one: float, other: float) -> None:
    low, high = (best(losses, cost=cost, first=0) for cost in sorted((one, other)))

    assert low.cost <= high.cost + 1e-9
    assert low.loss <= high.loss + 1e-9


def test_it_may_go_back() -> None:
    found = best(np.array([[0.1, 0.9, 0.1], [0.9, 0.1, 0.9]]), cost=0.1, first=0)

    assert (found.versions, found.swaps) == ((0, 1, 0), 2)


def test_where_no_version_can_answer_there_is_no_schedule() -> None:
    with pytest.raises(ValueError, match="period 1"):
        best(np.array([[0.1, np.nan]]), cost=1.0, first=0)

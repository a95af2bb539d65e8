"""What policies are held against is the optimum, to the last schedule."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from benchmarks.retraining.oracle import COSTS, Losses, first_version, oracle, play


@st.composite
def tables(draw: st.DrawFn) -> Losses:
    """Losses of up to 8 versions; a few values only, so that schedules tie."""
    first = draw(st.integers(0, 3))
    periods = first + draw(st.integers(1, 8))
    losses = draw(arrays(np.float64, (periods, periods), elements=st.sampled_from([0.0, 0.1, 0.25, 0.5, 1.0])))
    losses[np.tril_indices(periods, -1)] = np.nan
    losses[:first] = np.nan
    return losses


def schedules(losses: Losses) -> list[tuple[int, ...]]:
    """Return all there are."""
    periods = range(first_version(losses) + 1, len(losses))
    return [some for number in range(len(periods) + 1) for some in itertools.combinations(periods, number)]


@given(tables(), st.sampled_from(COSTS))
def test_no_schedule_costs_less_than_the_oracle(losses: Losses, swap_cost: float) -> None:
    least = min(play(losses, some).cost(swap_cost) for some in schedules(losses))

    assert oracle(losses, swap_cost).cost(swap_cost) == pytest.approx(least, abs=1e-12)


@given(tables(), st.data())
def test_a_schedule_costs_what_is_added_up_period_by_period(losses: Losses, data: st.DataObject) -> None:
    swaps = data.draw(st.sampled_from(schedules(losses)))
    in_use, loss = first_version(losses), 0.0
    for period in range(first_version(losses), len(losses)):
        in_use = period if period in swaps else in_use
        loss += losses[in_use, period]

    found = play(losses, swaps)

    assert found.cost(0.3) == pytest.approx(loss + 0.3 * len(swaps))


def test_a_worked_example() -> None:
    """The first version is free and fails from period 2 on; the newest is worth a swap that costs less than 0.8."""
    losses = np.array([[0.1, 0.1, 0.5, 0.5], [np.nan, 0.1, 0.5, 0.5], [np.nan, np.nan, 0.1, 0.1], [*[np.nan] * 3, 0.1]])

    assert oracle(losses, 0.7).swaps == (2,)
    assert oracle(losses, 0.9).swaps == ()
    assert play(losses, ()).above(oracle(losses, 0.4), 0.4) == pytest.approx(100 * (1.2 - 0.8) / 0.8)


@pytest.mark.parametrize("swaps", [(1,), (3, 2), (2, 2), (0,)])
def test_a_schedule_out_of_order_is_refused(swaps: tuple[int, ...]) -> None:
    """Its loss would count periods twice, or none."""
    losses = np.full((4, 4), 0.1)
    losses[0] = np.nan

    with pytest.raises(ValueError, match="not ascending"):
        play(losses, swaps)


def test_costs_are_seven_from_two_hundredths_to_two() -> None:
    assert len(COSTS) == 7
    assert COSTS[0] == 0.02
    assert COSTS[-1] == pytest.approx(2.0)
    assert np.diff(np.log(COSTS)) == pytest.approx(np.full(6, np.log(100) / 6))

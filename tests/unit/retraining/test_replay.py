"""Policies, held against the best there was to do."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.retraining.policy import History
from shared.retraining.replay import BEST, OURS, Past, Replayed, replayed
from tests.unit.retraining.histories import NAN, histories, history


def played(known: History, *, cost: float, delay: int = 0, alarms: list[bool] | None = None) -> Replayed:
    names = [f"v{place}" for place in range(known.losses.shape[0])]
    keys = [f"p{place}" for place in range(known.periods)]
    return replayed("flights", Past.of(known, delay=delay), names, keys, cost=cost, alarms=alarms, unknown=0)


def swaps(found: Replayed) -> dict[str, list[str]]:
    return {one.policy: [*one.swaps] for one in found.policies}


SHIFTED = history([[0.1, 0.1, 0.9, 0.9, 0.9, 0.9], [NAN, NAN, NAN, 0.2, 0.2, 0.2]], born=[0, 3])
"""The champion becomes bad in the third period, and a version that has learned from it is there from the fourth on."""


def test_what_policies_did_and_cost_can_be_checked_by_hand() -> None:
    found = played(SHIFTED, cost=0.5, alarms=[False, False, True, False, False, False])

    assert swaps(found) == {
        BEST: ["p3"],
        "every period": ["p3"],
        "on drift alarm": ["p3"],
        OURS: ["p4"],
        "accrued regret": ["p4"],
        "never": [],
    }
    costs = {one.policy: (one.loss, one.cost, one.above) for one in found.policies}
    assert costs[BEST] == pytest.approx((1.7, 2.2, 0.0))
    assert costs[OURS] == pytest.approx((2.4, 2.9, 2.9 / 2.2 - 1))
    assert costs["never"] == pytest.approx((3.8, 3.8, 3.8 / 2.2 - 1))


def test_losses_that_are_known_later_are_acted_on_later() -> None:
    assert swaps(played(SHIFTED, cost=0.5, delay=1))[OURS] == ["p5"]


def test_a_policy_knows_that_it_swaps_later_than_a_gap_began() -> None:
    """The champion is behind in every other twelve periods: eight of those are over before it is known.

    Were a swap taken to follow at once, 64 periods would be enough to promise what it costs.
    """
    behind = np.where(np.arange(96) // 12 % 2 == 0, 0.5, 0.3)
    known = history([behind.tolist(), [0.3] * 96], born=[0, 0])

    assert swaps(played(known, cost=4.0, delay=8))[OURS] == ["p87"]


def test_without_evaluations_nobody_waits_for_alarms() -> None:
    assert "on drift alarm" not in swaps(played(SHIFTED, cost=0.5))


def test_nobody_takes_a_version_before_it_was_there() -> None:
    past = Past.of(replace(SHIFTED, born=np.array([0, 5])), delay=2)

    found = past.play(lambda _history, _champion, _period: True, cost=0.5)

    assert found.versions == (0, 0, 0, 0, 0, 1)
    assert past.losses[1, :5].tolist() == pytest.approx([NAN] * 5, nan_ok=True)


def test_a_loss_that_was_not_measured_is_that_of_the_version_nearest_in_age() -> None:
    known = history([[0.1, 0.9], [0.2, NAN], [0.3, 0.3]], born=[0, 0, 0], champions=[0, 2])

    past = Past.of(known, delay=0)

    assert past.losses[1].tolist() == [0.2, 0.9]
    assert (past.losses[0, 1], past.borrowed) == (0.9, 1)


@given(
    histories().filter(lambda one: one.periods > 0),
    st.floats(0.01, 2),
    st.integers(0, 3),
    st.data(),
)
def test_no_policy_costs_less_than_the_best(known: History, cost: float, delay: int, data: st.DataObject) -> None:
    losses = known.losses.copy()
    # Every period has a loss of its champion, who was there by then.
    losses[known.champions, np.arange(known.periods)] = 0.5
    whole = history(
        losses.tolist(),
        born=[-1] * losses.shape[0] if data.draw(st.booleans()) else known.born.tolist(),
        champions=known.champions.tolist(),
    )

    found = played(whole, cost=cost, delay=delay)

    assert found.policies[0].policy == BEST
    assert all(one.cost >= found.policies[0].cost - 1e-9 for one in found.policies)

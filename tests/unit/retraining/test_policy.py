"""A retrain pays once keeping has cost as much."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.retraining.policy import History, Rule, Weighed, decide, newest_challenger
from tests.unit.retraining.histories import NAN, histories, history

COSTS = st.floats(0.001, 10)


@given(histories(), COSTS, COSTS)
def test_what_pays_at_a_cost_pays_at_any_lower_one(known: History, one: float, other: float) -> None:
    low, high = sorted((one, other))

    assert decide(known, cost=low, champion=0).retrain or not decide(known, cost=high, champion=0).retrain


@given(histories(), COSTS)
def test_what_comes_later_changes_nothing_of_what_was_decided(known: History, cost: float) -> None:
    for now in range(known.periods):
        assert decide(known.before(now), cost=cost, champion=0).horizon <= now


@given(histories(), COSTS)
def test_no_number_is_made_up(known: History, cost: float) -> None:
    weighed = decide(known, cost=cost, champion=0)

    numbers = [getattr(weighed, name) for name in ("benefit", "standard_error", "gap", "gap_error", "regret")]
    assert not any(isinstance(number, float) and np.isnan(number) for number in numbers)
    assert (weighed.rule is Rule.TOO_LITTLE_HISTORY) is (weighed.benefit is None)


def test_it_retrains_once_the_cost_has_accrued_and_not_a_period_before() -> None:
    known = history([[0.3] * 4, [0.2] * 4])

    assert [decide(known.before(now), cost=0.25, champion=0).retrain for now in range(5)] == [False] * 4 + [True]
    # the challenger learned from the first period
    assert decide(known, cost=0.25, champion=0).regret == pytest.approx(0.3)


def test_without_a_measurement_it_keeps() -> None:
    for losses in ([[0.9] * 3], [[0.9] * 3, [NAN] * 3], [[NAN] * 3, [0.1] * 3]):
        assert decide(history(losses, born=range(len(losses))), cost=0.01, champion=0) == Weighed(
            retrain=False, rule=Rule.TOO_LITTLE_HISTORY
        )


@pytest.mark.parametrize(("error", "retrain"), [(0.05, True), (0.15, False), (NAN, False)])
def test_the_last_gap_must_be_above_its_standard_error(error: float, *, retrain: bool) -> None:
    """What has accrued may be of a time that is over."""
    known = history([[0.3] * 4, [0.2] * 4], error=error)

    assert decide(known, cost=0.1, champion=0).retrain is retrain


def test_regret_begins_when_the_champion_was_promoted() -> None:
    known = history([[0.9, 0.9, 0.3, 0.3], [0.5] * 4, [0.2] * 4], born=[0, 0, 0], champions=[0, 0, 1, 1])

    assert decide(known, cost=1.0, champion=1).regret == pytest.approx(0.6)
    assert decide(known, cost=1.0, champion=0).rule is Rule.TOO_LITTLE_HISTORY, "it is about to answer"


def test_the_newest_challenger_is_the_one_made_last_of_those_measured() -> None:
    known = history([[0.3] * 3, [0.2, 0.2, 0.2], [0.1, NAN, 0.1], [0.0, 0.0, 0.0]], born=[0, 0, 0, 2])

    assert [newest_challenger(known, period, 0) for period in range(3)] == [2, 1, 3]
    assert newest_challenger(known, 1, 2) is None, "an older version is no challenger"

"""A retrain pays once keeping has cost as much, for sure, and is expected to go on costing."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.retraining.experience import Experience, Gaps, Rule, Weighed
from shared.retraining.policy import History, accrued_regret, decide, gaps_of
from tests.unit.retraining.histories import NAN, histories, history, late_histories

COSTS = st.floats(0.001, 10)
DELAYS = st.integers(0, 6)


@given(histories(), COSTS, COSTS)
def test_what_pays_at_a_cost_pays_at_any_lower_one(known: History, one: float, other: float) -> None:
    low, high = sorted((one, other))

    assert decide(known, cost=low, champion=0).retrain or not decide(known, cost=high, champion=0).retrain
    assert accrued_regret(known, cost=low, champion=0) or not accrued_regret(known, cost=high, champion=0)


@given(histories(), COSTS)
def test_what_comes_later_changes_nothing_of_what_was_decided(known: History, cost: float) -> None:
    for now in range(known.periods):
        other = replace(known, losses=np.where(np.arange(known.periods) < now, known.losses, 0.5))

        assert decide(known.before(now), cost=cost, champion=0) == decide(other.before(now), cost=cost, champion=0)
        assert decide(known.before(now), cost=cost, champion=0).measured_periods <= now


@given(late_histories(), COSTS, DELAYS)
def test_no_number_is_made_up(known: History, cost: float, more: int) -> None:
    weighed = decide(known, cost=cost, champion=0, delay=known.unsettled + more)

    names = ("regret", "measured", "standard_error", "gap", "benefit", "lasting")
    assert all(math.isfinite(getattr(weighed, name)) for name in names)
    assert (weighed.rule is Rule.NOT_MEASURED) is (weighed.measured_periods == 0)


@given(late_histories(), COSTS, DELAYS, st.data())
def test_it_decides_as_experience_of_the_same_gaps_does(
    known: History, cost: float, more: int, data: st.DataObject
) -> None:
    delay = known.unsettled + more
    champion = data.draw(st.integers(0, len(known.born) - 1))
    since = max((period + 1 for period in range(known.periods) if known.champions[period] != champion), default=0)

    weighed = decide(known, cost=cost, champion=champion, delay=delay)

    assert weighed == Experience.of(_one_by_one(known, delay)).weigh(champion=champion, since=since, cost=cost)


@given(histories(), COSTS, DELAYS)
def test_what_was_measured_is_the_same_however_late_it_was_known(known: History, cost: float, delay: int) -> None:
    """A delay says only when a swap could have followed."""
    early, late = (decide(known, cost=cost, champion=0, delay=periods) for periods in (0, delay))

    names = ("regret", "measured", "standard_error", "gap", "measured_periods")
    assert [getattr(early, name) for name in names] == [getattr(late, name) for name in names]


def test_what_is_left_of_a_gap_counts_from_when_it_was_known() -> None:
    """Every other twelve periods the champion is behind: what is known six periods later is half over by then."""
    behind = np.arange(96) // 12 % 2 == 0
    known = history([np.where(behind, 0.4, 0.2).tolist(), [0.2] * 96], born=[0, 0])

    of_three_periods = [Experience.of(gaps_of(known, delay=delay)).lasting[0] for delay in (0, 6)]

    assert of_three_periods == pytest.approx([0.70, 0.25], abs=0.01)


def test_it_retrains_once_the_cost_has_accrued_and_not_a_period_before() -> None:
    known = history([[0.3] * 4, [0.2] * 4])

    assert [decide(known.before(now), cost=0.25, champion=0).rule for now in range(5)] == [
        Rule.NOT_MEASURED,
        Rule.NOT_MEASURED,  # the challenger learned from the first period
        Rule.NOT_PAID,
        Rule.NOT_PAID,
        Rule.PAYS,
    ]
    assert [accrued_regret(known.before(now), cost=0.25, champion=0) for now in range(5)] == [False] * 4 + [True]
    assert decide(known, cost=0.25, champion=0).regret == pytest.approx(0.3)


def test_what_is_not_settled_yet_is_taken_to_cost_what_such_differences_did() -> None:
    """0.3 was lost where answers differed by 0.6 in four periods: with a usual one in which that cost nothing, by 0.75."""
    differ = np.array([[0.0] * 5, [NAN, 0.2, 0.2, 0.2, 0.4]])
    settled = [[0.3] * 4 + [NAN], [NAN] + [0.2] * 3 + [NAN]]
    known = history(settled, disagreements=differ, unsettled=1)

    weighed = decide(known, cost=1.0, champion=0, delay=1)

    assert weighed.measured == pytest.approx(0.3)
    assert weighed.measured_periods == 3
    assert weighed.regret - weighed.measured == pytest.approx(0.4 * 0.3 / 0.75)
    assert decide(known.before(4), cost=1.0, champion=0, delay=1).regret == pytest.approx(0.3)


def test_what_was_known_before_counts_the_periods_that_were_not_settled() -> None:
    known = history([[0.3] * 6], unsettled=2)

    assert [known.before(now).unsettled for now in range(7)] == [0, 0, 0, 0, 0, 1, 2]


def test_without_a_measurement_it_keeps() -> None:
    for losses in ([[0.9] * 3], [[0.9] * 3, [NAN] * 3], [[NAN] * 3, [0.1] * 3]):
        known = history(losses, born=range(len(losses)))

        assert decide(known, cost=0.01, champion=0) == Weighed(rule=Rule.NOT_MEASURED, cost=0.01)
        assert not accrued_regret(known, cost=0.01, champion=0)


@pytest.mark.parametrize(("error", "rule"), [(0.08, Rule.PAYS), (0.09, Rule.NOT_SURE), (NAN, Rule.NOT_MEASURED)])
def test_what_was_saved_must_be_twice_its_standard_error(error: float, rule: Rule) -> None:
    """0.3 over three periods, of which the error is the root of three times one period's."""
    known = history([[0.3] * 4, [0.2] * 4], error=error)

    assert decide(known, cost=0.1, champion=0).rule is rule


@pytest.mark.parametrize(("error", "retrain"), [(0.05, True), (0.15, False), (NAN, False)])
def test_by_accrued_regret_the_last_gap_must_be_above_its_standard_error(error: float, *, retrain: bool) -> None:
    """What has accrued may be of a time that is over."""
    known = history([[0.3] * 4, [0.2] * 4], error=error)

    assert accrued_regret(known, cost=0.1, champion=0) is retrain


def test_regret_begins_when_the_champion_was_promoted() -> None:
    known = history([[0.9, 0.9, 0.3, 0.3], [0.5] * 4, [0.2] * 4], born=[0, 0, 0], champions=[0, 0, 1, 1])

    assert decide(known, cost=1.0, champion=1).regret == pytest.approx(0.6)
    assert not accrued_regret(known, cost=0.61, champion=1)
    assert accrued_regret(known, cost=0.59, champion=1)
    assert decide(known, cost=1.0, champion=0).rule is Rule.NOT_MEASURED, "it is about to answer"


def test_the_newest_version_is_the_one_made_last_of_those_asked() -> None:
    losses = [[0.3] * 4, [0.2, 0.2, 0.2, NAN], [0.1, NAN, 0.1, NAN], [0.0, 0.0, 0.0, NAN]]
    known = history(losses, born=[0, 0, 0, 2])
    known.disagreements[1, 3] = 0.1

    assert gaps_of(known, delay=1).newest.tolist() == [2, 1, 3, 1, -1]


def test_beside_the_newest_version_itself_there_is_no_gap() -> None:
    """An older version that was asked as well is no challenger."""
    known = history([[0.3] * 3, [0.2] * 3], born=[0, 0], champions=[1] * 3)

    assert decide(known, cost=0.01, champion=1).rule is Rule.NOT_MEASURED


def test_a_version_that_answered_in_the_period_it_was_made_in_is_measured_there() -> None:
    known = history([[0.3] * 3, [0.2] * 3], born=[0, 2], champions=[0, 1, 1])

    assert gaps_of(known).losses[1].tolist() == pytest.approx([NAN, 0.2, 0.2], nan_ok=True)
    assert gaps_of(known).newest.tolist() == [0, 1, 1]


def _one_by_one(known: History, delay: int) -> Gaps:
    """Return the gaps as they are defined, number by number."""
    versions, periods = known.losses.shape
    settled = periods - known.unsettled
    losses, variances, disagreements = (np.full((versions, settled + delay), NAN) for _ in range(3))
    newest = [-1] * (settled + delay)
    for period in range(periods):
        fit = [one for one in range(versions) if known.born[one] <= period or one == known.champions[period]]
        values = {one: (known.losses[one, period], known.disagreements[one, period]) for one in fit}
        asked = [(known.born[one], one) for one in fit if not all(math.isnan(value) for value in values[one])]
        if asked:
            newest[period] = max(asked)[1]
            disagreements[:, period] = known.disagreements[newest[period], period]
        for one in fit:
            losses[one, period] = known.losses[one, period]
            if asked and one != newest[period]:
                variances[one, period] = known.errors[one, period] ** 2 + known.errors[newest[period], period] ** 2
    return Gaps(
        losses=losses,
        newest=np.array(newest, dtype=np.int64),
        variances=variances,
        disagreements=disagreements,
        delay=delay,
    )

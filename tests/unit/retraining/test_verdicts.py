"""Each verdict where it is just borne out, and where it just is not."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from shared.retrain_config import Loss
from shared.retraining.experience import Rule
from shared.retraining.losses import Mean
from shared.retraining.situation import DataFault
from shared.retraining.verdicts import STATE_IT, Verdict, judge, risen_since
from tests.unit.retraining.situations import FIRST, PAYS, beside, period, situation, unpriced, weighed

RISEN = [period(0, mean=0.20), period(1, mean=0.21), period(2, mean=0.30), period(3, mean=0.31)]
ROSE_UNTIL = FIRST.plus(3 * 24).start
MISSING = beside(rows=400)
"""Of a thousand rows that it was asked."""


def fault(since: timedelta = timedelta(0)) -> DataFault:
    return DataFault(since=ROSE_UNTIL + since, reason="temp: 30 % are missing")


def test_it_keeps_what_has_not_cost_a_retrain_yet() -> None:
    judged = judge(situation([period(0, beside())], weighed(Rule.NOT_PAID)))

    assert judged.verdict is Verdict.KEEP
    assert judged.would_change_it == "retrain once the saving exceeds 0.5 (now 0.2 ± 0.05)"
    assert judged.reasons[0] == (
        "the newest challengers would have saved 0.2 ± 0.05 since 2 answers (3 periods measured), and a retrain costs 0.5, "
        "in mean losses times periods"
    )
    numbers = judged.numbers
    assert (numbers.age, numbers.actuals, numbers.champion_loss) == (1, 10_000, 0.3)
    assert (numbers.regret, numbers.regret_error, numbers.measured_periods, numbers.cost) == (0.2, 0.05, 3, 0.5)


def test_it_retrains_when_the_policy_does() -> None:
    """0.1 times 12 periods times 0.583 are 0.7."""
    judged = judge(situation([period(0, beside())], PAYS))

    assert judged.verdict is Verdict.RETRAIN
    assert (
        "would have saved 0.6 ± 0.05 since 2 answers (3 periods measured), and a retrain costs 0.5" in judged.reasons[0]
    )
    assert judged.reasons[1] == (
        "2 loses 0.1 more a row now; of past gaps 0.583 were left over 12 periods on average, so that a swap is expected to "
        "save 0.7"
    )
    assert judged.would_change_it == "a cost above 0.6"
    numbers = judged.numbers
    assert numbers.gap is not None
    assert numbers.lasting is not None
    assert numbers.benefit == pytest.approx(numbers.gap * numbers.horizon * numbers.lasting)


def test_a_challenger_that_is_there_is_to_be_promoted_and_else_one_to_be_trained() -> None:
    there = situation([period(0, beside())], PAYS)

    assert judge(there).reasons[2] == "promote 3, the newest challenger"
    assert judge(replace(there, retired=["3"])).reasons[2] == "no challenger is there to promote: train a version"


def test_a_saving_that_may_be_chance_is_kept_with_that_reason() -> None:
    judged = judge(situation([period(0, beside())], weighed(Rule.NOT_SURE, regret=0.6, error=0.4)))

    assert judged.verdict is Verdict.KEEP
    assert "past the cost, but within 2 standard errors of nothing" in judged.reasons[1]
    assert judged.would_change_it == "retrain once the measured saving exceeds 2 standard errors, 0.8 (now 0.6 ± 0.4)"


def test_where_gaps_close_by_themselves_it_keeps_with_that_reason() -> None:
    judged = judge(situation([period(0, MISSING)], weighed(Rule.NOT_LASTING, regret=0.6, error=0.4, benefit=0.3)))

    assert judged.verdict is Verdict.KEEP, "more actuals of the past would not make it last"
    assert "it would have paid, but is not expected to" in judged.reasons[1]
    assert "0.25 were left over 12 periods on average, so that a swap is expected to save 0.3" in judged.reasons[1]
    assert judged.would_change_it == "retrain once a swap is expected to save 0.5 (now 0.3)"


def test_a_champion_that_is_ahead_now_is_said_to_be() -> None:
    ahead = replace(weighed(Rule.NOT_LASTING, regret=0.6, benefit=-0.3), gap=-0.1)

    assert "2 loses 0.1 less a row now" in judge(situation([period(0, beside())], ahead)).reasons[1]


def test_without_a_cost_it_keeps_and_says_which_key_to_write() -> None:
    judged = judge(unpriced(situation([period(0, beside())])))

    assert (judged.verdict, judged.would_change_it) == (Verdict.KEEP, STATE_IT)
    assert "no retrain_cost is stated" in judged.reasons[0]


def test_a_cost_that_cannot_be_priced_yet_is_kept_with_that_reason() -> None:
    judged = judge(replace(situation([period(0, beside())]), weighed=None))

    assert (judged.verdict, judged.would_change_it) == (Verdict.KEEP, "a period with predictions and actuals")


def test_before_any_period_it_keeps() -> None:
    judged = judge(situation([], weighed(Rule.NOT_MEASURED)))

    assert judged.verdict is Verdict.KEEP
    assert judged.numbers.regret is None
    assert judged.reasons[-1] == "2 has not answered for most of a period yet"


def test_a_loss_that_rose_after_a_data_fault_began_is_no_reason_to_retrain() -> None:
    judged = judge(replace(situation(RISEN, PAYS), faults=[fault()]))

    assert judged.verdict is Verdict.FIX_DATA
    assert "rose in the period from 2026-03-04T00, from 0.205 ± 0.0071 to 0.3 ± 0.01" in judged.reasons[0]
    assert judged.reasons[1] == "temp: 30 % are missing"


def test_a_fault_that_began_later_does_not_explain_the_loss() -> None:
    late = replace(situation(RISEN, PAYS), faults=[fault(timedelta(hours=1))])

    assert judge(late).verdict is Verdict.RETRAIN


def test_a_fault_while_the_loss_is_what_it_was_changes_nothing() -> None:
    steady = replace(situation(RISEN[:2]), faults=[fault(timedelta(days=-9))])

    assert judge(steady).verdict is Verdict.KEEP


@pytest.mark.parametrize(("gap", "verdict"), [(0.061, Verdict.ROLL_BACK), (0.059, Verdict.KEEP)])
def test_an_earlier_champion_comes_back_if_it_is_better_by_more_than_chance(gap: float, verdict: Verdict) -> None:
    """Three times its standard error: see ``CERTAIN``."""
    one = period(0, beside("1", gap=gap, error=0.02))

    judged = judge(unpriced(situation([one])))

    assert judged.verdict is verdict, "training it costs nothing, so that no cost needs to be stated"
    assert judged.numbers.earlier_gap == gap


@pytest.mark.parametrize(("of_challenger", "verdict"), [(0.1, Verdict.ROLL_BACK), (0.101, Verdict.RETRAIN)])
def test_an_earlier_champion_gives_way_to_a_better_challenger(of_challenger: float, verdict: Verdict) -> None:
    one = period(0, beside("1", gap=0.1), beside("3", gap=of_challenger))

    assert judge(situation([one], PAYS)).verdict is verdict


def test_an_earlier_champion_that_is_retired_does_not_come_back() -> None:
    one = situation([period(0, beside("1", gap=0.1))])

    assert judge(one).verdict is Verdict.ROLL_BACK
    assert judge(replace(one, retired=["1"])).verdict is Verdict.KEEP


def test_only_the_last_periods_say_how_good_an_earlier_champion_is_now() -> None:
    was = [period(number, beside("1", gap=0.2)) for number in range(4)]
    now = [period(number, beside("1", gap=0.0)) for number in range(4, 8)]

    assert judge(situation(was + now)).verdict is Verdict.KEEP
    assert judge(situation(was)).verdict is Verdict.ROLL_BACK


@pytest.mark.parametrize(
    ("rule", "regret", "error", "verdict"),
    [
        (Rule.NOT_PAID, 0.30, 0.11, Verdict.COLLECT_ACTUALS),
        (Rule.NOT_PAID, 0.30, 0.099, Verdict.KEEP),  # surely below the cost
        (Rule.NOT_PAID, 0.30, 0.16, Verdict.KEEP),  # all actuals of what was asked would not be enough
        (Rule.NOT_SURE, 0.60, 0.47, Verdict.COLLECT_ACTUALS),
        (Rule.NOT_SURE, 0.60, 0.48, Verdict.KEEP),  # as above: a thousand rows leave 0.304, more than half of 0.6
    ],
)
def test_actuals_are_asked_for_where_they_would_decide_it(
    rule: Rule, regret: float, error: float, verdict: Verdict
) -> None:
    one = situation([period(0, MISSING)], weighed(rule, regret=regret, error=error))

    assert judge(one).verdict is verdict


def test_how_many_actuals_would_decide_it_can_be_checked_by_hand() -> None:
    """A saving of 0.3 lies two errors of 0.1 from the cost.

    400 rows give 0.11, so 400 · 1.1² = 484 give 0.1: 84 are missing of the 1,000 that were asked, of 10,000.
    """
    judged = judge(situation([period(0, MISSING)], weighed(Rule.NOT_PAID, regret=0.3, error=0.11)))

    assert judged.numbers.actuals_needed == 840
    assert judged.reasons[1] == "it may have paid, and about 840 of the actuals that are missing would tell"


def test_how_many_actuals_would_tell_it_from_chance_can_be_checked_by_hand() -> None:
    """A saving of 0.6 is two errors of 0.3; 400 rows give 0.375, so 400 · 1.25² = 625 give that."""
    judged = judge(situation([period(0, MISSING)], weighed(Rule.NOT_SURE, regret=0.6, error=0.375)))

    assert judged.numbers.actuals_needed == 2250
    assert judged.reasons[1] == "it may be chance, and about 2,250 of the actuals that are missing would tell"


def test_where_no_actual_is_missing_none_are_asked_for() -> None:
    for one in (weighed(Rule.NOT_PAID, regret=0.3, error=0.11), weighed(Rule.NOT_SURE, regret=0.6, error=0.33)):
        assert judge(situation([period(0, beside())], one)).verdict is Verdict.KEEP


@pytest.mark.parametrize(("disagreement", "verdict"), [(0.5, Verdict.COLLECT_ACTUALS), (0.49, Verdict.KEEP)])
def test_without_any_actual_it_is_answers_that_differ_that_may_pay(disagreement: float, verdict: Verdict) -> None:
    blind = period(0, beside(gap=None, disagreement=disagreement), mean=None)

    judged = judge(situation([blind], weighed(Rule.NOT_MEASURED)))

    assert judged.verdict is verdict
    # 1 · 0.5 · (2 / 0.5)² = 8 rows of a thousand, but fewer than 20 measure nothing; of ten thousand ten times as many
    assert judged.numbers.actuals_needed == (200 if verdict is Verdict.COLLECT_ACTUALS else None)


def test_of_numbers_no_number_of_actuals_can_be_said_before_some_have_come() -> None:
    blind = period(0, beside(gap=None, disagreement=9.0), mean=None, loss=Loss.ABSOLUTE_ERROR)

    judged = judge(situation([blind], weighed(Rule.NOT_MEASURED)))

    assert (judged.verdict, judged.numbers.actuals_needed) == (Verdict.COLLECT_ACTUALS, None)


def test_who_could_not_be_asked_is_named_with_the_reason() -> None:
    left_out = beside("4", gap=None).__class__(version="4", left_out="'temp' is hashed in what is captured")

    judged = judge(situation([period(0, beside(), left_out)]))

    assert "4 was not asked: 'temp' is hashed in what is captured" in judged.reasons


MEANS = st.lists(st.builds(Mean, st.floats(0, 1), st.none() | st.floats(0, 0.2), st.integers(1, 1_000)) | st.none())


@given(MEANS)
@example([Mean(0.8060032272077748, 0.0, 115), Mean(0.8060032272077748, 0.0, 1)])
def test_a_loss_that_has_risen_lies_above_what_was_before(means: list[Mean | None]) -> None:
    place = risen_since(means)

    if place is not None:
        before = [one.value for one in means[:place] if one is not None]
        after = [one.value for one in means[place:] if one is not None]
        assert min(after) > min(before)


def test_a_loss_that_came_down_again_has_not_risen() -> None:
    low, high = Mean(0.2, 0.01, 100), Mean(0.4, 0.01, 100)

    assert risen_since([low, low, high, high]) == 2
    assert risen_since([low, high, low]) is None
    assert risen_since([high]) is None
    assert risen_since([low, None, high]) == 2

"""What is stored of periods, as a policy sees it."""

import msgspec
import numpy as np
import pytest

from shared.hours import Hour
from shared.retraining.history import born, put_together
from shared.retraining.periods import Period
from tests.integration.models import registered
from tests.unit.retraining.situations import FIRST, beside, period

DAY = Period.containing(FIRST, hours=24)
BIRTHS = {"1": DAY.plus(-9), "2": DAY.plus(-2), "3": DAY.plus(1)}


@pytest.mark.parametrize(
    ("registered_at", "trained_until", "first"),
    [
        (FIRST.plus(7), None, 1),
        (FIRST, None, 0),
        (FIRST.plus(7), FIRST.plus(7 - 72), 1),
        (FIRST.plus(7), FIRST.plus(31), 2),
    ],
    ids=["in the day before", "when a day begins", "three days after it learned", "before it learned"],
)
def test_a_version_is_held_to_periods_that_it_was_there_for_and_did_not_learn_from(
    registered_at: Hour, trained_until: Hour | None, first: int
) -> None:
    """What it would have saved before it was registered nobody could have had."""
    made = msgspec.structs.replace(
        registered("flights", "1").manifest,
        registered_at=registered_at.start,
        trained_until=trained_until and trained_until.start,
    )

    assert born(made, hours=24) == DAY.plus(first)


def test_differences_are_those_of_pairs() -> None:
    """The challenger's own mean loss is of a sample, which may be an easy one."""
    named = put_together([period(0), period(1, beside("3", gap=0.1, error=0.02))], BIRTHS, champion="2")

    history = named.history
    assert (named.versions, named.periods) == (("2", "3"), ("2026-03-02T00", "2026-03-03T00"))
    assert history.losses[0] == pytest.approx([0.3, 0.3])
    assert history.losses[1] == pytest.approx([np.nan, 0.2], nan_ok=True)
    assert history.errors[1] == pytest.approx([np.nan, 0.02], nan_ok=True)
    assert history.disagreements[1] == pytest.approx([np.nan, 0.2], nan_ok=True)
    assert history.born.tolist() == [-2, 1]
    assert history.champions.tolist() == [0, 0]


def test_versions_stand_in_the_order_they_were_made() -> None:
    named = put_together([period(0, champion="1"), period(1, beside("1"))], BIRTHS, champion="2")

    assert named.versions == ("1", "2")
    assert named.history.champions.tolist() == [0, 1]


def test_a_period_without_actuals_has_no_losses_and_still_says_who_answers_otherwise() -> None:
    history = put_together([period(1, beside(gap=None), mean=None)], BIRTHS, champion="2").history

    assert np.isnan(history.losses).all()
    assert history.disagreements[1].tolist() == [0.2]


def test_of_a_period_that_is_not_settled_only_disagreements_are_told() -> None:
    """It may have been measured when actuals were said to take less time, of those that came early."""
    one = beside("3", gap=0.1, disagreement=0.25)

    history = put_together([period(1, one)], BIRTHS, champion="2", unsettled=[period(2, one), period(3, one)]).history

    assert history.unsettled == 2
    assert history.losses == pytest.approx(np.array([[0.3, np.nan, np.nan], [0.2, np.nan, np.nan]]), nan_ok=True)
    assert history.errors == pytest.approx(np.array([[0.0, np.nan, np.nan], [0.02, np.nan, np.nan]]), nan_ok=True)
    assert history.disagreements.tolist() == [[0.0] * 3, [0.25] * 3]


def test_a_period_of_a_version_that_is_not_known_any_more_is_none_that_is_not_settled() -> None:
    history = put_together([period(1)], BIRTHS, champion="2", unsettled=[period(2, champion="0")]).history

    assert (history.periods, history.unsettled) == (1, 0)


def test_versions_that_are_not_known_any_more_are_left_out() -> None:
    named = put_together([period(0, champion="0"), period(1, beside("9"))], BIRTHS, champion="2")

    assert (named.versions, named.periods) == (("2",), ("2026-03-03T00",))


def test_without_a_period_there_is_nothing_but_the_champion() -> None:
    named = put_together([], BIRTHS, champion="2")

    assert named.history.losses.shape == (1, 0)

"""A policy sees what is known at the beginning of a period, and nothing else."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.retraining.games import Game, NotKnownYet, Rule, Seen
from benchmarks.retraining.learning import Setting
from benchmarks.retraining.periods import Periods
from benchmarks.retraining.policies import RULES
from benchmarks.retraining.tables import Tables
from tests.unit.benchmarks.hand_made import LATE, PROMPT, ROWS, WINDOW, ageing, tables, turning

PERIODS = 42


def drawn(setting: Setting, seed: int) -> Tables:
    """Draw rows, actuals and predictions of chance: numbers, a category, and missing values."""
    rng = np.random.default_rng(seed)
    rows = rng.standard_normal((PERIODS, ROWS, 3)).astype(np.float32)
    rows[..., 0] += rng.random() * np.arange(PERIODS)[:, None] / 10
    rows[..., 2] = rng.integers(0, 3, (PERIODS, ROWS))
    rows[rng.random(rows.shape) < 0.05] = np.nan
    actuals = rng.random((PERIODS, ROWS)) < 0.5
    # Versions differ, and a version does not stay as good as it was.
    is_wrong = rng.random((PERIODS, PERIODS, ROWS)) < rng.random((PERIODS, PERIODS, 1))
    predictions = np.where(is_wrong != actuals, 1.0, 0.0) * 0.5 + rng.random((PERIODS, PERIODS, ROWS)) * 0.5
    made = np.arange(PERIODS)
    predictions[(made[:, None] < setting.first_version(WINDOW)) | (made[:, None] > made)] = np.nan
    return Tables(
        periods=Periods(rows=rows, actuals=actuals, categorical=(2,)),
        setting=setting,
        window=WINDOW,
        known=rng.random((PERIODS, ROWS)) < 0.6,
        predictions=predictions.astype(np.float16),
    )


def lied(true: Tables, now: int) -> Tables:
    """Return the same, with everything else in place of what is not known at the beginning of a period."""
    other = drawn(true.setting, 99)
    is_period = np.arange(PERIODS)[:, None] < now
    is_known = (np.arange(PERIODS)[:, None] < true.known_periods(now)) & true.known
    rows = np.where(is_period[..., None], true.periods.rows, other.periods.rows)
    actuals = np.where(is_known, true.periods.actuals, ~true.periods.actuals)
    known = np.where(np.arange(PERIODS)[:, None] < true.known_periods(now), true.known, other.known)
    return replace(
        true,
        periods=replace(true.periods, rows=rows, actuals=actuals),
        known=known,
        predictions=np.where(is_period, true.predictions, other.predictions),
    )


@pytest.mark.parametrize("setting", [PROMPT, LATE], ids=lambda one: one.name)
@pytest.mark.parametrize("rule", RULES, ids=lambda one: one.name)
@settings(max_examples=5, deadline=None)
@given(seed=st.integers(0, 90), now=st.integers(8, PERIODS - 1), cost=st.sampled_from([0.02, 0.2, 2.0]))
def test_what_is_not_known_yet_changes_no_decision(
    rule: Rule, setting: Setting, seed: int, now: int, cost: float
) -> None:
    true = drawn(setting, seed)
    start = true.first + 1

    swaps, told = (
        [swap for swap in Game(tables=some, start=start).swaps(rule, cost) if swap <= now]
        for some in (true, lied(true, now))
    )

    assert swaps == told


def test_the_property_above_finds_a_policy_that_looks_ahead() -> None:
    """A policy that reaches into the game is not stopped, but it is found out."""
    true = drawn(PROMPT, 1)
    looks = Rule.of("looks ahead", lambda seen: bool(seen._game.losses[seen.champion, seen.now] > 0.5))

    swaps, told = (
        [swap for swap in Game(tables=some, start=true.first).swaps(looks, 0.1) if swap <= 20]
        for some in (true, lied(true, 20))
    )

    assert swaps != told


def seen(now: int, *, setting: Setting = LATE, start: int = 6, swaps: tuple[int, ...] = ()) -> Seen:
    game = Game(tables=tables(ageing(periods=20), setting=setting), start=start)
    return Seen(game, now=now, swap_cost=0.1, swaps=swaps)


def not_known(*looks: Callable[[], object]) -> None:
    for look in looks:
        with pytest.raises(NotKnownYet):
            look()


def test_rows_and_answers_of_the_period_that_begins_are_not_known() -> None:
    at_12 = seen(12)

    assert len(at_12.inputs(11)) == len(at_12.probabilities(8, 11)) == ROWS
    not_known(
        lambda: at_12.inputs(12),
        lambda: at_12.inputs(-1),
        lambda: at_12.probabilities(8, 12),
        lambda: at_12.answers(12, 12),
    )


def test_actuals_are_not_known_before_their_time() -> None:
    at_12 = seen(12)

    assert at_12.known_periods == 9
    assert len(at_12.actuals(8)) == len(at_12.errors(7, 8)) == ROWS
    not_known(lambda: at_12.known(9), lambda: at_12.actuals(9), lambda: at_12.errors(7, 9))
    assert np.isfinite(at_12.losses[6, 6:9]).all()
    assert np.isnan(at_12.losses[:, 9:]).all()
    assert np.isnan(at_12.variances[:, 9:]).all()
    assert at_12.losses.shape == at_12.disagreements.shape == (12, 12)
    assert np.isfinite(at_12.disagreements[6, 6:]).all()
    assert at_12.known_rows.tolist() == [ROWS] * 9 + [0] * 3


def test_versions_before_the_start_never_were() -> None:
    at_12 = seen(12, start=8)

    assert np.isnan(at_12.losses[:8]).all()
    not_known(lambda: at_12.probabilities(7, 10), lambda: at_12.errors(7, 8), lambda: at_12.trained_on(7))


def test_what_a_policy_changes_is_its_own_copy() -> None:
    at_12 = seen(12)

    at_12.losses[:], at_12.inputs(3)[:], at_12.known_rows[:], at_12.disagreements[:] = 7, 7, 7, 7

    assert np.nanmax(at_12.losses) < 1
    assert at_12.known_rows.max() == ROWS
    assert np.nanmax(at_12.disagreements) <= 1
    assert not (at_12.inputs(3) == 7).any()


def test_the_version_in_use_is_the_one_put_to_use_last() -> None:
    at_12 = seen(12, swaps=(8, 11))

    assert at_12.champion == 11
    assert at_12.used.tolist() == [6, 6, 8, 8, 8, 11]
    assert at_12.trained_on(11) == slice(6, 8)
    assert seen(12).champion == 6


def test_a_policy_is_asked_at_every_beginning_but_the_first_and_its_swaps_are_played() -> None:
    game = Game(tables=tables(turning(10, periods=16)), start=4)
    asked: list[tuple[int, int]] = []

    def policy(known: Seen) -> bool:
        asked.append((known.now, known.champion))
        return known.now in {9, 11}

    outcome = game.outcome(Rule.of("told", policy), 0.5)

    assert [now for now, _ in asked] == list(range(5, 16))
    assert dict(asked)[10] == 9
    assert outcome.swaps == (9, 11)
    assert outcome.loss == pytest.approx(0.1 * 11 + 0.6)
    assert game.periods == 12


def test_how_far_versions_are_apart_agrees_with_row_by_row() -> None:
    made = drawn(LATE, 3)
    version, period = 9, 15
    known = made.known[period]
    answers = made.predictions[:, period] > 0.5
    wrong = answers != made.periods.actuals[period]
    differences = wrong[version][known].astype(float) - wrong[period][known]

    assert made.disagreements[version, period] == pytest.approx((answers[version] != answers[period]).mean())
    assert made.seen_variances[version, period] == pytest.approx(differences.var(ddof=1) / len(differences))
    assert made.seen_losses[version, period] - made.seen_losses[period, period] == pytest.approx(differences.mean())
    assert np.isnan(made.seen_variances[4]).all()

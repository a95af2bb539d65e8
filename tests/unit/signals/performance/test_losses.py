"""Estimates of regressors hold what turns out, and say so when they cannot."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from shared.signals.judgement import Verdict
from shared.signals.performance.assumption import check_losses
from shared.signals.performance.checked import Checked
from shared.signals.performance.estimate import Estimate, Metric, Unknown
from shared.signals.performance.losses import ESTIMATED, LossModel, Unanswered, estimated_numbers
from shared.signals.performance.realised import of_numbers
from shared.signals.performance.rows import Floats, Regressed
from shared.signals.performance.side_by_side import side_by_side
from shared.signals.performance.steps import Steps

WORLDS = 150
LEAST = stats.binom.ppf(1e-4, WORLDS, 0.95) / WORLDS


def _draw(
    rng: np.random.Generator, rows: int, *, shift: float = 0.0, times: float = 1.0, clusters: int = 0
) -> tuple[Unanswered, Floats]:
    """Draw rows and what turns out: errors grow with one feature, and with one kind; of one cluster they do together."""
    number = np.clip(rng.standard_normal(rows) + shift, -2.5, 2.5)
    kind = rng.choice(["calm", "wild"], rows, p=[0.8, 0.2])
    places = np.arange(rows, dtype=np.int64) * clusters // rows if clusters else None
    together = 1.0 if places is None else np.exp(0.5 * rng.standard_normal(clusters))[places]
    spread = np.exp(number / 2) * np.where(kind == "wild", 2.0, 1.0) * times * together
    predicted = number + 0.1 * rng.standard_normal(rows)
    actual = predicted + spread * rng.standard_normal(rows)
    asked = Unanswered(features={"number": number, "kind": kind}, predicted=predicted, clusters=places)
    return asked, actual


def _model(drawn: tuple[Unanswered, Floats]) -> LossModel:
    asked, actual = drawn
    return LossModel.of(asked.features, Regressed(predicted=asked.predicted, actual=actual, clusters=asked.clusters))


@pytest.mark.parametrize(("learned", "shift", "clusters"), [(500, 0.0, 0), (2_000, 0.5, 0), (2_000, 0.0, 40)])
def test_intervals_hold_what_turns_out(learned: int, shift: float, clusters: int) -> None:
    """Also where harder rows come, and where losses of an hour are large together."""
    rng = np.random.default_rng(1)
    held = dict.fromkeys(ESTIMATED, 0)
    for _ in range(WORLDS):
        model = _model(_draw(rng, learned, clusters=clusters))
        asked, actual = _draw(rng, 500, shift=shift, clusters=clusters // 2)
        realised = of_numbers(Regressed(predicted=asked.predicted, actual=actual))
        for pair in side_by_side(estimated_numbers(asked, model, most_outside=1.0), realised):
            held[pair.metric] += pair.covers

    assert {metric: count for metric, count in held.items() if count < LEAST * WORLDS} == {}


def test_the_expected_loss_follows_the_features() -> None:
    """Where harder rows come the loss that was seen before would say that nothing happened."""
    rng = np.random.default_rng(2)
    model = _model(_draw(rng, 5_000))
    asked, actual = _draw(rng, 5_000, shift=1.0)

    found = estimated_numbers(asked, model)[Metric.MAE]

    assert isinstance(found, Estimate)
    assert found.value == pytest.approx(np.abs(actual - asked.predicted).mean(), rel=0.08)
    assert model.apply(Metric.MAE, _draw(rng, 5_000)[0]).expected.mean() < 0.75 * found.value


def test_the_assumption_seldom_fails_where_it_holds_and_does_where_errors_grow() -> None:
    rng = np.random.default_rng(3)
    models = [_model(_draw(rng, 1_000)) for _ in range(100)]

    as_before = [check_losses(model, *_draw(rng, 1_000)) for model in models]
    worse = [check_losses(model, *_draw(rng, 1_000, times=1.4)) for model in models]

    assert sum(one.has_failed for one in as_before) <= 6
    assert sum(one.verdict is Verdict.BREACH for one in worse) >= 95


def test_few_rows_tell_nothing_of_losses() -> None:
    rng = np.random.default_rng(4)
    model = _model(_draw(rng, 1_000))

    assert check_losses(model, *_draw(rng, 49)).verdict is Verdict.UNKNOWN
    assert check_losses(model, *_draw(rng, 60), noticeable=0.1).verdict is Verdict.UNKNOWN


def test_estimates_are_unknown_after_a_failed_check_and_outside_of_what_was_learned() -> None:
    rng = np.random.default_rng(5)
    model, (asked, _) = _model(_draw(rng, 1_000)), _draw(rng, 500)
    failed = Checked(verdict=Verdict.BREACH, p_value=0.0, reason="it is worse", rows=9)

    told = estimated_numbers(asked, model, last_check=failed)
    elsewhere = estimated_numbers(replace(asked, features={**asked.features, "kind": np.full(500, "new")}), model)

    assert told == dict.fromkeys(ESTIMATED, Unknown("what estimates assume does not hold: it is worse"))
    assert elsewhere[Metric.MAE] == Unknown("99% of rows lie outside of what losses were learned from")


def test_a_column_is_cut_into_steps_of_which_each_row_is_on_one() -> None:
    numbers = np.array([1.0, 2.0, 3.0, 4.0, np.nan, 1.0])
    kinds = np.array([f"kind {place}" for place in range(40)])

    for column in (numbers, kinds, np.full(5, np.nan), np.zeros(5)):
        assert (Steps.of(column).indicators(column).sum(axis=1) == 1).all()
        assert not Steps.of(column).outside(column).any()
    assert Steps.of(numbers).outside(np.array([0.0, 2.5, 5.0, np.nan])).tolist() == [True, False, True, False]
    assert Steps.of(numbers[:4]).outside(np.array([np.nan])).tolist() == [True]

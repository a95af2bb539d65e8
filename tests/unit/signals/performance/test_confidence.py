"""Estimates of classifiers hold what turns out, and say so when they cannot."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats
from scipy.special import expit

from shared.signals.judgement import Verdict
from shared.signals.performance.assumption import check_probabilities
from shared.signals.performance.checked import Checked
from shared.signals.performance.confidence import ESTIMATED, estimated_classes
from shared.signals.performance.estimate import Estimate, Metric, Unknown
from shared.signals.performance.realised import of_classes
from shared.signals.performance.recalibration import Recalibration
from shared.signals.performance.rows import Answers, Classified, of_two
from shared.signals.performance.side_by_side import side_by_side
from shared.signals.performance.together import together_variance
from tests.unit.signals.performance.draws import scored

WORLDS = 200
LEAST = stats.binom.ppf(1e-4, WORLDS, 0.95) / WORLDS


def _too_sure(
    rng: np.random.Generator,
    rows: int,
    *,
    shift: float = 0.0,
    broken: float = 0.0,
    clusters: int = 0,
    stray: float = 0.0,
) -> Classified:
    """Draw rows whose logits are nearly twice what they should be; a ``broken`` share of actuals is drawn by a coin."""
    logits = 1.5 * rng.standard_normal(rows) + shift
    places = np.arange(rows, dtype=np.int64) * clusters // rows if clusters else None
    strays = 0.0 if places is None else stray * rng.standard_normal(clusters)[places]
    chances = np.where(rng.random(rows) < broken, 0.5, expit(0.6 * logits - 0.3 + strays))
    given = expit(logits)
    answers = Answers(
        classes=("no", "yes"),
        predicted=(given > 0.5).astype(np.int64),
        probabilities=of_two(given),
        clusters=places,
    )
    return Classified(answers=answers, actual=(rng.random(rows) < chances).astype(np.int64))


def _three(rng: np.random.Generator, rows: int, *, tilt: float = 0.0) -> Classified:
    """Draw rows of three classes from a model that is too sure."""
    logits = 1.5 * rng.standard_normal((rows, 3)) + np.array([0.0, tilt, -tilt])
    given = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    truth = np.exp(0.6 * logits) / np.exp(0.6 * logits).sum(axis=1, keepdims=True)
    actual = (rng.random(rows)[:, None] > np.cumsum(truth, axis=1)[:, :2]).sum(axis=1)
    answers = Answers(classes=("a", "b", "c"), predicted=given.argmax(axis=1), probabilities=given)
    return Classified(answers=answers, actual=actual.astype(np.int64))


def _coverage(calibration: Callable[[], Classified], later: Callable[[], Classified]) -> dict[Metric, float]:
    held = dict.fromkeys(ESTIMATED, 0)
    for _ in range(WORLDS):
        rows = later()
        pairs = list(side_by_side(estimated_classes(rows.answers, Recalibration.of(calibration())), of_classes(rows)))
        assert len(pairs) == len(ESTIMATED)
        for pair in pairs:
            held[pair.metric] += pair.covers
    return {metric: count / WORLDS for metric, count in held.items()}


@pytest.mark.parametrize(("calibrated", "later", "shift"), [(500, 300, 0.0), (2_000, 300, -1.0), (300, 2_000, 0.0)])
def test_intervals_hold_what_turns_out(calibrated: int, later: int, shift: float) -> None:
    """Also where easier rows come than were calibrated, and where it is the calibration that is uncertain."""
    rng = np.random.default_rng(1)

    found = _coverage(lambda: _too_sure(rng, calibrated), lambda: _too_sure(rng, later, shift=shift))

    assert {metric: share for metric, share in found.items() if share < LEAST} == {}


def test_intervals_hold_for_several_classes() -> None:
    rng = np.random.default_rng(2)

    found = _coverage(lambda: _three(rng, 600), lambda: _three(rng, 300, tilt=0.2))

    assert {metric: share for metric, share in found.items() if share < LEAST} == {}


def test_intervals_hold_where_actuals_of_an_hour_stray_together() -> None:
    """Bernoulli's variance, which knows no hours, misses half of what turns out here."""
    rng = np.random.default_rng(3)

    found = _coverage(
        lambda: _too_sure(rng, 2_000, clusters=40, stray=1.5), lambda: _too_sure(rng, 1_000, clusters=20, stray=1.5)
    )

    assert {metric: share for metric, share in found.items() if share < LEAST} == {}


@pytest.mark.parametrize("part", ["of_outcome", "of_probabilities"])
def test_neither_part_of_the_variance_is_enough_by_itself(part: str) -> None:
    """With as many rows to calibrate as are estimated, each part makes up about half."""
    rng = np.random.default_rng(4)
    rows = _too_sure(rng, 400)
    future = Recalibration.of(_too_sure(rng, 400)).apply(rows.answers)
    by_actual = np.tile([0.0, 1 / 400], (400, 1))

    assert 0.3 < getattr(future, part)(by_actual) / future.variance(by_actual) < 0.7


def test_the_calibration_is_known_as_well_as_it_says() -> None:
    """Its variance is that of what other samples say of the same rows."""
    rng = np.random.default_rng(5)
    rows = _too_sure(rng, 1_000)
    by_actual = np.tile([0.0, 1 / 1_000], (1_000, 1))

    futures = [Recalibration.of(_too_sure(rng, 400)).apply(rows.answers) for _ in range(300)]

    spread = np.var([future.probabilities[:, 1].mean() for future in futures])
    assert np.mean([future.of_probabilities(by_actual) for future in futures]) == pytest.approx(spread, rel=0.25)


def test_perfectly_separated_rows_can_be_calibrated() -> None:
    """Their likelihood has no maximum; what the model says is what draws it back."""
    given = np.repeat([0.1, 0.9], 100)
    rows = Classified(
        answers=Answers(classes=("no", "yes"), predicted=(given > 0.5).astype(np.int64), probabilities=of_two(given)),
        actual=(given > 0.5).astype(np.int64),
    )

    found = estimated_classes(rows.answers, Recalibration.of(rows))[Metric.ACCURACY]

    assert isinstance(found, Estimate)
    assert 0.95 < found.value < found.high
    assert found.high == 1.0


def test_probabilities_of_nought_and_one_can_be_calibrated() -> None:
    rng = np.random.default_rng(6)
    given = rng.integers(0, 2, 200).astype(np.float64)
    rows = Classified(
        answers=Answers(classes=("no", "yes"), predicted=given.astype(np.int64), probabilities=of_two(given)),
        actual=np.where(rng.random(200) < 0.8, given, 1 - given).astype(np.int64),
    )

    found = estimated_classes(rows.answers, Recalibration.of(rows))[Metric.ACCURACY]

    assert isinstance(found, Estimate)
    assert found.value == pytest.approx((rows.actual == rows.answers.predicted).mean(), abs=0.02)


def test_the_assumption_seldom_fails_where_it_holds() -> None:
    rng = np.random.default_rng(7)

    found = [check_probabilities(Recalibration.of(_too_sure(rng, 500)), _too_sure(rng, 500)) for _ in range(WORLDS)]

    assert sum(one.has_failed for one in found) <= stats.binom.ppf(1 - 1e-4, WORLDS, 0.01)
    assert all(one.p_value is not None for one in found)


def test_the_assumption_fails_where_actuals_become_a_coin() -> None:
    rng = np.random.default_rng(8)

    found = [
        check_probabilities(Recalibration.of(_too_sure(rng, 1_000)), _too_sure(rng, 1_000, broken=0.6))
        for _ in range(50)
    ]

    assert sum(one.verdict is Verdict.BREACH for one in found) >= 45
    assert "where" in found[0].reason


def test_one_bad_hour_is_not_a_broken_assumption() -> None:
    """Actuals of an hour that all stray are one fact: rows alone would make it sure."""
    rng = np.random.default_rng(9)
    recalibration = Recalibration.of(_too_sure(rng, 2_000))
    worlds = [_too_sure(rng, 2_000, clusters=20, stray=1.0) for _ in range(WORLDS)]
    apart = [Classified(answers=replace(rows.answers, clusters=None), actual=rows.actual) for rows in worlds]

    clustered = sum(check_probabilities(recalibration, rows).has_failed for rows in worlds)
    plain = sum(check_probabilities(recalibration, rows).has_failed for rows in apart)

    assert clustered <= stats.binom.ppf(1 - 1e-4, WORLDS, 0.02)
    assert plain > WORLDS / 4


def test_silence_of_few_rows_is_unknown() -> None:
    rng = np.random.default_rng(10)
    recalibration = Recalibration.of(scored(rng, 500))

    assert check_probabilities(recalibration, scored(rng, 49)).verdict is Verdict.UNKNOWN
    assert check_probabilities(recalibration, scored(rng, 60), noticeable=0.05).verdict is Verdict.UNKNOWN
    assert check_probabilities(recalibration, scored(rng, 1_000), noticeable=0.1).verdict is Verdict.OK


def test_estimates_are_unknown_once_the_check_failed() -> None:
    rng = np.random.default_rng(11)
    rows = scored(rng, 500)
    failed = Checked(
        verdict=Verdict.BREACH, p_value=1e-9, reason="the share of yes is 0.2 where 0.4 was expected", rows=9
    )

    found = estimated_classes(rows.answers, Recalibration.of(rows), last_check=failed)

    reason = "what estimates assume does not hold: the share of yes is 0.2 where 0.4 was expected"
    assert found == dict.fromkeys(ESTIMATED, Unknown(reason))


def test_estimates_are_unknown_outside_of_what_was_calibrated() -> None:
    rng = np.random.default_rng(12)

    found = estimated_classes(scored(rng, 500, shift=6.0).answers, Recalibration.of(scored(rng, 500)))

    reason = found[Metric.ACCURACY]
    assert isinstance(reason, Unknown)
    assert "lie outside" in reason.reason


def test_shares_of_a_class_that_hardly_comes_are_unknown() -> None:
    rng = np.random.default_rng(13)
    recalibration = Recalibration.of(scored(rng, 5_000, shift=-3.0))

    found = estimated_classes(scored(rng, 20, shift=-3.0).answers, recalibration, most_outside=1.0)

    assert isinstance(found[Metric.ACCURACY], Estimate)
    assert isinstance(found[Metric.RECALL], Unknown)
    assert isinstance(found[Metric.ROC_AUC], Unknown)


def test_what_moves_together_adds_up_as_it_would_by_its_covariances() -> None:
    strays, clusters = np.array([1.0, 2.0, 3.0]), np.array([5, 5, 7])
    covariance = np.outer(strays, strays) * np.array([[1, 0.3, 0], [0.3, 1, 0], [0, 0, 1]])

    assert together_variance(strays, clusters, 0.3) == pytest.approx(covariance.sum())

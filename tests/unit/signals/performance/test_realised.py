"""Realised metrics against scikit-learn, and what they say where there is nothing to say."""

import warnings
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from sklearn import metrics

from shared.registry.manifest import Task
from shared.signals.performance.estimate import Estimate, Metric, Performance, Unknown
from shared.signals.performance.realised import applicable, of_classes, of_numbers
from shared.signals.performance.rows import Answers, Classified, Regressed, of_two
from tests.unit.signals.performance.draws import classified, regressed


def _value(performance: Performance, metric: Metric) -> float | None:
    found = performance[metric]
    return found.value if isinstance(found, Estimate) else None


def _theirs(rows: Classified) -> dict[Metric, float]:
    """Return what scikit-learn says; NaN is its word for no number, and warnings are how it says so."""
    count = len(rows.answers.classes)
    actual, predicted, given = rows.actual, rows.answers.predicted, rows.answers.probabilities
    assert given is not None
    weigh = {"sample_weight": rows.answers.weights}
    many = {"average": "binary" if count == 2 else "macro", "zero_division": np.nan, **weigh}
    scores = given[:, 1] if count == 2 else given
    labels = list(range(count))
    several = {} if count == 2 else {"labels": labels, "multi_class": "ovr"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return {
            Metric.ACCURACY: metrics.accuracy_score(actual, predicted, **weigh),
            Metric.BALANCED_ACCURACY: metrics.balanced_accuracy_score(actual, predicted, **weigh),
            Metric.PRECISION: metrics.precision_score(actual, predicted, **many),
            Metric.RECALL: metrics.recall_score(actual, predicted, **many),
            Metric.F1: metrics.f1_score(actual, predicted, **many),
            Metric.ROC_AUC: metrics.roc_auc_score(actual, scores, **weigh, **several)
            if len(np.unique(actual)) == count
            else np.nan,
            Metric.LOG_LOSS: metrics.log_loss(actual, given, labels=labels, **weigh),
            Metric.BRIER: metrics.brier_score_loss(actual, scores, labels=labels, **weigh),
        }


@given(classified(classes=2))
def test_metrics_of_two_classes_are_scikit_learns(rows: Classified) -> None:
    ours = of_classes(rows)

    for metric, theirs in _theirs(rows).items():
        assert _value(ours, metric) == (None if np.isnan(theirs) else pytest.approx(theirs, abs=1e-9)), metric


@given(classified(classes=4))
def test_metrics_of_several_classes_are_scikit_learns(rows: Classified) -> None:
    """Classes that were never answered are left out of a mean, and not counted as 0."""
    ours = of_classes(rows)

    for metric, theirs in _theirs(rows).items():
        assert _value(ours, metric) == (None if np.isnan(theirs) else pytest.approx(theirs, abs=1e-9)), metric


@given(regressed())
def test_metrics_of_numbers_are_scikit_learns(rows: Regressed) -> None:
    ours = of_numbers(rows, quantile=0.8)

    pair = rows.actual, rows.predicted
    assert _value(ours, Metric.MAE) == pytest.approx(metrics.mean_absolute_error(*pair, sample_weight=rows.weights))
    assert _value(ours, Metric.RMSE) == pytest.approx(
        metrics.root_mean_squared_error(*pair, sample_weight=rows.weights)
    )
    assert _value(ours, Metric.QUANTILE_LOSS) == pytest.approx(
        metrics.mean_pinball_loss(*pair, alpha=0.8, sample_weight=rows.weights)
    )
    if len(np.unique(rows.actual)) > 1:
        assert _value(ours, Metric.R2) == pytest.approx(metrics.r2_score(*pair, sample_weight=rows.weights))
    else:
        assert ours[Metric.R2] == Unknown("all actuals are the same")


@given(classified(classes=3))
def test_an_interval_holds_its_value_and_no_number_is_nan(rows: Classified) -> None:
    for metric, found in of_classes(rows).items():
        if isinstance(found, Estimate):
            assert found.low <= found.value <= found.high, metric
            assert np.isfinite([found.low, found.high, found.standard_error, found.degrees]).all(), metric


@given(classified(classes=2))
def test_a_weight_of_two_is_the_row_twice(rows: Classified) -> None:
    """Sampling keeps one row for several: metrics must not notice."""
    twice = np.repeat(np.arange(len(rows)), rows.answers.each_weight.astype(np.int64))
    plain = replace(rows.answers.take(twice), weights=None)

    weighted, repeated = of_classes(rows), of_classes(Classified(answers=plain, actual=rows.actual[twice]))

    for metric in weighted:
        theirs = _value(repeated, metric)
        assert _value(weighted, metric) == (None if theirs is None else pytest.approx(theirs, abs=1e-9)), metric


def test_what_cannot_be_said_is_unknown_with_the_reason() -> None:
    """scikit-learn makes a 0 of it, and a 0 would be an alarm."""
    rows = Classified(
        answers=Answers(
            classes=("no", "yes"), predicted=np.zeros(5, np.int64), probabilities=of_two(np.linspace(0.1, 0.4, 5))
        ),
        actual=np.zeros(5, np.int64),
    )

    found = of_classes(rows)

    assert found[Metric.PRECISION] == Unknown("no answer is yes")
    assert found[Metric.RECALL] == Unknown("no actual is yes")
    assert found[Metric.F1] == Unknown("neither answers nor actuals are yes")
    assert found[Metric.ROC_AUC] == Unknown("no actual is yes")
    assert _value(found, Metric.ACCURACY) == 1.0


def test_one_row_or_one_hour_tells_nothing() -> None:
    answers = Answers(classes=("no", "yes"), predicted=np.array([0, 1]), clusters=np.array([7, 7]))
    rows = Classified(answers=answers, actual=np.array([0, 1]))

    assert set(of_classes(rows).values()) == {Unknown("all rows come together, in one cluster")}
    assert set(of_classes(rows.take(np.array([0]))).values()) == {Unknown("the actual of one row only has come")}
    assert set(of_classes(rows.take(np.array([], np.int64))).values()) == {Unknown("no actuals have come")}


def test_metrics_follow_from_what_a_version_answers() -> None:
    assert Metric.ROC_AUC not in applicable(Task.CLASSIFICATION, has_probabilities=False)
    assert Metric.ROC_AUC in applicable(Task.CLASSIFICATION, has_probabilities=True)
    assert applicable(Task.REGRESSION, has_probabilities=False) == (Metric.MAE, Metric.RMSE, Metric.R2)
    assert Metric.QUANTILE_LOSS in applicable(Task.REGRESSION, has_probabilities=False, has_quantile=True)


def test_the_calibration_error_is_the_mean_gap_of_ten_bins() -> None:
    """Ten probabilities, ten rows each, and everywhere one row in ten more than was said."""
    given = np.repeat(np.arange(10) / 10, 10)
    actual = np.concatenate([np.arange(10) <= place for place in range(10)]).astype(np.int64)
    rows = Classified(
        answers=Answers(classes=("no", "yes"), predicted=(given > 0.5).astype(np.int64), probabilities=of_two(given)),
        actual=actual,
    )

    assert _value(of_classes(rows), Metric.CALIBRATION_ERROR) == pytest.approx(0.1)


def test_weights_that_are_not_above_zero_are_refused() -> None:
    with pytest.raises(ValueError, match="not above 0"):
        Regressed(predicted=np.zeros(2), actual=np.zeros(2), weights=np.array([1.0, 0.0]))

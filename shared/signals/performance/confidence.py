"""Estimated performance of classifiers, from how sure their answers are (CBPE).

What may turn out is put where metrics take what did: shares of classes. The derivative by them says how much the outcome's
own chance moves a metric, and how much the calibration's error does; the interval is for the metric of these very rows, once
their actuals come.

Source:
    Białek, Kuberski, Perrakis and Bifet, "Estimating Model Performance Under Covariate Shift Without Labels" (2024), whose
    intervals are of sampling alone; by NannyML's name, confidence-based performance estimation.
"""

from typing import Final

import numpy as np

from shared.signals.performance.checked import Checked
from shared.signals.performance.confusion import RATIOS, Measured
from shared.signals.performance.estimate import LEVEL, SHARES, Estimate, Metric, Performance, Unknown
from shared.signals.performance.predicting import of_future_loss, of_future_share
from shared.signals.performance.ranking import roc_auc
from shared.signals.performance.realised import OF_ANSWERS
from shared.signals.performance.recalibration import Recalibrated, Recalibration
from shared.signals.performance.rows import Answers

ESTIMATED: Final = (*OF_ANSWERS, Metric.ROC_AUC, Metric.LOG_LOSS, Metric.BRIER)
MOST_OUTSIDE: Final = 0.05
_FEWEST_EXPECTED: Final = 5.0
_OF_CLASSES_THAT_TURN_OUT: Final = frozenset({Metric.BALANCED_ACCURACY, Metric.RECALL, Metric.F1, Metric.ROC_AUC})


def estimated_classes(
    answers: Answers,
    recalibration: Recalibration | Unknown,
    *,
    last_check: Checked | None = None,
    level: float = LEVEL,
    most_outside: float = MOST_OUTSIDE,
) -> Performance:
    """Return the performance that a classifier should have on rows whose actuals have not come.

    All of it is unknown where the assumption failed when it was last checked, or where too many rows lie outside of what was
    calibrated; a metric is, where too few of what it is a share of are expected.

    Args:
        answers: the rows, with probabilities.
        recalibration: from rows with actuals that the model was not trained on; or why there is none.
        last_check: the most recent check of the assumption, if there was one.
        level: how often an interval is to hold what turns out.
        most_outside: the share of rows that may lie outside of what was calibrated.
    """
    if isinstance(recalibration, Unknown):
        return dict.fromkeys(ESTIMATED, recalibration)
    reason = _why_not(answers, recalibration, last_check, most_outside)
    if reason is not None:
        return dict.fromkeys(ESTIMATED, reason)
    future = recalibration.apply(answers)
    found: dict[Metric, Estimate | Unknown] = {}
    for metric in ESTIMATED:
        rare = _rare(metric, future)
        if rare is not None:
            found[metric] = rare
            continue
        measure = roc_auc if metric is Metric.ROC_AUC else RATIOS[metric]
        measured = measure(answers, future.probabilities)
        found[metric] = measured if isinstance(measured, Unknown) else _estimate(metric, measured, future, level=level)
    return found


def _why_not(
    answers: Answers, recalibration: Recalibration, last_check: Checked | None, most_outside: float
) -> Unknown | None:
    if answers.probabilities is None:
        return Unknown("the model gives no probabilities")
    if not len(answers):
        return Unknown("no rows")
    if last_check is not None and last_check.has_failed:
        return Unknown(f"what estimates assume does not hold: {last_check.reason}")
    outside = recalibration.share_outside(answers)
    if outside > most_outside:
        return Unknown(f"probabilities of {outside:.0%} of rows lie outside of those that were calibrated")
    return None


def _rare(metric: Metric, future: Recalibrated) -> Unknown | None:
    """Return why a metric that divides by how often a class turns out may have nothing to divide by."""
    if metric not in _OF_CLASSES_THAT_TURN_OUT:
        return None
    expected = future.probabilities.sum(axis=0)
    if len(expected) == 2 and metric in {Metric.RECALL, Metric.F1}:
        expected = expected[1:]
    rarest = float(expected.min())
    return Unknown(f"of one class {rarest:.1f} rows are expected") if rarest < _FEWEST_EXPECTED else None


def _estimate(metric: Metric, measured: Measured, future: Recalibrated, *, level: float) -> Estimate:
    variance = future.variance(measured.by_actual)
    rows = int(np.count_nonzero(measured.basis))
    if metric in SHARES:
        moves = np.ptp(measured.by_actual, axis=1)
        step = float(moves[moves > 0].mean()) if moves.any() else 0.0
        return of_future_share(measured.value, variance, rows=rows, step=step, level=level)
    return of_future_loss(measured.value, variance, rows=rows, level=level)

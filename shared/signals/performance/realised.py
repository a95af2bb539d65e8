"""Realised performance: metrics of rows whose actuals have come, each with its interval."""

import math
from collections.abc import Iterator
from typing import Final

import numpy as np

from shared.registry.manifest import Task
from shared.signals.performance.calibration_error import calibration_error
from shared.signals.performance.confusion import RATIOS, Measured
from shared.signals.performance.estimate import (
    LEVEL,
    SHARES,
    Estimate,
    Metric,
    Performance,
    Unknown,
    of_positive,
    of_share,
)
from shared.signals.performance.ranking import roc_auc
from shared.signals.performance.rows import Classified, Clusters, Floats, Regressed
from shared.signals.performance.spread import effective, standard_error

OF_ANSWERS: Final = (Metric.ACCURACY, Metric.BALANCED_ACCURACY, Metric.PRECISION, Metric.RECALL, Metric.F1)
OF_PROBABILITIES: Final = (Metric.ROC_AUC, Metric.LOG_LOSS, Metric.BRIER, Metric.CALIBRATION_ERROR)
OF_NUMBERS: Final = (Metric.MAE, Metric.RMSE, Metric.R2)


def applicable(task: Task, *, has_probabilities: bool, has_quantile: bool = False) -> tuple[Metric, ...]:
    """Return the metrics that a version's performance has.

    Args:
        task: what kind of answer it gives.
        has_probabilities: whether the probability of every class is known; of two classes, one says both.
        has_quantile: whether it is known as which quantile its answer is meant.
    """
    if task is Task.REGRESSION:
        return (*OF_NUMBERS, Metric.QUANTILE_LOSS) if has_quantile else OF_NUMBERS
    return (*OF_ANSWERS, *OF_PROBABILITIES) if has_probabilities else OF_ANSWERS


def of_classes(
    rows: Classified, *, level: float = LEVEL, design_effect: float = 1.0, only: Metric | None = None
) -> Performance:
    """Return the realised performance of a classifier.

    Args:
        rows: those whose actuals have come; without probabilities, metrics of them are left out.
        level: how often an interval is to hold the truth.
        design_effect: rows that are worth one independent row, for rows without clusters.
        only: the one metric that is wanted; None for all.
    """
    answers = rows.answers
    metrics = applicable(Task.CLASSIFICATION, has_probabilities=answers.probabilities is not None)
    metrics = tuple(metric for metric in metrics if only in {None, metric})
    clusters = Clusters.of(answers.clusters, rows=len(rows))
    reason = _too_few(len(rows), clusters)
    if reason is not None:
        return dict.fromkeys(metrics, reason)
    actuals = rows.indicators
    found: dict[Metric, Estimate | Unknown] = {}
    for metric in metrics:
        if metric is Metric.CALIBRATION_ERROR:
            found[metric] = calibration_error(rows, clusters, level=level, design_effect=design_effect)
            continue
        measured = roc_auc(answers, actuals) if metric is Metric.ROC_AUC else RATIOS[metric](answers, actuals)
        found[metric] = (
            measured
            if isinstance(measured, Unknown)
            else _estimate(metric, measured, clusters, level=level, design_effect=design_effect)
        )
    return found


def of_numbers(
    rows: Regressed, *, quantile: float | None = None, level: float = LEVEL, design_effect: float = 1.0
) -> Performance:
    """Return the realised performance of a regressor.

    Args:
        rows: those whose actuals have come.
        quantile: the one its answers are meant as, between 0 and 1; None leaves the quantile loss out.
        level: how often an interval is to hold the truth.
        design_effect: rows that are worth one independent row, for rows without clusters.
    """
    metrics = applicable(Task.REGRESSION, has_probabilities=False, has_quantile=quantile is not None)
    clusters = Clusters.of(rows.clusters, rows=len(rows))
    reason = _too_few(len(rows), clusters)
    if reason is not None:
        return dict.fromkeys(metrics, reason)
    weights = rows.each_weight / rows.each_weight.sum()
    degrees = max(effective(clusters.sums(weights)) - 1, 1.0)

    def positive(value: float, moves: Floats) -> Estimate:
        error = standard_error(moves, clusters, design_effect=design_effect)
        return of_positive(value, error, rows=len(rows), degrees=degrees, level=level)

    found: dict[Metric, Estimate | Unknown] = {}
    for metric, losses in _losses(rows, quantile):
        mean = float(np.dot(weights, losses))
        moves = weights * (losses - mean)
        if metric is Metric.RMSE:
            root = math.sqrt(mean)
            found[metric] = positive(root, moves / (2 * root) if root > 0 else moves)
        else:
            found[metric] = positive(mean, moves)
    errors = rows.actual - rows.predicted
    around = rows.actual - float(np.dot(weights, rows.actual))
    whole = float(np.dot(weights, around * around))
    if whole <= 0 or np.ptp(rows.actual) == 0:
        found[Metric.R2] = Unknown("all actuals are the same")
    else:
        rest = float(np.dot(weights, errors * errors)) / whole
        left = positive(rest, weights * (errors * errors - rest * around * around) / whole)
        found[Metric.R2] = _one_less(left)
    return {metric: found[metric] for metric in metrics}


def _losses(rows: Regressed, quantile: float | None) -> Iterator[tuple[Metric, Floats]]:
    """Yield the loss of each row by the metrics that are their mean, or its root."""
    errors = rows.actual - rows.predicted
    yield Metric.MAE, np.abs(errors)
    yield Metric.RMSE, errors * errors
    if quantile is not None:
        yield Metric.QUANTILE_LOSS, np.maximum(quantile * errors, (quantile - 1) * errors)


def _one_less(left: Estimate) -> Estimate:
    """Return R² from the part of the variance that is left."""
    return Estimate(
        value=1 - left.value,
        low=1 - left.high,
        high=1 - left.low,
        standard_error=left.standard_error,
        rows=left.rows,
        degrees=left.degrees,
        level=left.level,
    )


def _too_few(rows: int, clusters: Clusters) -> Unknown | None:
    if rows < 2:
        return Unknown("no actuals have come" if not rows else "the actual of one row only has come")
    return Unknown("all rows come together, in one cluster") if clusters.count < 2 else None


def _estimate(
    metric: Metric, measured: Measured, clusters: Clusters, *, level: float, design_effect: float
) -> Estimate:
    error = standard_error(measured.by_row, clusters, design_effect=design_effect)
    rows = int(np.count_nonzero(measured.basis))
    degrees = max(effective(clusters.sums(measured.basis)) - 1, 1.0)
    if metric in SHARES:
        worth = effective(measured.basis) / design_effect
        return of_share(measured.value, error, rows=rows, effective=worth, degrees=degrees, level=level)
    return of_positive(measured.value, error, rows=rows, degrees=degrees, level=level)

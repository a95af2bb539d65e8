"""Metrics that are ratios of sums over rows, or means of such ratios.

Actuals come as shares of classes, shape (rows, classes): of what turned out 1 and zeros, of what may turn out the
probabilities. A metric of them is a number and two derivatives, by the rows and by the actuals.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Protocol

import numpy as np

from shared.signals.performance.estimate import Metric, Unknown
from shared.signals.performance.rows import Answers, Floats

_SMALLEST = float(np.finfo(np.float64).eps)


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """A metric, and what moves it.

    Attributes:
        value: the metric.
        by_row: of each row, the derivative by its weight, times that weight; adds up to 0.
        by_actual: of each row and class, the derivative by the share of that class.
        basis: of each row, how much of what the metric is divided by is its own; adds up to 1.
    """

    value: float
    by_row: Floats
    by_actual: Floats
    basis: Floats


class Measure(Protocol):
    """How a metric is found."""

    def __call__(self, answers: Answers, actuals: Floats, /) -> Measured | Unknown:
        """Return the metric of shares of classes, shape (rows, classes)."""
        ...


class _OfClass(Protocol):
    def __call__(self, answers: Answers, actuals: Floats, place: int, /) -> Measured | Unknown: ...


def accuracy(answers: Answers, actuals: Floats) -> Measured | Unknown:
    """Return the share of right answers."""
    right = np.eye(len(answers.classes))[answers.predicted]
    return _ratio(answers.each_weight, actuals, right, np.ones_like(right), reason="no rows")


def balanced_accuracy(answers: Answers, actuals: Floats) -> Measured | Unknown:
    """Return the mean, over the classes that turned out, of the share of right answers."""
    classes = range(len(answers.classes))
    return mean_of(_recall(answers, actuals, place) for place in classes)


def precision(answers: Answers, actuals: Floats) -> Measured | Unknown:
    """Return the share of right ones among the answers that name a class; no number where none does."""
    return _over_classes(_precision, answers, actuals)


def recall(answers: Answers, actuals: Floats) -> Measured | Unknown:
    """Return the share of a class that was found; no number where none of it turned out."""
    return _over_classes(_recall, answers, actuals)


def f1(answers: Answers, actuals: Floats) -> Measured | Unknown:
    """Return the harmonic mean of precision and recall; no number where a class was neither named nor turned out."""
    return _over_classes(_f1, answers, actuals)


def log_loss(answers: Answers, actuals: Floats) -> Measured | Unknown:
    """Return the mean of -ln of the probability given to what turned out, as if none were below the smallest float of 1."""
    if answers.probabilities is None:
        return Unknown("the model gives no probabilities")
    losses = -np.log(np.clip(answers.probabilities, _SMALLEST, 1 - _SMALLEST))
    return _ratio(answers.each_weight, actuals, losses, np.ones_like(losses), reason="no rows")


def brier(answers: Answers, actuals: Floats) -> Measured | Unknown:
    """Return the mean squared distance of probabilities from what turned out: of the positive class, or summed over more.

    Source:
        Brier, "Verification of forecasts expressed in terms of probability", Monthly Weather Review 78 (1950); of two
        classes half of his, from 0 to 1, as is usual.
    """
    if answers.probabilities is None:
        return Unknown("the model gives no probabilities")
    given = answers.probabilities
    losses = (given * given).sum(axis=1)[:, None] + 1 - 2 * given
    losses = losses / 2 if given.shape[1] == 2 else losses
    return _ratio(answers.each_weight, actuals, losses, np.ones_like(losses), reason="no rows")


def mean_of(parts: Iterable[Measured | Unknown]) -> Measured | Unknown:
    """Return the mean of those that are known.

    One after the other: each has a number for every row and class, and all of many classes would be too many to hold.
    """
    value, count = 0.0, 0
    by_row, by_actual, basis = np.zeros(1), np.zeros((1, 1)), np.zeros(1)
    for part in parts:
        if isinstance(part, Unknown):
            continue
        value, count = value + part.value, count + 1
        by_row, by_actual, basis = by_row + part.by_row, by_actual + part.by_actual, basis + part.basis
    if not count:
        return Unknown("no rows")
    return Measured(value=value / count, by_row=by_row / count, by_actual=by_actual / count, basis=basis / count)


RATIOS: Final[Mapping[Metric, Measure]] = MappingProxyType(
    {
        Metric.ACCURACY: accuracy,
        Metric.BALANCED_ACCURACY: balanced_accuracy,
        Metric.PRECISION: precision,
        Metric.RECALL: recall,
        Metric.F1: f1,
        Metric.LOG_LOSS: log_loss,
        Metric.BRIER: brier,
    }
)


def _precision(answers: Answers, actuals: Floats, place: int) -> Measured | Unknown:
    named = np.broadcast_to((answers.predicted == place)[:, None], actuals.shape).astype(np.float64)
    reason = f"no answer is {answers.classes[place]}"
    return _ratio(answers.each_weight, actuals, _only(named, place), named, reason=reason)


def _recall(answers: Answers, actuals: Floats, place: int) -> Measured | Unknown:
    named = np.broadcast_to((answers.predicted == place)[:, None], actuals.shape).astype(np.float64)
    reason = f"no actual is {answers.classes[place]}"
    return _ratio(answers.each_weight, actuals, _only(named, place), _only(np.ones_like(named), place), reason=reason)


def _f1(answers: Answers, actuals: Floats, place: int) -> Measured | Unknown:
    named = np.broadcast_to((answers.predicted == place)[:, None], actuals.shape).astype(np.float64)
    reason = f"neither answers nor actuals are {answers.classes[place]}"
    both = named + _only(np.ones_like(named), place)
    return _ratio(answers.each_weight, actuals, 2 * _only(named, place), both, reason=reason)


def _over_classes(measure: _OfClass, answers: Answers, actuals: Floats) -> Measured | Unknown:
    if len(answers.classes) == 2:
        return measure(answers, actuals, 1)
    return mean_of(measure(answers, actuals, place) for place in range(len(answers.classes)))


def _only(columns: Floats, place: int) -> Floats:
    kept = np.zeros_like(columns)
    kept[:, place] = columns[:, place]
    return kept


def _ratio(weights: Floats, actuals: Floats, top: Floats, bottom: Floats, *, reason: str) -> Measured | Unknown:
    """Return a ratio of sums, both over what rows and classes add to it."""
    over, under = (actuals * top).sum(axis=1), (actuals * bottom).sum(axis=1)
    whole = float(np.dot(weights, under))
    if whole <= 0:
        return Unknown(reason)
    value = float(np.dot(weights, over)) / whole
    return Measured(
        value=value,
        by_row=weights * (over - value * under) / whole,
        by_actual=weights[:, None] * (top - value * bottom) / whole,
        basis=weights * under / whole,
    )

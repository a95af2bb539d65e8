"""What answers cost: of each row, of a period, and of one version beside another on the same rows.

A mean loss is kept as sums, one for each hour, so that a period is read hour by hour. Rows of one hour hang together: they
share weather, a batch, a fault. So the standard error is that of hours, not of rows, where there are enough of them.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from shared.registry.manifest import Task
from shared.retrain_config import Loss

Floats: TypeAlias = NDArray[np.float64]

FEWEST_HOURS: Final = 6
"""So many hours with rows say how far hours stray from one another; with fewer, rows are taken for independent."""

FEWEST_ROWS: Final = 20
"""Fewer rows say nothing of how far losses stray: two that are alike would make a mean without any error."""

_SMALLEST: Final = float(np.finfo(np.float64).eps)
_OF_PROBABILITIES: Final = frozenset({Loss.BRIER, Loss.LOG_LOSS})


def loss_of(task: Task, wanted: Loss | None) -> Loss:
    """Return the loss a model is judged by; ``wanted`` where it fits the task, which ``misfit`` says."""
    return wanted or (Loss.ERROR if task is Task.CLASSIFICATION else Loss.ABSOLUTE_ERROR)


def misfit(loss: Loss, task: Task, *, has_probabilities: bool) -> str | None:
    """Return why versions cannot be judged by a loss; None where they can."""
    is_of_numbers = loss in {Loss.ABSOLUTE_ERROR, Loss.SQUARED_ERROR}
    if is_of_numbers is (task is Task.CLASSIFICATION):
        return f"a model of {task} has no {loss}"
    if loss in _OF_PROBABILITIES and not has_probabilities:
        return f"it gives no probability for each class, which {loss} is of"
    return None


def row_losses(loss: Loss, answers: Sequence[Any], actuals: Sequence[Any]) -> Floats:
    """Return the loss of each row's answer, for losses of the answer alone.

    Args:
        loss: one that is not of probabilities.
        answers: what was predicted, of each row.
        actuals: what turned out, of the same rows in the same order.
    """
    if loss is Loss.ERROR:
        pairs = zip(answers, actuals, strict=True)
        return np.array([float(answer != actual) for answer, actual in pairs], dtype=np.float64)
    errors: Floats = np.asarray(answers, dtype=np.float64) - np.asarray(actuals, dtype=np.float64)
    return np.abs(errors) if loss is Loss.ABSOLUTE_ERROR else errors * errors


def probability_losses(loss: Loss, probabilities: Floats, classes: Sequence[Any], actuals: Sequence[Any]) -> Floats:
    """Return the loss of each row's probabilities: Brier's score, of two classes half of it, or the log loss.

    What turned out and is none of the classes had no probability.

    Args:
        loss: one of probabilities.
        probabilities: shape (rows, classes), adding up to 1.
        classes: what the columns are of.
        actuals: what turned out.

    Source:
        Brier, "Verification of forecasts expressed in terms of probability", Monthly Weather Review 78 (1950).
    """
    places = {value: place for place, value in enumerate(classes)}
    found = np.array([places.get(actual, -1) for actual in actuals], dtype=np.int64)
    rows = np.arange(len(found))
    given = np.where(found < 0, 0.0, probabilities[rows, found]) if len(rows) else np.zeros(0)
    if loss is Loss.LOG_LOSS:
        logged: Floats = -np.log(np.clip(given, _SMALLEST, 1 - _SMALLEST))
        return logged
    squared: Floats = np.square(probabilities).sum(axis=1) + 1 - 2 * given
    return squared / 2 if len(classes) == 2 else squared


@dataclass(frozen=True, slots=True)
class Mean:
    """A mean with its standard error (None where too few rows say) and how many rows it is of, at least one."""

    value: float
    standard_error: float | None
    rows: int


@dataclass(frozen=True, slots=True)
class Sums:
    """Losses of some rows, added up by hour. Merging is what it would be to have had all rows at once.

    Attributes:
        rows: how many.
        by_hour: of each hour the sum of weights, and that of weights times losses.
        squares: the sums, over all rows, of squared weights, of those times losses, and times squared losses.
    """

    rows: int
    by_hour: Mapping[str, tuple[float, float]]
    squares: tuple[float, float, float]

    @classmethod
    def of(cls, losses: Floats, weights: Floats, hours: Sequence[str]) -> Self:
        """Add up losses; of each row its weight, and the key of its hour."""
        by_hour: dict[str, tuple[float, float]] = {}
        names, places = np.unique(np.asarray(hours, dtype=np.str_), return_inverse=True)
        held = np.bincount(places, weights=weights, minlength=len(names))
        lost = np.bincount(places, weights=weights * losses, minlength=len(names))
        for name, weight, loss in zip(names.tolist(), held.tolist(), lost.tolist(), strict=True):
            by_hour[name] = (weight, loss)
        squared = weights * weights
        squares = (float(squared.sum()), float(np.dot(squared, losses)), float(np.dot(squared, losses * losses)))
        return cls(len(losses), by_hour, squares)

    @classmethod
    def none(cls) -> Self:
        """Return the sums of no rows."""
        return cls(0, {}, (0.0, 0.0, 0.0))

    def __add__(self, other: Self) -> Self:
        hours = sorted({*self.by_hour, *other.by_hour})
        nothing = (0.0, 0.0)
        by_hour = {hour: _added(self.by_hour.get(hour, nothing), other.by_hour.get(hour, nothing)) for hour in hours}
        mine, its = self.squares, other.squares
        return type(self)(self.rows + other.rows, by_hour, (mine[0] + its[0], mine[1] + its[1], mine[2] + its[2]))

    def mean(self) -> Mean | None:
        """Return the weighted mean; None of no rows. Of fewer than 20 rows its standard error is unknown.

        Source:
            Of hours: Liang and Zeger, "Longitudinal data analysis using generalized linear models", Biometrika 73 (1986).
            The factor n / (n - 1) makes it the usual standard error where all hours (or rows) weigh the same.
        """
        weight = math.fsum(held for held, _ in self.by_hour.values())
        if not self.rows or weight <= 0:
            return None
        mean = math.fsum(lost for _, lost in self.by_hour.values()) / weight
        if len(self.by_hour) >= FEWEST_HOURS:
            groups = len(self.by_hour)
            strayed = math.fsum((lost - mean * held) ** 2 for held, lost in self.by_hour.values())
        else:
            groups = self.rows
            strayed = max(self.squares[2] - 2 * mean * self.squares[1] + mean * mean * self.squares[0], 0.0)
        is_told = self.rows >= FEWEST_ROWS
        error = math.sqrt(strayed * groups / (groups - 1)) / weight if is_told else None
        return Mean(mean, error, self.rows)


def pooled(means: Sequence[Mean]) -> Mean | None:
    """Return the mean of several periods' means, each counting by its rows; None where there is none.

    The error of a mean whose own is unknown is taken for as large as the largest, and unknown where all are.
    """
    if not means:
        return None
    rows = sum(one.rows for one in means)
    value = math.fsum(one.value * one.rows for one in means) / rows
    known = [one.standard_error for one in means if one.standard_error is not None]
    if not known:
        return Mean(value, None, rows)
    errors = [max(known) if one.standard_error is None else one.standard_error for one in means]
    return Mean(value, math.hypot(*(error * one.rows for error, one in zip(errors, means, strict=True))) / rows, rows)


def _added(one: tuple[float, float], other: tuple[float, float]) -> tuple[float, float]:
    return one[0] + other[0], one[1] + other[1]

"""Estimated performance of regressors, from a model of the loss (direct loss estimation).

The loss of a row is predicted from its features and its answer by a sum of steps: one for every quantile bin of a number and
every common category, ridge-shrunk. Boosted trees, which the source takes, find how features act together as well, but the
function app installs none; the answer, which is one of the columns, already sums up how they do. And of a sum of steps the
error of any mean of losses is a product of matrices.

Source:
    NannyML, "Direct Loss Estimation" (documentation, 2022), without an error of the loss model in its intervals.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from shared.signals.performance.checked import Checked
from shared.signals.performance.estimate import LEVEL, Estimate, Metric, Performance, Unknown
from shared.signals.performance.predicting import of_future_loss
from shared.signals.performance.rows import Clusters, Floats, Integers, Regressed, each_weight
from shared.signals.performance.steps import Steps
from shared.signals.performance.together import correlation, together_variance

Features: TypeAlias = Mapping[str, Floats | NDArray[np.str_]]
"""Numbers, NaN where missing, or texts, by the feature's name; shape (rows,) each."""

ESTIMATED: Final = (Metric.MAE, Metric.RMSE)
FEWEST_ROWS: Final = 100
MOST_OUTSIDE: Final = 0.05

_ANSWER_BINS: Final = 20
_SPREAD_BINS: Final = 10
_LEVELS: Final = 10
_LEVELS_PENALTY: Final = 1.0
_PENALTIES: Final = np.geomspace(1.0, 1e5, 11)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unanswered:
    """Rows without actuals: what a regressor was asked and what it said; ``weights`` and ``clusters`` as of ``Answers``."""

    features: Features
    predicted: Floats
    weights: Floats | None = None
    clusters: Integers | None = None

    @property
    def shares(self) -> Floats:
        """Return the weights, adding up to 1."""
        given = each_weight(self.weights, rows=len(self.predicted))
        return np.asarray(given / given.sum(), dtype=np.float64)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """The model of one loss.

    Attributes:
        first: of 1 and of each step of a column: the loss as a sum of these.
        levels: how that sum is cut, as if it were a column itself: features that act together make it bend.
        coefficients: of 1, of each step of a column, and of each step of ``levels``.
        covariance: of ``coefficients``.
        edges: of predicted losses, between bins of which the spread is known.
        spreads: in each bin, the standard deviation of the loss about what is predicted.
        together: how alike losses of one cluster stray from what is predicted.
    """

    first: Floats
    levels: Steps
    coefficients: Floats
    covariance: Floats
    edges: Floats
    spreads: Floats
    together: float

    def design(self, columns: Floats) -> Floats:
        """Return what the coefficients are of, from 1 and the steps of columns."""
        return np.column_stack([columns, self.levels.indicators(columns @ self.first)])

    def spread(self, predicted: Floats) -> Floats:
        """Return the standard deviation of each loss about ``predicted``."""
        return self.spreads[np.searchsorted(self.edges, predicted)]


@dataclass(frozen=True, slots=True, kw_only=True)
class LossModel:
    """What rows with actuals say of a regressor's losses."""

    steps: tuple[Steps, ...]
    names: tuple[str, ...]
    fits: Mapping[Metric, Fit]
    rows: int

    @classmethod
    def of(cls, features: Features, rows: Regressed) -> Self:
        """Learn absolute and squared errors.

        Args:
            features: what the model was asked, in the order of ``rows``.
            rows: ``FEWEST_ROWS`` or more, and not those the model was trained on.

        Raises:
            ValueError: there are too few rows.
        """
        if len(rows) < FEWEST_ROWS:
            raise ValueError(f"{len(rows)} rows to learn losses from")
        names = tuple(features)
        steps = (*(Steps.of(features[name]) for name in names), Steps.of(rows.predicted, bins=_ANSWER_BINS))
        design = _design(steps, [*(features[name] for name in names), rows.predicted])
        weights = rows.each_weight / rows.each_weight.mean()
        clusters = Clusters.of(rows.clusters, rows=len(rows))
        errors = rows.actual - rows.predicted
        losses = {Metric.MAE: np.abs(errors), Metric.RMSE: errors * errors}
        fits = {metric: _fit(design, loss, weights, clusters) for metric, loss in losses.items()}
        return cls(steps=steps, names=names, fits=fits, rows=len(rows))

    def apply(self, metric: Metric, rows: Unanswered) -> "FutureLosses":
        """Return the losses to expect: absolute errors for MAE, squared ones for RMSE."""
        columns = _design(self.steps, [*(rows.features[name] for name in self.names), rows.predicted])
        fit = self.fits[metric]
        design = fit.design(columns)
        return FutureLosses(fit=fit, design=design, expected=design @ fit.coefficients, clusters=rows.clusters)

    def share_outside(self, rows: Unanswered) -> float:
        """Return the share of rows of which some number or category is outside of what was learned from.

        Less what of as many further rows like those would be: of ``n``, two in ``n + 1`` for each column.
        """
        columns = [*(rows.features[name] for name in self.names), rows.predicted]
        outside = np.zeros(len(rows.predicted), dtype=np.bool_)
        for step, column in zip(self.steps, columns, strict=True):
            outside |= step.outside(column)
        return max(float(np.dot(outside, rows.shares)) - 2 * len(columns) / (self.rows + 1), 0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class FutureLosses:
    """Losses to expect of rows without actuals, and how far sums of them may be off."""

    fit: Fit
    design: Floats
    expected: Floats
    clusters: Integers | None

    def variance(self, by_row: Floats) -> float:
        """Return the variance of what a weighted sum of losses will be, about the same sum of those expected."""
        strays = by_row * self.fit.spread(self.expected)
        gradient = self.design.T @ by_row
        of_fit = float(gradient @ self.fit.covariance @ gradient)
        return together_variance(strays, self.clusters, self.fit.together) + of_fit


def estimated_numbers(
    rows: Unanswered,
    model: LossModel | Unknown,
    *,
    last_check: Checked | None = None,
    level: float = LEVEL,
    most_outside: float = MOST_OUTSIDE,
) -> Performance:
    """Return the performance that a regressor should have on rows whose actuals have not come.

    Args:
        rows: what was asked and said.
        model: of losses; or why there is none.
        last_check: the most recent check of the assumption, if there was one.
        level: how often an interval is to hold what turns out.
        most_outside: the share of rows that may lie outside of what was learned from.
    """
    if isinstance(model, Unknown):
        return dict.fromkeys(ESTIMATED, model)
    if not len(rows.predicted):
        return dict.fromkeys(ESTIMATED, Unknown("no rows"))
    if last_check is not None and last_check.has_failed:
        return dict.fromkeys(ESTIMATED, Unknown(f"what estimates assume does not hold: {last_check.reason}"))
    outside = model.share_outside(rows)
    if outside > most_outside:
        return dict.fromkeys(ESTIMATED, Unknown(f"{outside:.0%} of rows lie outside of what losses were learned from"))
    return {metric: _estimate(metric, model.apply(metric, rows), rows, level=level) for metric in ESTIMATED}


def _estimate(metric: Metric, future: FutureLosses, rows: Unanswered, *, level: float) -> Estimate | Unknown:
    mean = float(np.dot(rows.shares, future.expected))
    if mean <= 0:
        return Unknown("the expected loss is not above 0")
    found = of_future_loss(mean, future.variance(rows.shares), rows=len(rows.predicted), level=level)
    return found if metric is Metric.MAE else _root(found)


def _root(squared: Estimate) -> Estimate:
    return Estimate(
        value=math.sqrt(squared.value),
        low=math.sqrt(max(squared.low, 0.0)),
        high=math.sqrt(squared.high),
        standard_error=squared.standard_error / (2 * math.sqrt(squared.value)),
        rows=squared.rows,
        degrees=squared.degrees,
        level=squared.level,
    )


def _design(steps: Sequence[Steps], columns: Sequence[Floats | NDArray[np.str_]]) -> Floats:
    parts = [step.indicators(column) for step, column in zip(steps, columns, strict=True)]
    return np.column_stack([np.ones(len(columns[-1])), *parts])


def _fit(columns: Floats, losses: Floats, weights: Floats, clusters: Clusters) -> Fit:
    """Fit by ridge, twice: to the columns' steps, and to these with the steps of what came out.

    Source:
        The penalty: Golub, Heath and Wahba, "Generalized cross-validation as a method for choosing a good ridge parameter",
        Technometrics 21 (1979); the covariance is a sandwich, with the prior's own variance for what shrinking may have cost.
    """
    rows = len(losses)
    penalties, used = _penalties(columns, losses, weights)
    first = _inverse(columns, weights, penalties) @ (columns.T @ (weights * losses))
    sums_of_steps = columns @ first
    levels = Steps.of(sums_of_steps, bins=_LEVELS)
    design = np.column_stack([columns, levels.indicators(sums_of_steps)])
    penalties = np.concatenate([penalties, np.full(design.shape[1] - columns.shape[1], _LEVELS_PENALTY)])
    used += _LEVELS - 1
    inverse = _inverse(design, weights, penalties)
    coefficients = inverse @ (design.T @ (weights * losses))
    expected = design @ coefficients
    strays = (losses - expected) * math.sqrt(rows / max(rows - used, 1.0))
    sums = clusters.sums_of_each((weights * strays)[:, None] * design)
    shrinking = np.diag(penalties) * float(np.average(strays * strays, weights=weights))
    filling = sums.T @ sums * (clusters.count / max(clusters.count - 1, 1)) + shrinking
    edges = np.unique(np.quantile(expected, np.arange(1, _SPREAD_BINS) / _SPREAD_BINS))
    bins = np.searchsorted(edges, expected)
    # a bin beside the last edge may be empty where many expected losses are the same
    masses = np.bincount(bins, weights=weights, minlength=len(edges) + 1)
    squares = np.bincount(bins, weights=weights * strays * strays, minlength=len(edges) + 1)
    overall = float(np.average(strays * strays, weights=weights))
    spreads = np.sqrt(np.where(masses > 0, squares / np.where(masses > 0, masses, 1.0), overall))
    return Fit(
        first=first,
        levels=levels,
        coefficients=coefficients,
        covariance=np.asarray(inverse @ filling @ inverse, dtype=np.float64),
        edges=edges,
        spreads=spreads,
        together=correlation(weights * strays, weights * spreads[bins], clusters),
    )


def _inverse(design: Floats, weights: Floats, penalties: Floats) -> Floats:
    return np.asarray(np.linalg.inv(design.T @ (weights[:, None] * design) + np.diag(penalties)), dtype=np.float64)


def _penalties(design: Floats, losses: Floats, weights: Floats) -> tuple[Floats, float]:
    """Return the penalty of each coefficient, none for the constant, and how many free ones they are worth with it."""
    total = float(weights.sum())
    columns = design[:, 1:] - weights @ design[:, 1:] / total
    centred = losses - float(np.dot(weights, losses)) / total
    values, vectors = np.linalg.eigh(columns.T @ (weights[:, None] * columns))
    values = np.maximum(values, 0.0)
    turned = vectors.T @ (columns.T @ (weights * centred))
    whole = float(np.dot(weights, centred * centred))

    def score(penalty: float) -> tuple[float, float]:
        shrunk = turned / (values + penalty)
        left = whole - float(np.dot(shrunk, 2 * turned - values * shrunk))
        used = 1 + float((values / (values + penalty)).sum())
        return left / max(len(losses) - used, 1e-9) ** 2, used

    best = min((float(penalty) for penalty in _PENALTIES), key=lambda penalty: score(penalty)[0])
    return np.concatenate([[0.0], np.full(len(values), best)]), score(best)[1]

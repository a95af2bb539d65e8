"""From what a model says to how often it is so: probabilities held against actuals, and how well that is known.

A logistic regression on the logit that the model gives, bent at up to four quantiles, and drawn towards what the model says
where rows are few. An isotonic regression follows any rise, but is a step function: how far off it is can be had by drawing
samples only, and its interval fails near its jumps (the bootstrap of it is not consistent: Kosorok, 2008). Here the error
of every number that follows is a product of matrices.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, Self

import numpy as np

from shared.signals.performance.rows import Answers, Classified, Clusters, Floats, Integers
from shared.signals.performance.together import correlation, together_variance

FEWEST_ROWS: Final = 50
"""Rows below which nothing is calibrated."""

_MOST_BENDS: Final = 4
_ROWS_A_BEND: Final = 50
_FARTHEST: Final = math.log(1e6)
_PRECISIONS: Final = (0.01, 1.0)
_STEPS: Final = 50


@dataclass(frozen=True, slots=True)
class Curve:
    """How one class's probability follows from what the model gives it.

    Attributes:
        bends: logits at which it bends.
        low: the lowest logit it was fitted to; below, it stays.
        high: the highest.
        coefficients: of 1, the logit, and what of the logit is above each bend.
    """

    bends: Floats
    low: float
    high: float
    coefficients: Floats

    def design(self, logits: Floats) -> Floats:
        """Return what the coefficients are of, shape (rows, coefficients)."""
        return _design(np.clip(logits, self.low, self.high), self.bends)

    def __call__(self, logits: Floats) -> Floats:
        """Return probabilities."""
        return _logistic(self.design(logits) @ self.coefficients)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recalibration:
    """What rows with actuals say of a model's probabilities.

    Attributes:
        classes: of the model.
        curves: one of the positive class where there are two classes, else one of each, whose answers are made to add up to 1.
        covariance: of all coefficients, one curve's after the other.
        together: how alike actuals of one cluster stray from their probabilities: the correlation of two of them.
        rows: how many it was fitted to.
    """

    classes: tuple[str, ...]
    curves: tuple[Curve, ...]
    covariance: Floats
    together: float
    rows: int

    @classmethod
    def of(cls, rows: Classified) -> Self:
        """Hold probabilities against actuals.

        Args:
            rows: with probabilities, ``FEWEST_ROWS`` or more, and not those the model was trained on: of these it is too sure.

        Raises:
            ValueError: there are no probabilities, or too few rows.
        """
        answers = rows.answers
        if answers.probabilities is None or len(rows) < FEWEST_ROWS:
            raise ValueError(f"{len(rows)} rows, or no probabilities, to calibrate with")
        weights = answers.each_weight / answers.each_weight.mean()
        clusters = Clusters.of(answers.clusters, rows=len(rows))
        logits, indicators = _logits(answers.probabilities), rows.indicators
        places = _places(len(answers.classes))
        curves = tuple(_fit(logits[:, place], indicators[:, place], weights) for place in places)
        fitted = cls(
            classes=answers.classes,
            curves=curves,
            covariance=_covariance(curves, logits, indicators, weights, clusters),
            together=0.0,
            rows=len(rows),
        )
        strays, spreads = fitted.apply(answers).strays(rows.actual)
        return replace(fitted, together=correlation(weights * strays, weights * spreads, clusters))

    def apply(self, answers: Answers) -> "Recalibrated":
        """Return what may turn out of rows without actuals.

        Raises:
            ValueError: the classes differ, or there are no probabilities.
        """
        if answers.probabilities is None or answers.classes != self.classes:
            raise ValueError(f"calibrated for {self.classes}, not for {answers.classes}")
        logits = _logits(answers.probabilities)
        places = _places(len(self.classes))
        said = np.column_stack([curve(logits[:, place]) for curve, place in zip(self.curves, places, strict=True)])
        if len(self.classes) == 2:
            probabilities = np.column_stack([1 - said[:, 0], said[:, 0]])
        else:
            probabilities = said / said.sum(axis=1, keepdims=True)
        return Recalibrated(recalibration=self, answers=answers, said=said, probabilities=probabilities)

    def share_outside(self, answers: Answers) -> float:
        """Return the share of rows whose probabilities are lower or higher than any that was calibrated.

        Less what of as many further rows like those calibrated would be: of ``n``, two in ``n + 1`` for each curve.
        """
        assert answers.probabilities is not None  # noqa: S101 - of an edge, and ``apply`` refuses it with words
        logits = _logits(answers.probabilities)
        outside = np.zeros(len(answers), dtype=np.bool_)
        for curve, place in zip(self.curves, _places(len(self.classes)), strict=True):
            outside |= (logits[:, place] < curve.low) | (logits[:, place] > curve.high)
        share = float(np.dot(outside, answers.each_weight) / answers.each_weight.sum())
        return max(share - 2 * len(self.curves) / (self.rows + 1), 0.0)


@dataclass(frozen=True, slots=True)
class Recalibrated:
    """Rows without actuals, and how likely each class is to turn out.

    Attributes:
        recalibration: what said so.
        answers: the rows.
        said: what each curve says, before all are made to add up to 1; shape (rows, curves).
        probabilities: shape (rows, classes).
    """

    recalibration: Recalibration
    answers: Answers
    said: Floats
    probabilities: Floats

    def variance(self, by_actual: Floats) -> float:
        """Return the variance of what will turn out, of a number with these derivatives by actuals, about what is expected.

        That of the outcome, which is chance even where probabilities are right, and that of the probabilities.
        """
        return self.of_outcome(by_actual) + self.of_probabilities(by_actual)

    def of_outcome(self, by_actual: Floats) -> float:
        """Return the variance by chance; actuals of one cluster stray together as they did in calibration."""
        chances = self.probabilities
        if chances.shape[1] == 2:
            strays = (by_actual[:, 1] - by_actual[:, 0]) * np.sqrt(chances[:, 0] * chances[:, 1])
        else:
            # without a sign, as if all strayed the same way, which makes it too large rather than too small
            mean = (by_actual * chances).sum(axis=1)
            strays = np.sqrt(np.maximum((by_actual * by_actual * chances).sum(axis=1) - mean * mean, 0.0))
        return together_variance(strays, self.answers.clusters, self.recalibration.together)

    def of_probabilities(self, by_actual: Floats) -> float:
        """Return the variance because finitely many rows calibrated them."""
        chances, said = self.probabilities, self.said
        assert self.answers.probabilities is not None  # noqa: S101 - they were calibrated
        logits = _logits(self.answers.probabilities)
        if chances.shape[1] == 2:
            by_said = by_actual[:, 1:] - by_actual[:, :1]
        else:
            mean = (by_actual * chances).sum(axis=1, keepdims=True)
            by_said = (by_actual - mean) / said.sum(axis=1, keepdims=True)
        by_score = by_said * said * (1 - said)
        places = _places(chances.shape[1])
        gradient = np.concatenate(
            [
                curve.design(logits[:, place]).T @ by_score[:, column]
                for column, (curve, place) in enumerate(zip(self.recalibration.curves, places, strict=True))
            ]
        )
        return float(gradient @ self.recalibration.covariance @ gradient)

    def strays(self, actual: Integers) -> tuple[Floats, Floats]:
        """Return how far actuals are from their probability, and the standard deviation of that by chance.

        Of two classes it is the positive one's; of more, the answer's.
        """
        column = np.ones(len(actual), np.int64) if len(self.recalibration.classes) == 2 else self.answers.predicted
        chance = self.probabilities[np.arange(len(actual)), column]
        return (actual == column) - chance, np.sqrt(chance * (1 - chance))


def _places(classes: int) -> Sequence[int]:
    return (1,) if classes == 2 else range(classes)


def _logits(probabilities: Floats) -> Floats:
    with np.errstate(divide="ignore"):
        logits = np.log(probabilities) - np.log1p(-probabilities)
    return np.asarray(np.clip(logits, -_FARTHEST, _FARTHEST), dtype=np.float64)


def _logistic(logits: Floats) -> Floats:
    return np.asarray(1 / (1 + np.exp(-logits)), dtype=np.float64)


def _design(logits: Floats, bends: Floats) -> Floats:
    above = np.maximum(logits[:, None] - bends, 0.0)
    return np.column_stack([np.ones(len(logits)), logits, above])


def _precision(bends: Floats) -> Floats:
    """Return how strongly each coefficient is drawn to what the model says: 0, 1, and no bend."""
    intercept, other = _PRECISIONS
    return np.concatenate([[intercept], np.full(len(bends) + 1, other)])


def _fit(logits: Floats, happened: Floats, weights: Floats) -> Curve:
    """Return the curve of one class, by Newton's method on the penalised likelihood, which is concave."""
    wanted = min(_MOST_BENDS, len(logits) // _ROWS_A_BEND)
    low, high = float(logits.min()), float(logits.max())
    quantiles = np.unique(np.quantile(logits, np.arange(1, wanted + 1) / (wanted + 1)))
    bends = quantiles[(quantiles > low) & (quantiles < high)]
    design, precision = _design(logits, bends), _precision(bends)
    as_said = np.zeros(design.shape[1])
    as_said[1] = 1.0
    coefficients = as_said.copy()
    objective = _objective(design, happened, weights, precision, coefficients - as_said, coefficients)
    for _ in range(_STEPS):
        chances = _logistic(design @ coefficients)
        slope = design.T @ (weights * (happened - chances)) - precision * (coefficients - as_said)
        step = np.linalg.solve(_curvature(design, weights * chances * (1 - chances), precision), slope)
        length = 1.0
        while True:
            tried = coefficients + length * step
            better = _objective(design, happened, weights, precision, tried - as_said, tried)
            if better >= objective or length < 1e-6:
                break
            length /= 2
        coefficients, gained, objective = tried, better - objective, better
        if gained < 1e-9 * len(logits):
            break
    return Curve(bends=bends, low=low, high=high, coefficients=coefficients)


def _objective(
    design: Floats, happened: Floats, weights: Floats, precision: Floats, away: Floats, coefficients: Floats
) -> float:
    logits = design @ coefficients
    likelihood = happened * logits - np.logaddexp(0.0, logits)
    return float(np.dot(weights, likelihood) - np.dot(precision, away * away) / 2)


def _curvature(design: Floats, weights: Floats, precision: Floats) -> Floats:
    return np.asarray(design.T @ (weights[:, None] * design) + np.diag(precision), dtype=np.float64)


def _covariance(
    curves: Sequence[Curve], logits: Floats, indicators: Floats, weights: Floats, clusters: Clusters
) -> Floats:
    """Return the covariance of all coefficients: a sandwich by clusters, and what drawing them to the model may have cost.

    Source:
        Liang and Zeger, Biometrika 73 (1986); the cost as the prior's own variance: Wahba, "Bayesian confidence intervals for
        the cross-validated smoothing spline", J. Royal Statistical Society B 45 (1983).
    """
    scores, inverses, precisions = [], [], []
    for curve, place in zip(curves, _places(indicators.shape[1]), strict=True):
        design, precision = curve.design(logits[:, place]), _precision(curve.bends)
        chances = _logistic(design @ curve.coefficients)
        scores.append((weights * (indicators[:, place] - chances))[:, None] * design)
        inverses.append(np.linalg.inv(_curvature(design, weights * chances * (1 - chances), precision)))
        precisions.append(precision)
    sums = clusters.sums_of_each(np.column_stack(scores))
    filling = sums.T @ sums * (clusters.count / max(clusters.count - 1, 1)) + np.diag(np.concatenate(precisions))
    whole = np.zeros_like(filling)
    at = 0
    for inverse in inverses:
        whole[at : at + len(inverse), at : at + len(inverse)] = inverse
        at += len(inverse)
    return np.asarray(whole @ filling @ whole, dtype=np.float64)

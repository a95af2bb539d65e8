"""From what a model says to how often it is so: probabilities held against actuals, and how well that is known.

A logistic regression on the logarithms of what the model gives, bent at up to four quantiles, and drawn towards what the model
says where rows are few: of two classes on the logit, of more on one curve for all with a constant for each. That beats one
curve for each class, made to add up to 1, by a long way: of ten classes (digits, a forest, 600 rows) these are 1.6 points too
unsure.

An isotonic regression follows any rise, but is a step function: how far off it is can be had by drawing samples only, of which
the usual ones fail at jumps (Kosorok, 2008). Here the error of every number that follows is a product of matrices.

Source:
    Platt, "Probabilistic outputs for support vector machines" (1999); one curve with constants: Alexandari, Kundaje and
    Shrikumar, "Maximum likelihood with bias-corrected calibration is hard-to-beat at label shift adaptation", ICML (2020).
"""

from dataclasses import dataclass, replace
from typing import Final, Self

import numpy as np

from shared.signals.performance.rows import Answers, Classified, Clusters, Floats, Integers
from shared.signals.performance.together import correlation, together_variance

FEWEST_ROWS: Final = 50
"""Rows below which nothing is calibrated."""

_MOST_BENDS: Final = 4
_ROWS_A_BEND: Final = 50
_SMALLEST: Final = 1e-6
_CONSTANTS_PRECISION: Final = 0.01
_CURVE_PRECISION: Final = 1.0
_STEPS: Final = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Recalibration:
    """What rows with actuals say of a model's probabilities.

    Attributes:
        classes: of the model.
        bends: where the curve bends, in logits of the positive class, or logarithms of any class where there are more than two.
        ends: the lowest and the highest of these that it was fitted to; beyond, the curve stays.
        watched: the lowest and the highest probability calibrated: of the positive class, or of the answer.
        coefficients: the constants, the slope, and by how much it changes at each bend.
        covariance: of the coefficients.
        together: how alike actuals of one cluster stray from their probabilities: the correlation of two of them.
        rows: how many it was fitted to.
    """

    classes: tuple[str, ...]
    bends: Floats
    ends: tuple[float, float]
    watched: tuple[float, float]
    coefficients: Floats
    covariance: Floats
    together: float
    rows: int

    @classmethod
    def of(cls, rows: Classified) -> Self:
        """Hold probabilities against actuals.

        Memory is rows x classes x (classes + 5) numbers: some thousand rows are enough.

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
        logs = _logs(answers.probabilities)
        ends, bends = (float(logs.min()), float(logs.max())), _bends(logs)
        design = _design(logs, bends)
        as_said, precision = _prior(len(answers.classes), len(bends))
        coefficients = _fit(design, rows.indicators, weights, as_said, precision)
        watched = _watched(answers)
        fitted = cls(
            classes=answers.classes,
            bends=bends,
            ends=ends,
            watched=(float(watched.min()), float(watched.max())),
            coefficients=coefficients,
            covariance=_covariance(design, rows.indicators, weights, coefficients, precision, clusters),
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
        design = _design(np.clip(_logs(answers.probabilities), *self.ends), self.bends)
        probabilities = _chances(design, self.coefficients)
        return Recalibrated(recalibration=self, answers=answers, design=design, probabilities=probabilities)

    def share_outside(self, answers: Answers) -> float:
        """Return the share of rows whose probability is lower or higher than any that was calibrated.

        Less what of as many further rows like those calibrated would be: of ``n``, two in ``n + 1``.
        """
        watched = _watched(answers)
        outside = (watched < self.watched[0]) | (watched > self.watched[1])
        share = float(np.dot(outside, answers.each_weight) / answers.each_weight.sum())
        return max(share - 2 / (self.rows + 1), 0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recalibrated:
    """Rows without actuals, and how likely each class is to turn out.

    Attributes:
        recalibration: what said so.
        answers: the rows.
        design: what its coefficients are of, shape (rows, classes, coefficients).
        probabilities: shape (rows, classes).
    """

    recalibration: Recalibration
    answers: Answers
    design: Floats
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
        mean = (by_actual * self.probabilities).sum(axis=1, keepdims=True)
        gradient = np.einsum("rc,rcp->p", self.probabilities * (by_actual - mean), self.design)
        return float(gradient @ self.recalibration.covariance @ gradient)

    def strays(self, actual: Integers) -> tuple[Floats, Floats]:
        """Return how far actuals are from their probability, and the standard deviation of that by chance.

        Of two classes it is the positive one's; of more, the answer's.
        """
        column = np.ones(len(actual), np.int64) if len(self.recalibration.classes) == 2 else self.answers.predicted
        chance = self.probabilities[np.arange(len(actual)), column]
        return (actual == column) - chance, np.sqrt(chance * (1 - chance))


def _watched(answers: Answers) -> Floats:
    """Return the probability of the positive class, or of the answer where there are more than two."""
    assert answers.probabilities is not None  # noqa: S101 - asked at every edge
    if len(answers.classes) == 2:
        return np.asarray(answers.probabilities[:, 1], dtype=np.float64)
    return np.asarray(answers.probabilities[np.arange(len(answers)), answers.predicted], dtype=np.float64)


def _logs(probabilities: Floats) -> Floats:
    """Return the logit of the positive class, shape (rows, 1), or the logarithm of every class, shape (rows, classes)."""
    logs = np.log(np.clip(probabilities, _SMALLEST, 1.0))
    return np.asarray(logs[:, 1:] - logs[:, :1] if probabilities.shape[1] == 2 else logs, dtype=np.float64)


def _bends(logs: Floats) -> Floats:
    """Return where the curve may bend: at quantiles, fewer where rows are few or values repeat."""
    low, high = float(logs.min()), float(logs.max())
    inside = logs[(logs > low) & (logs < high)]
    wanted = min(_MOST_BENDS, len(logs) // _ROWS_A_BEND)
    return np.unique(np.quantile(inside, np.arange(1, wanted + 1) / (wanted + 1))) if len(inside) else np.array([])


def _design(logs: Floats, bends: Floats) -> Floats:
    """Return what the coefficients are of, shape (rows, classes, coefficients); of two classes the first has none."""
    curve = np.concatenate([logs[:, :, None], np.maximum(logs[:, :, None] - bends, 0.0)], axis=2)
    if logs.shape[1] == 1:
        positive = np.concatenate([np.ones_like(logs)[:, :, None], curve], axis=2)
        return np.concatenate([np.zeros_like(positive), positive], axis=1)
    constants = np.broadcast_to(np.eye(logs.shape[1]), (len(logs), logs.shape[1], logs.shape[1]))
    return np.concatenate([constants, curve], axis=2)


def _prior(classes: int, bends: int) -> tuple[Floats, Floats]:
    """Return the coefficients by which the model is right, and how strongly each is drawn there."""
    constants = 1 if classes == 2 else classes
    as_said = np.zeros(constants + 1 + bends)
    as_said[constants] = 1.0
    precision = np.full(len(as_said), _CURVE_PRECISION)
    precision[:constants] = _CONSTANTS_PRECISION
    return as_said, precision


def _chances(design: Floats, coefficients: Floats) -> Floats:
    scores = design @ coefficients
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True), dtype=np.float64)


def _fit(design: Floats, actuals: Floats, weights: Floats, as_said: Floats, precision: Floats) -> Floats:
    """Return the coefficients, by Newton's method on the penalised likelihood, which is concave."""

    def objective(coefficients: Floats) -> float:
        likely = (actuals * _chances(design, coefficients)).sum(axis=1)
        away = coefficients - as_said
        return float(np.dot(weights, np.log(np.maximum(likely, 1e-300))) - np.dot(precision, away * away) / 2)

    coefficients, reached = as_said, objective(as_said)
    for _ in range(_STEPS):
        chances = _chances(design, coefficients)
        slope = np.einsum("rc,rcp->p", weights[:, None] * (actuals - chances), design)
        step = np.linalg.solve(
            _curvature(design, chances, weights, precision), slope - precision * (coefficients - as_said)
        )
        length = 1.0
        while objective(coefficients + length * step) < reached and length > 1e-6:
            length /= 2
        coefficients = coefficients + length * step
        gained, reached = objective(coefficients) - reached, objective(coefficients)
        if gained < 1e-9 * len(weights):
            break
    return coefficients


def _curvature(design: Floats, chances: Floats, weights: Floats, precision: Floats) -> Floats:
    rooted = np.sqrt(weights[:, None] * chances)[:, :, None] * design
    flat = rooted.reshape(-1, design.shape[2])
    means = np.sqrt(weights)[:, None] * np.einsum("rc,rcp->rp", chances, design)
    return np.asarray(flat.T @ flat - means.T @ means + np.diag(precision), dtype=np.float64)


def _covariance(
    design: Floats, actuals: Floats, weights: Floats, coefficients: Floats, precision: Floats, clusters: Clusters
) -> Floats:
    """Return the covariance of the coefficients: a sandwich by clusters, and what drawing them to the model may have cost.

    Source:
        Liang and Zeger, Biometrika 73 (1986); the cost as the prior's own variance: Wahba, "Bayesian confidence intervals for
        the cross-validated smoothing spline", J. Royal Statistical Society B 45 (1983).
    """
    chances = _chances(design, coefficients)
    inverse = np.linalg.inv(_curvature(design, chances, weights, precision))
    sums = clusters.sums_of_each(np.einsum("rc,rcp->rp", weights[:, None] * (actuals - chances), design))
    filling = sums.T @ sums * (clusters.count / max(clusters.count - 1, 1)) + np.diag(precision)
    return np.asarray(inverse @ filling @ inverse, dtype=np.float64)

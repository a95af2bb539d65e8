"""Is it worse than it was, and is one version better than another."""

import math
from dataclasses import dataclass

import numpy as np

from shared.signals.performance.estimate import LEVEL, Estimate, Metric, Unknown, of_number, quantile
from shared.signals.performance.predicting import MANY
from shared.signals.performance.rows import Clusters, Floats, Integers
from shared.signals.performance.spread import effective, standard_error
from shared.signals.performance.straying import Strays


@dataclass(frozen=True, slots=True, kw_only=True)
class Worsening:
    """By how much a metric is worse than it was.

    Attributes:
        metric: which.
        by: the difference in the direction that is bad: > 0 is worse, whichever way the metric is read.
        standard_error: of ``by``.
        p_value: the chance of at least as much where nothing changed.
        degrees: degrees of freedom of ``standard_error``.
    """

    metric: Metric
    by: float
    standard_error: float
    p_value: float
    degrees: float


def worsening(metric: Metric, reference: Estimate, current: Estimate, *, strays: Strays | None = None) -> Worsening:
    """Compare two periods whose rows are not the same.

    The error of either side is the reach of its interval towards the other: towards the truth that would make them equal.
    So 100 right of 100, which has no standard error, is still known not to be 1 for sure.

    Args:
        metric: which.
        reference: of the earlier period.
        current: of the later one.
        strays: how far such periods stray by themselves, which counts where it is more than what rows do; None is nothing.

    Source:
        Zou and Donner, "Construction of confidence limits about effect measures: a general approach", Statistics in Medicine
        27 (2008); degrees of freedom: Satterthwaite, Biometrics Bulletin 2 (1946).
    """
    sign = -1.0 if metric.higher_is_better else 1.0
    by = sign * (current.value - reference.value)
    errors = (
        _towards(reference, up=current.value > reference.value),
        _towards(current, up=current.value < reference.value),
    )
    error = math.hypot(*errors)
    degrees = MANY
    if error > 0:
        share = errors[0] ** 2 / error**2
        degrees = 1 / (share**2 / reference.degrees + (1 - share) ** 2 / current.degrees)
    if strays is not None and strays.variance > error**2:
        error, degrees = math.sqrt(strays.variance), strays.degrees
    p_value = _above(by / error, degrees) if error > 0 else float(by <= 0)
    return Worsening(metric=metric, by=by, standard_error=error, p_value=p_value, degrees=degrees)


def paired(
    champion_losses: Floats,
    challenger_losses: Floats,
    *,
    weights: Floats | None = None,
    clusters: Integers | None = None,
    level: float = LEVEL,
) -> Estimate | Unknown:
    """Return by how much the champion's mean loss is above the challenger's, on the same rows: > 0 is for the challenger.

    Each row is compared with itself, so that hard rows and easy ones, which both versions find hard and easy, cancel.

    Args:
        champion_losses: of each row, such as 1 for a wrong answer, its log loss or its squared error.
        challenger_losses: of the same rows in the same order.
        weights: how many rows each stands for, > 0.
        clusters: equal for rows that come together, such as the hour.
        level: how often the interval is to hold the truth.

    Raises:
        ValueError: the shapes differ.

    Source:
        Diebold and Mariano, "Comparing predictive accuracy", J. Business and Economic Statistics 13 (1995), with clusters in
        place of lags.
    """
    if champion_losses.shape != challenger_losses.shape:
        raise ValueError(f"{len(champion_losses)} losses against {len(challenger_losses)}")
    grouped = Clusters.of(clusters, rows=len(champion_losses))
    if grouped.count < 2:
        return Unknown("fewer than two rows, or clusters, were scored by both")
    given = np.ones(len(champion_losses)) if weights is None else weights
    shares = given / given.sum()
    differences = champion_losses - challenger_losses
    mean = float(np.dot(shares, differences))
    error = standard_error(shares * (differences - mean), grouped, design_effect=1.0)
    degrees = max(effective(grouped.sums(shares)) - 1, 1.0)
    return of_number(mean, error, rows=len(differences), degrees=degrees, level=level)


def sureness_of_better(difference: Estimate) -> float:
    """Return how sure it is that the challenger is better, from 0 to 1, by what ``paired`` found.

    One less the one-sided p-value; under a flat prior, the probability that the difference is above 0. Where all pairs
    differ by the same it is 0 or 1, and one half where they are equal.
    """
    if difference.standard_error == 0:
        return 0.5 if difference.value == 0 else float(difference.value > 0)
    return 1 - _above(difference.value / difference.standard_error, difference.degrees)


def _towards(side: Estimate, *, up: bool) -> float:
    reach = side.high - side.value if up else side.value - side.low
    return reach / quantile(side.level, side.degrees)


def _above(deviations: float, degrees: float) -> float:
    """Return the chance that Student's t exceeds ``deviations``."""
    from scipy.special import stdtr

    return float(stdtr(degrees, -deviations))

"""Is it worse than it was."""

import math
from dataclasses import dataclass

from shared.signals.performance.estimate import Estimate, Metric, quantile
from shared.signals.performance.predicting import MANY
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


def _towards(side: Estimate, *, up: bool) -> float:
    reach = side.high - side.value if up else side.value - side.low
    return reach / quantile(side.level, side.degrees)


def _above(deviations: float, degrees: float) -> float:
    """Return the chance that Student's t exceeds ``deviations``."""
    from scipy.special import stdtr

    return float(stdtr(degrees, -deviations))

"""What is known of one metric: a number with its interval, or why there is none."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TypeAlias

LEVEL: Final = 0.95
"""How often an interval holds the truth."""


class Metric(StrEnum):
    """What is measured; scikit-learn's definitions, but for the calibration error, which it has not.

    Where classes are more than two, precision, recall and F1 are the mean over the classes that have one.
    """

    ACCURACY = "accuracy"
    BALANCED_ACCURACY = "balanced_accuracy"
    PRECISION = "precision"
    RECALL = "recall"
    F1 = "f1"
    ROC_AUC = "roc_auc"
    LOG_LOSS = "log_loss"
    BRIER = "brier"
    CALIBRATION_ERROR = "calibration_error"
    MAE = "mae"
    RMSE = "rmse"
    R2 = "r2"
    QUANTILE_LOSS = "quantile_loss"

    @property
    def higher_is_better(self) -> bool:
        """Say in which direction it is good."""
        return self in SHARES or self is Metric.R2


SHARES: Final = frozenset(
    {Metric.ACCURACY, Metric.BALANCED_ACCURACY, Metric.PRECISION, Metric.RECALL, Metric.F1, Metric.ROC_AUC}
)
"""Those that lie between 0 and 1, and where 1 is best."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A number and how far off it may be.

    Attributes:
        value: the metric.
        low: lower end of the interval, ``value`` or less.
        high: upper end, ``value`` or more.
        standard_error: of ``value``, 0 where nothing varied; the interval is not symmetric, so it is not made of this alone.
        rows: how many rows it rests on, whatever their weights.
        degrees: degrees of freedom of Student's distribution, by which ``low`` and ``high`` were found.
        level: how often such an interval holds the truth.
    """

    value: float
    low: float
    high: float
    standard_error: float
    rows: int
    degrees: float
    level: float = LEVEL


@dataclass(frozen=True, slots=True)
class Unknown:
    """Why nothing can be said of a metric: one phrase for a person."""

    reason: str


Performance: TypeAlias = Mapping[Metric, Estimate | Unknown]
"""What is known of each metric that applies; others are not in it."""


def quantile(level: float, degrees: float) -> float:
    """Return how many standard errors to either side an interval of that ``level`` reaches.

    >>> round(quantile(0.95, 10), 3)
    2.228
    """
    from scipy.special import stdtrit

    return float(stdtrit(degrees, (1 + level) / 2))


def of_share(value: float, error: float, *, rows: int, effective: float, degrees: float, level: float) -> Estimate:
    """Return a number from 0 to 1 with Wilson's interval, for as many rows as a plain share of that error would have.

    It stays within 0 and 1 and holds near either. Where nothing varied, as when each answer was right, no error can be told
    from rows, and ``effective``, of them, are what the interval is for.

    Source:
        Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22 (1927); the number of rows by
        the error: Korn and Graubard, Survey Methodology 24 (1998).

    >>> found = of_share(1.0, 0.0, rows=100, effective=100, degrees=1e6, level=0.95)
    >>> round(found.low, 3), found.high
    (0.963, 1.0)
    """
    reach = quantile(level, degrees)
    inside = value * (1 - value)
    worth = inside / error**2 if error > 0 and inside > 0 else effective
    squared = reach * reach / worth
    middle = (value + squared / 2) / (1 + squared)
    half = math.sqrt(inside * squared + squared * squared / 4) / (1 + squared)
    low, high = max(min(middle - half, value), 0.0), min(max(middle + half, value), 1.0)
    return Estimate(value=value, low=low, high=high, standard_error=error, rows=rows, degrees=degrees, level=level)


def of_positive(value: float, error: float, *, rows: int, degrees: float, level: float) -> Estimate:
    """Return a number that cannot be below 0, with an interval that is symmetric in its logarithm.

    >>> found = of_positive(2.0, 0.2, rows=100, degrees=1e6, level=0.95)
    >>> round(found.low, 2), round(found.high, 2)
    (1.64, 2.43)
    """
    factor = math.exp(min(quantile(level, degrees) * error / value, 700.0)) if value > 0 else 1.0
    low, high = value / factor, value * factor
    return Estimate(value=value, low=low, high=high, standard_error=error, rows=rows, degrees=degrees, level=level)


def of_number(value: float, error: float, *, rows: int, degrees: float, level: float) -> Estimate:
    """Return a number of any size and sign with a symmetric interval."""
    half = quantile(level, degrees) * error
    low, high = value - half, value + half
    return Estimate(value=value, low=low, high=high, standard_error=error, rows=rows, degrees=degrees, level=level)

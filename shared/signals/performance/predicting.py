"""Where a metric of these very rows will lie once their actuals come, by its mean and its variance."""

import math

from shared.signals.performance.estimate import Estimate, of_number

MANY: float = 1e9
"""Degrees of freedom of a normal distribution."""


def of_future_share(value: float, variance: float, *, rows: int, step: float, level: float) -> Estimate:
    """Return what a share from 0 to 1 will be: a beta distribution of that mean and variance.

    Args:
        value: what is expected.
        variance: of the share about it.
        rows: how many there are.
        step: by how much one row may change it; half of that is added to both ends, since shares of few rows jump.
        level: how often the interval is to hold the share.
    """
    from scipy.special import betaincinv

    inside = value * (1 - value)
    worth = inside / variance - 1 if variance > 0 else math.inf
    if worth <= 0:
        low, high = 0.0, 1.0
    elif math.isinf(worth):
        low = high = value
    else:
        ends = (1 - level) / 2, (1 + level) / 2
        low, high = (float(betaincinv(worth * value, worth * (1 - value), end)) for end in ends)
    return Estimate(
        value=value,
        low=max(min(low - step / 2, value), 0.0),
        high=min(max(high + step / 2, value), 1.0),
        standard_error=math.sqrt(variance),
        rows=rows,
        degrees=MANY,
        level=level,
    )


def of_future_loss(value: float, variance: float, *, rows: int, level: float) -> Estimate:
    """Return what a mean of losses, none below 0, will be: a gamma distribution of that mean and variance."""
    from scipy.special import gammaincinv

    if value <= 0 or variance <= 0:
        return of_number(value, math.sqrt(max(variance, 0.0)), rows=rows, degrees=MANY, level=level)
    shape = value * value / variance
    low, high = (float(gammaincinv(shape, end)) * value / shape for end in ((1 - level) / 2, (1 + level) / 2))
    return Estimate(
        value=value,
        low=min(low, value),
        high=max(high, value),
        standard_error=math.sqrt(variance),
        rows=rows,
        degrees=MANY,
        level=level,
    )

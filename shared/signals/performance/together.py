"""Rows of one cluster stray together from what is expected of each: how much, and what that makes of a sum of them."""

import numpy as np

from shared.signals.performance.rows import Clusters, Floats, Integers


def correlation(strays: Floats, spreads: Floats, clusters: Clusters) -> float:
    """Return how alike rows of one cluster stray, from 0 to 1: products of pairs over what they would be if all were alike.

    Args:
        strays: of each row, how far it is from what was expected, of either sign.
        spreads: of each row, the standard deviation of that.
        clusters: of the rows; where each is its own, they are alike by 0.

    >>> clusters = Clusters(np.array([0, 0, 1, 1]), 2)
    >>> correlation(np.array([1.0, 1.0, -1.0, -1.0]), np.ones(4), clusters)
    1.0
    """
    found = float(np.square(clusters.sums(strays)).sum() - np.square(strays).sum())
    most = float(np.square(clusters.sums(spreads)).sum() - np.square(spreads).sum())
    return min(max(found / most, 0.0), 1.0) if most > 0 else 0.0


def together_variance(strays: Floats, clusters: Integers | None, together: float) -> float:
    """Return the variance of a sum of numbers with these standard deviations, correlated by ``together`` within a cluster."""
    apart = float(np.square(strays).sum())
    if clusters is None or together == 0:
        return apart
    sums = Clusters.of(clusters, rows=len(strays)).sums(strays)
    return (1 - together) * apart + together * float(np.square(sums).sum())

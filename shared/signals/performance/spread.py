"""How far a metric may be off, by how much each row moves it.

The delta method: a metric that rows move by ``u``, which adds up to 0, has the variance of a sum of ``u``. Rows of one
cluster are added up first, so that it holds however they hang together.
"""

import math

import numpy as np

from shared.signals.performance.rows import Clusters, Floats


def standard_error(moves: Floats, clusters: Clusters, *, design_effect: float) -> float:
    """Return the standard error of a metric that each row moves by one of ``moves``.

    Args:
        moves: shape (rows,), adding up to 0: the derivative by the row's weight, times that weight.
        clusters: of the rows, two or more.
        design_effect: rows that are worth one independent row, where clusters do not say so.

    Source:
        Liang and Zeger, "Longitudinal data analysis using generalized linear models", Biometrika 73 (1986); influence
        functions: Hampel, "The influence curve and its role in robust estimation", JASA 69 (1974).
    """
    sums = clusters.sums(moves)
    return math.sqrt(float(np.dot(sums, sums)) * clusters.count / (clusters.count - 1) * design_effect)


def effective(weights: Floats) -> float:
    """Return how many equally weighted rows (or clusters) are worth as much.

    Source:
        Kish, "Survey Sampling" (1965); of clusters: Carter, Schnepel and Steigerwald, "Asymptotic behavior of a t-test
        robust to cluster heterogeneity", Review of Economics and Statistics 99 (2017).

    >>> effective(np.array([1.0, 1.0, 1.0, 1.0]))
    4.0
    """
    return float(weights.sum() ** 2 / np.dot(weights, weights))

"""By how much probabilities are off, on average: the expected calibration error."""

import math
from typing import Final

import numpy as np

from shared.signals.performance.estimate import Estimate, Unknown, quantile
from shared.signals.performance.rows import Classified, Clusters, Floats, Integers
from shared.signals.performance.spread import effective, standard_error

BINS: Final = 10


def calibration_error(
    rows: Classified, clusters: Clusters, *, level: float, design_effect: float
) -> Estimate | Unknown:
    """Return the mean distance of probabilities from what turned out, over ten bins of equal weight.

    Of two classes it is the probability of the positive one; of more, that of the answer, against how often it is right.
    Equal probabilities share a bin.

    Chance alone makes the number larger, never smaller: where probabilities are perfect, ten bins of 100 rows give 0.04. So
    the lower end takes off the sum, over bins, of what chance adds to each, while the upper end adds what it may have taken
    off the sum. By the triangle's inequality both hold whatever the truth is.

    Source:
        Naeini, Cooper and Hauskrecht, "Obtaining well calibrated probabilities using Bayesian binning", AAAI (2015); the
        answer's class: Guo et al., "On calibration of modern neural networks", ICML (2017); equal weight: Nixon et al.,
        "Measuring calibration in deep learning", CVPR workshops (2019).
    """
    answers = rows.answers
    if answers.probabilities is None:
        return Unknown("the model gives no probabilities")
    places = np.arange(len(rows))
    if len(answers.classes) == 2:
        given, happened = answers.probabilities[:, 1], (rows.actual == 1).astype(np.float64)
    else:
        given = answers.probabilities[places, answers.predicted]
        happened = (rows.actual == answers.predicted).astype(np.float64)
    weights = answers.each_weight / answers.each_weight.sum()
    bins = _bins(given, weights)
    gaps = np.bincount(bins, weights=weights * (happened - given))
    masses = np.bincount(bins, weights=weights)
    value = float(np.abs(gaps).sum())
    moves = weights * (np.sign(gaps)[bins] * (happened - given) - value)
    error = standard_error(moves, clusters, design_effect=design_effect)
    inside = weights * (happened - given - (gaps / masses)[bins])
    errors = np.array(
        [
            standard_error(np.where(bins == one, inside, 0.0), clusters, design_effect=design_effect)
            for one in range(len(gaps))
        ]
    )
    degrees = max(effective(clusters.sums(weights)) - 1, 1.0)
    reach = quantile(level, degrees)
    by_chance = math.sqrt(2 / math.pi) * float(errors.sum()) + reach * math.sqrt(1 - 2 / math.pi) * _norm(errors)
    return Estimate(
        value=value,
        low=max(value - by_chance, 0.0),
        high=min(value + reach * max(error, _norm(errors)), 1.0),
        standard_error=error,
        rows=len(rows),
        degrees=degrees,
        level=level,
    )


def _norm(errors: Floats) -> float:
    return math.sqrt(float(np.dot(errors, errors)))


def _bins(values: Floats, weights: Floats) -> Integers:
    """Return of each value the place of its bin; equal values share the one that the middle of their weight falls into."""
    places = np.unique(values, return_inverse=True)[1]
    masses = np.bincount(places, weights=weights)
    middles = np.cumsum(masses) - masses / 2
    # rounded, or the last digit of a sum would choose the bin of a middle that lies between two
    wanted = np.minimum(np.round(middles * BINS, 9).astype(np.int64), BINS - 1)
    return np.unique(wanted, return_inverse=True)[1][places].astype(np.int64)

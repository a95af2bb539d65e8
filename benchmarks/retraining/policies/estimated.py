"""By the accuracy that is estimated without actuals: NannyML's rule."""

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.retraining.games import Policy, Rule, Seen

_REFERENCE: Final = 6
"""Periods, the fewest that NannyML's documentation advises."""

_DEVIATIONS: Final = 3.0


def _begin() -> Policy:
    """Return a policy that swaps when the estimated accuracy of the newest period is far below the reference.

    The reference is the champion's first six periods: once their actuals are known, its probabilities are calibrated on
    them, and the limit is the mean less three standard deviations of their realised accuracy. Until then there is no
    answer. The estimate is the mean calibrated probability that an answer is right, over all rows of the period.

    Source:
        NannyML 0.13.1, confidence_based/metrics.py: the limit of ``StandardDeviationThreshold``, taken over the realised
        accuracy of the chunks of the reference; isotonic calibration, here always and not only where it helps.
    """
    references: dict[int, tuple[Callable[[NDArray[np.float32]], NDArray[np.float64]], float]] = {}

    def has_fallen(seen: Seen) -> bool:
        champion = seen.champion
        if seen.known_periods < champion + _REFERENCE:
            return False
        if champion not in references:
            references[champion] = _reference(seen)
        calibrated, limit = references[champion]
        answered = seen.answers(champion, seen.now - 1)
        positive = calibrated(seen.probabilities(champion, seen.now - 1))
        return bool(np.where(answered, positive, 1.0 - positive).mean() < limit)

    return has_fallen


def _reference(seen: Seen) -> tuple[Callable[[NDArray[np.float32]], NDArray[np.float64]], float]:
    """Return what calibrates the champion's probabilities, and the least accuracy that is expected."""
    from sklearn.isotonic import IsotonicRegression

    champion = seen.champion
    periods = range(champion, champion + _REFERENCE)
    asked = np.concatenate([seen.probabilities(champion, period)[seen.known(period)] for period in periods])
    actuals = np.concatenate([seen.actuals(period) for period in periods])
    accuracies = 1.0 - seen.losses[champion, champion : champion + _REFERENCE]
    limit = float(np.nanmean(accuracies) - _DEVIATIONS * np.nanstd(accuracies))
    return IsotonicRegression(out_of_bounds="clip").fit(asked, actuals).predict, limit


CBPE: Final = Rule(name="CBPE - 3 sd", begin=_begin)

"""How far windows of a version stray by themselves: by the day, the weather, the customers of that day.

Rows of one window hang together in ways that no error of rows, nor of hours, knows. What windows differ by, a further one
differs by as well. While there are few of them nobody knows how much that is; they are then taken to stray by ``USUALLY``, and
the fewer there are the further a window must be off.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from shared.signals.performance.estimate import Estimate

USUALLY: Final = 0.02
"""Windows of a version stray by about two points, or hundredths."""

_AS_IF: Final = 4.0
"""That is believed like what so many windows, and one, have shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Strays:
    """What a further window differs by from the mean of those before, though nothing changed: ``variance`` of that."""

    variance: float
    degrees: float


def strays(windows: Sequence[Estimate], before: Estimate, now: Estimate, *, unit: float = 1.0) -> Strays:
    """Return how far a window strays from those before it.

    Args:
        windows: as long as the one that is looked at, sharing no rows; none are few as well.
        before: of all rows before.
        now: of the window that is looked at, for what chance makes of so many rows.
        unit: what ``USUALLY`` is a share of.

    Source:
        Moderated t-statistics: Smyth, "Linear models and empirical Bayes methods for assessing differential expression in
        microarray experiments", Statistical Applications in Genetics and Molecular Biology 3 (2004), with the prior stated.

    >>> windows = [Estimate(value=v, low=v, high=v, standard_error=0.0, rows=9, degrees=8) for v in (0.7, 0.8, 0.9)]
    >>> found = strays(windows, windows[1], windows[1])
    >>> round(found.variance, 6), found.degrees
    (0.0048, 6.0)
    """
    count = len(windows)
    by_prior = now.standard_error**2 + (USUALLY * unit) ** 2
    free = max(count - 1, 0)
    found = float(np.var([one.value for one in windows], ddof=1)) if free else 0.0
    variance = (_AS_IF * by_prior + free * found) / (_AS_IF + free)
    of_mean = variance / count if count else before.standard_error**2
    return Strays(variance=variance + of_mean, degrees=_AS_IF + free)

"""How far windows of a version stray by themselves: by the day, the weather, the customers of that day.

Rows of one window hang together in ways that no error of rows, nor of hours, knows. What windows differ by, beyond what
their own errors account for, a further one differs by as well.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from shared.signals.performance.estimate import Estimate

FEWEST_WINDOWS: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Strays:
    """What a further window adds to the error of its difference from the mean of those before.

    Attributes:
        variance: of that, beyond what rows account for; 0 where they account for all.
        degrees: degrees of freedom of ``variance``.
    """

    variance: float
    degrees: float


def strays(windows: Sequence[Estimate]) -> Strays | None:
    """Return how far windows that share no rows stray; None where there are fewer than three.

    Source:
        The variance between studies by moments: Hedges and Olkin, "Statistical Methods for Meta-Analysis" (1985), chapter 9.

    >>> windows = [Estimate(value=v, low=v, high=v, standard_error=0.1, rows=9, degrees=8) for v in (0.0, 1.0, 2.0)]
    >>> round(strays(windows).variance, 4)
    1.32
    """
    if len(windows) < FEWEST_WINDOWS:
        return None
    found = float(np.var([one.value for one in windows], ddof=1))
    by_rows = float(np.mean([one.standard_error**2 for one in windows]))
    return Strays(variance=max(found - by_rows, 0.0) * (1 + 1 / len(windows)), degrees=len(windows) - 1)

"""Sums of many numbers, exact, so that neither their order nor the machine changes a digit.

Source:
    Numbers of like exponents are added up as integers, and those sums as integers of any length: the long accumulator of
    Kulisch and Miranker, "The arithmetic of the digital computer: a new approach", SIAM Review 28 (1986).
"""

from dataclasses import dataclass
from fractions import Fraction
from typing import Final

import numpy as np
from numpy.typing import NDArray

_SMALLEST: Final = 1_074 + 53
"""Every float is a multiple of 2**-1074; ``frexp`` gives mantissas below 1, hence the digits of one on top."""

_HALF: Final = 27
_MOST: Final = 1 << 25
"""So many halves of mantissas add up to less than 2**53, in whatever order."""


@dataclass(slots=True)
class Total:
    """The sum of ``count`` numbers, in units of 2**-1127."""

    count: int = 0
    _sum: int = 0

    def add_floats(self, values: NDArray[np.float64]) -> None:
        """Add finite floats."""
        for start in range(0, len(values), _MOST):
            self._add(values[start : start + _MOST])
        self.count += len(values)

    def add_integers(self, values: NDArray[np.int64]) -> None:
        """Add integers, up to 2**31 of them at once."""
        upper = int((values >> 32).sum())
        lower = int((values & 0xFFFFFFFF).sum())
        self._sum += ((upper << 32) + lower) << _SMALLEST
        self.count += len(values)

    @property
    def mean(self) -> float | None:
        """Return the float that is nearest to the mean; None of nothing."""
        return float(Fraction(self._sum, self.count << _SMALLEST)) if self.count else None

    def _add(self, values: NDArray[np.float64]) -> None:
        mantissas, exponents = np.frexp(values)
        whole = np.ldexp(mantissas, 53).astype(np.int64)
        lowest = int(exponents.min(initial=0))
        places = exponents - lowest
        upper = np.bincount(places, weights=whole >> _HALF)
        lower = np.bincount(places, weights=whole & ((1 << _HALF) - 1))
        for place, (high, low) in enumerate(zip(upper.tolist(), lower.tolist(), strict=True)):
            self._sum += ((int(high) << _HALF) + int(low)) << (place + lowest + _SMALLEST - 53)

"""The profile of one number."""

from typing import Annotated, Final, Self

import msgspec
import numpy as np
from numpy.typing import NDArray

from shared.profiles.bins import NumericBins
from shared.profiles.columns import Numbers
from shared.profiles.counts import Counts, Packed, add, pack, total, unpack

Rows = Annotated[int, msgspec.Meta(ge=0)]

ONE: Final = 2**20
"""The unit of the fixed point: sums count in millionths of a standard deviation, roughly."""

CLIP: Final = 8.0
"""Standardised values are cut off here, so that one absurd value cannot carry a sum away."""


class NumericProfile(msgspec.Struct, frozen=True, kw_only=True, tag="numeric"):
    """What is known of one number over a window.

    Attributes:
        missing: rows without a value, NaN included.
        not_finite: rows with an infinity; they are in no bin and no sum.
        packed: the finite values over the version's bins, in the short form of ``counts``.
        minimum: the smallest finite value, None where there is none.
        maximum: the largest, likewise.
        sum: of standardised values, clipped to 8 standard deviations each, in units of 2**-20.
        squares: of their squares, in the same unit.
    """

    missing: Rows = 0
    not_finite: Rows = 0
    packed: Packed = ()
    minimum: float | None = None
    maximum: float | None = None
    sum: int = 0
    squares: Rows = 0

    @classmethod
    def of(cls, column: Numbers, bins: NumericBins) -> Self:
        """Profile one column."""
        values = column.values
        standardised = _standardised(values, bins)
        return cls(
            missing=column.missing,
            not_finite=column.not_finite,
            packed=pack(bins.count(values)),
            minimum=float(values[0]) if len(values) else None,
            maximum=float(values[-1]) if len(values) else None,
            sum=_fixed_sum(standardised),
            squares=_fixed_sum(standardised * standardised),
        )

    def merge(self, other: Self) -> Self:
        """Return the profile of both windows together; the bins must be the same, which is for the caller to know."""
        return type(self)(
            missing=self.missing + other.missing,
            not_finite=self.not_finite + other.not_finite,
            packed=add(self.packed, other.packed),
            minimum=min((m for m in (self.minimum, other.minimum) if m is not None), default=None),
            maximum=max((m for m in (self.maximum, other.maximum) if m is not None), default=None),
            sum=self.sum + other.sum,
            squares=self.squares + other.squares,
        )

    def counts(self, bins: NumericBins) -> Counts:
        """Return finite values per bin, shape (len(bins.edges) + 1,)."""
        return unpack(self.packed, bins=len(bins.edges) + 1)

    @property
    def values(self) -> int:
        """Return how many finite values there are."""
        return total(self.packed)

    def moments(self) -> tuple[float, float]:
        """Return mean and variance (ddof 1, 0 for one value) of the standardised values, which are cut off at 8.

        Of no values: 0 and 0.
        """
        rows = self.values
        if not rows:
            return 0.0, 0.0
        mean = self.sum / ONE / rows
        # in integers until the last division: the difference of two large floats would lose a small variance
        spread = self.squares * rows * ONE - self.sum**2
        return mean, max(spread, 0) / (rows * max(rows - 1, 1) * ONE**2)


def _standardised(values: NDArray[np.float64], bins: NumericBins) -> NDArray[np.float64]:
    with np.errstate(over="ignore"):  # an overflow is an infinity, and clipped
        return np.clip((values - bins.mean) / bins.scale, -CLIP, CLIP)


def _fixed_sum(values: NDArray[np.float64]) -> int:
    """Round each value to fixed point, then add: rounding the sum instead would depend on what is added together."""
    return int(np.rint(values * ONE).astype(np.int64).sum())

"""The joint profile: how features go together, which no feature shows alone.

Two kinds of sums over a window's rows, all of whole numbers:

* **Waves**: cosines and sines of 128 random angles, the random Fourier features of a Gaussian kernel. The maximum mean
  discrepancy of two windows is the length of the difference of their means, whatever is different between them.
* **Products** of every two axes (and the axes themselves), from which each window's correlations come. A kernel sees all
  of a row at once, and what one pair of fifty does is a small part of that.

Both are needed. Measured on normal features of which two turn their correlation from +rho to -rho, 2,000 rows against
20,000, the squared discrepancy as a multiple of what chance alone gives, and how often it is sure (p < 1e-5, ten draws):

    features  rho   128 dense waves   512 dense    three widths   waves of 2 features   of 3 features
    10        0.3   4.1x   10 of 10   3.7x   10    3.3x   10      3.1x   7              3.2x   10
    50        0.5   1.5x    4 of 10   1.4x    7    1.3x    1      1.2x   1              1.1x    2
    50        0.8   2.2x   10 of 10   2.1x   10    1.8x    8      1.7x   1              1.5x    2

Four times the waves, several widths, or waves that each look at two or three features only, are no better than 128 dense
ones over half the median distance of two rows (the whole median distance: 0, 1 and 7 of ten in 50 features). The largest
change of one correlation of 1,225, however, stands 24 standard deviations out at 50 features and rho = 0.3.

Source:
    Rahimi and Recht, "Random features for large-scale kernel machines", NIPS 2007; Gretton et al., "A kernel two-sample
    test", JMLR 13 (2012), also for the median distance as a width.
"""

from typing import Final, Self, TypeAlias

import msgspec
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from shared.profiles.blocks import product, squared
from shared.profiles.columns import floats, indexed, missing
from shared.profiles.joint_bins import CLIP, STEPS, TURN, Coordinate, CoordinateKind, Floats, JointBins, number_of

WAVE: Final = 2**8
"""The unit of the fixed point of cosines and sines."""

PRODUCT: Final = STEPS * STEPS
"""The unit of the fixed point of products."""

_ROWS_AT_ONCE: Final = 8192
_ANGLES = 4096
_ANGLE_BITS = (TURN // _ANGLES).bit_length() - 1
_COSINES = np.rint(np.cos(np.arange(_ANGLES) * (2 * np.pi / _ANGLES)) * WAVE).astype(np.int16)
_SINES = np.roll(_COSINES, _ANGLES // 4)

Sums: TypeAlias = tuple[int, ...]


class JointProfile(msgspec.Struct, frozen=True, kw_only=True):
    """Sums over the rows of a window; all empty without rows.

    Attributes:
        waves: of the cosines of 128 angles, then of their sines, in units of 2**-8.
        axes: of each axis, in units of 1/32.
        products: of every two axes, an axis with itself too, by rows of the upper triangle, in units of 2**-10.
    """

    waves: Sums = ()
    axes: Sums = ()
    products: Sums = ()

    @classmethod
    def of(cls, table: pa.Table, bins: JointBins) -> Self:
        """Sum up the rows of a table."""
        if not (table.num_rows and bins.coordinates):
            return cls()
        turning = bins.waves()
        waves = np.zeros(2 * turning.shape[1], dtype=np.int64)
        axes = np.zeros(bins.axes, dtype=np.int64)
        products = np.zeros((bins.axes, bins.axes), dtype=np.int64)
        for start in range(0, table.num_rows, _ROWS_AT_ONCE):
            rows = points(table.slice(start, _ROWS_AT_ONCE), bins)
            waves += _waves(rows, turning)
            axes += rows.sum(axis=0).astype(np.int64)
            products += squared(rows).astype(np.int64)
        upper = products[np.triu_indices(bins.axes)]
        return cls(waves=tuple(waves.tolist()), axes=tuple(axes.tolist()), products=tuple(upper.tolist()))

    def merge(self, other: Self) -> Self:
        """Return the profile of both windows together; the bins must be the same, which is for the caller to know."""
        return type(self)(
            waves=_add(self.waves, other.waves),
            axes=_add(self.axes, other.axes),
            products=_add(self.products, other.products),
        )

    def characteristic(self, rows: int) -> NDArray[np.complex128]:
        """Return the mean of each wave over so many rows, at least one, as a complex number; shape (waves,).

        Those are values of the characteristic function of the distribution the rows come from.
        """
        cosines, sines = np.array(self.waves, dtype=np.float64).reshape(2, -1) / (WAVE * rows)
        means: NDArray[np.complex128] = cosines + 1j * sines
        return means

    def correlations(self, rows: int) -> Floats:
        """Return the correlation of every two axes over so many rows, at least one; shape (axes, axes).

        NaN for an axis that has the same value in every row.
        """
        return correlations_of(self.covariances(rows))

    def means(self, rows: int) -> Floats:
        """Return the mean of each axis over so many rows, at least one; shape (axes,)."""
        return np.array(self.axes, dtype=np.float64) / (STEPS * rows)

    def covariances(self, rows: int) -> Floats:
        """Return the covariance of every two axes over so many rows, at least one; shape (axes, axes)."""
        means = self.means(rows)
        moments = np.zeros((len(means), len(means)))
        moments[np.triu_indices(len(means))] = np.array(self.products, dtype=np.float64) / (PRODUCT * rows)
        covariances: Floats = moments + np.triu(moments, k=1).T - np.outer(means, means)
        return covariances


def scales_of(covariances: Floats) -> Floats:
    """Return the standard deviation of each axis, NaN where it is constant; shape (axes,)."""
    variances = covariances.diagonal()
    # a constant's variance may come out as some 1e-17; one row in a thousand that is one step away makes 1e-6
    scales: Floats = np.sqrt(np.where(variances > 1e-12, variances, np.nan))
    return scales


def correlations_of(covariances: Floats) -> Floats:
    """Return the correlation of every two axes, NaN with one that is constant; shape (axes, axes)."""
    scales = scales_of(covariances)
    correlations: Floats = np.clip(covariances / np.outer(scales, scales), -1.0, 1.0)
    return correlations


def points(table: pa.Table, bins: JointBins) -> Floats:
    """Return each row of a table along the axes, in whole steps; shape (rows, axes)."""
    rows = np.empty((table.num_rows, len(bins.coordinates)))
    for index, coordinate in enumerate(bins.coordinates):
        rows[:, index] = standardised(
            raw(table, coordinate.feature, coordinate.kind, seed=bins.seed, draw=coordinate.draw), coordinate
        )
    return bins.fold(rows)


def raw(table: pa.Table, feature: str, kind: CoordinateKind, *, seed: str, draw: int = 0) -> Floats:
    """Return one coordinate of each row, NaN where the feature is missing; shape (rows,)."""
    if kind is CoordinateKind.NUMBER:
        return floats(table, feature)
    if kind is CoordinateKind.MISSING:
        return missing(table, feature).astype(np.float64)
    indices, values = indexed(table, feature)
    numbers = np.array([*(number_of(seed, feature, value, draw=draw) for value in values), np.nan])
    return numbers[indices]


def standardised(values: Floats, coordinate: Coordinate) -> Floats:
    """Return values in whole steps, what is missing as 0."""
    with np.errstate(over="ignore"):  # an overflow is an infinity, and clipped
        deviations = np.clip((values - coordinate.mean) / coordinate.scale, -CLIP, CLIP)
    return np.rint(np.nan_to_num(deviations, copy=False) * STEPS)


def _waves(rows: Floats, turning: Floats) -> NDArray[np.int64]:
    """Look cosines and sines up: a library's may differ in the last digit between processors, and round otherwise."""
    angles = product(rows, turning).astype(np.int64) >> _ANGLE_BITS & _ANGLES - 1
    return np.concatenate([table[angles].sum(axis=0, dtype=np.int64) for table in (_COSINES, _SINES)])


def _add(a: Sums, b: Sums) -> Sums:
    if not (a and b):
        return a or b
    return tuple(one + other for one, other in zip(a, b, strict=True))

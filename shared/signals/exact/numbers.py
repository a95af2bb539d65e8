"""One number, compared row by row."""

import math
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from shared.profiles.columns import Numbers
from shared.profiles.counts import Counts
from shared.profiles.cutting import tenth_edges
from shared.signals.drift import jensen_shannon_distance, mean_shift, psi
from shared.signals.exact.comparison import Comparison, Side
from shared.signals.exact.distances import apart
from shared.signals.exact.shares import missing_share_increase
from shared.signals.significance import effective_rows, ks_p_value, mean_shift_p_value

Floats = NDArray[np.float64]

_LARGE: Final = 2.0**300
_UNIT: Final = 2.0**600
_BLOCK: Final = 32_768


@dataclass(frozen=True, slots=True, kw_only=True)
class NumericBaseline:
    """A baseline that was looked at once, to compare any number of windows with.

    Attributes:
        side: its rows.
        values: finite, sorted, in the ``unit``, shape (values,).
        unit: what the values were multiplied by, so that sums of squares are neither too large nor too small for floats:
            a power of two, 1 except for numbers as large or small as no measurement is.
        mean: of the values.
        variance: of the values (ddof 0).
        edges: where they are cut into tenths.
        tenths: how many lie in each.
    """

    side: Side
    values: Floats
    unit: float
    mean: float
    variance: float
    edges: Floats
    tenths: Counts

    @classmethod
    def of(cls, column: Numbers) -> Self:
        """Prepare a baseline."""
        values, unit = column.values, _unit(column.values)
        if unit != 1:
            values = values * unit
        if not len(values):
            return cls(
                side=_side(column), values=values, unit=unit, mean=0.0, variance=0.0,
                edges=np.empty(0), tenths=np.zeros(1, dtype=np.int64),
            )  # fmt: skip
        edges, mean = tenth_edges(values), float(np.mean(values))
        return cls(
            side=_side(column),
            values=values,
            unit=unit,
            mean=mean,
            variance=_variance(values, mean),
            edges=edges,
            tenths=_over(edges, values),
        )

    @property
    def scale(self) -> float:
        """Return the standard deviation, or 1 where it is zero, as ``NumericBins`` has it."""
        return math.sqrt(self.variance) or self.unit

    def compare(self, feature: str, column: Numbers, *, design_effect: float) -> Comparison:
        """Compare a window with it; what is undefined is left out, and nothing is raised."""
        side = _side(column)
        missing, missing_p_value = missing_share_increase(self.side, side, design_effect=design_effect)
        metrics: dict[str, float | None] = {"missing_share_increase": missing}
        p_values: dict[str, float | None] = {"missing_share_increase": missing_p_value}
        unknown = _nothing(self.side, side)
        if unknown is None:
            found, chances = self._measure(column.values, design_effect=design_effect)
            metrics |= found
            p_values |= chances
        return Comparison(
            feature=feature,
            kind="number",
            baseline=self.side,
            current=side,
            metrics={name: value for name, value in metrics.items() if value is not None and math.isfinite(value)},
            p_values={name: value for name, value in p_values.items() if value is not None and math.isfinite(value)},
            unknown=unknown,
        )

    def _measure(
        self, values: Floats, *, design_effect: float
    ) -> tuple[dict[str, float | None], dict[str, float | None]]:
        n, m = len(self.values), len(values)
        with np.errstate(over="ignore", invalid="ignore"):  # a window may be absurd where the baseline is not
            if self.unit != 1:
                values = values * self.unit
            found = apart(self.values, values)
            tenths = self.tenths, _over(self.edges, values)
            mean = float(np.mean(values))
            shift = mean_shift(self.mean, mean, scale=self.scale)
            variances = [
                variance / self.scale**2 * rows / max(rows - 1, 1)
                for variance, rows in ((self.variance, n), (_variance(values, mean), m))
            ]
        return {
            "psi": psi(*tenths),
            "jensen_shannon_distance": jensen_shannon_distance(*tenths),
            "ks": found.ks,
            "wasserstein_normalised": found.area / self.scale,
            "mean_shift": shift,
        }, {
            "ks": ks_p_value(found.ks, rows=effective_rows(n, m, design_effect=design_effect)),
            "mean_shift": mean_shift_p_value(shift, (variances[0], variances[1]), (n, m), design_effect=design_effect),
        }


def _side(column: Numbers) -> Side:
    rows = len(column.values) + column.missing + column.not_finite
    return Side(rows=rows, missing=column.missing, not_finite=column.not_finite)


def _nothing(baseline: Side, current: Side) -> str | None:
    if not baseline.values:
        return "the baseline holds no value to compare with"
    return None if current.values else "there is no value to compare"


def _over(edges: Floats, values: Floats) -> Counts:
    return np.diff(np.searchsorted(values, edges, side="right"), prepend=0, append=len(values))


def _variance(values: Floats, mean: float) -> float:
    """Return the variance (ddof 0); exactly 0 where all values are one, which rounding of the mean would hide.

    A block at a time: numpy.var makes an array as large as the values, and asking for its memory takes longer than the sum.
    """
    if values[0] == values[-1]:
        return 0.0
    apart = np.empty(min(len(values), _BLOCK))
    squares = 0.0
    for begin in range(0, len(values), _BLOCK):
        block = values[begin : begin + _BLOCK]
        off = np.subtract(block, mean, out=apart[: len(block)])
        squares += float(np.sum(np.multiply(off, off, out=off)))
    return squares / len(values)


def _unit(values: Floats) -> float:
    largest = max(abs(values[0]), abs(values[-1])) if len(values) else 1.0
    if largest > _LARGE:
        return 1 / _UNIT
    return _UNIT if 0 < largest < 1 / _LARGE else 1.0

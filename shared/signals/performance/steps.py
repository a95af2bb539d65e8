"""A column as steps: of which bin of numbers, or of which category, each row is."""

from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from shared.signals.performance.rows import Floats

_BINS: Final = 10
_TAILS: Final = (0.02, 0.05, 0.95, 0.98)
"""Quantiles that are edges too: rows that move come out of the middle, and into the ends."""

_MOST_CATEGORIES: Final = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class Steps:
    """How one column is cut.

    Attributes:
        edges: of a number, between bins; the bins are one more, and what is missing is one of its own.
        low: the lowest number there was, ``high`` the highest.
        categories: of a text, the commonest; all others are one of their own.
        known: every category there was.
        has_missing: whether numbers were missing.
    """

    edges: Floats | None = None
    low: float = 0.0
    high: float = 0.0
    categories: NDArray[np.str_] | None = None
    known: NDArray[np.str_] | None = None
    has_missing: bool = False

    @classmethod
    def of(cls, column: Floats | NDArray[np.str_], *, bins: int = _BINS) -> Self:
        """Cut a number at its quantiles, into ``bins`` and four tails or fewer; a text into its commonest values."""
        if column.dtype.kind not in "fiub":
            known, counts = np.unique(column.astype(np.str_), return_counts=True)
            common = known[np.argsort(-counts, kind="stable")[:_MOST_CATEGORIES]]
            return cls(categories=np.sort(common), known=known)
        numbers = column.astype(np.float64)
        present = numbers[~np.isnan(numbers)]
        has_missing = len(present) < len(numbers)
        if not len(present):
            return cls(edges=np.array([]), has_missing=has_missing)
        edges = np.unique(np.quantile(present, [*(np.arange(1, bins) / bins), *_TAILS]))
        low, high = float(present.min()), float(present.max())
        return cls(edges=edges[edges > low], low=low, high=high, has_missing=has_missing)

    def indicators(self, column: Floats | NDArray[np.str_]) -> Floats:
        """Return 1 for the step a row is on and 0 for others, shape (rows, steps)."""
        if self.categories is not None:
            names = column.astype(np.str_)
            places = np.minimum(np.searchsorted(self.categories, names), len(self.categories) - 1)
            places = np.where(self.categories[places] == names, places, len(self.categories))
            return np.eye(len(self.categories) + 1)[places]
        assert self.edges is not None  # noqa: S101 - a column is one or the other
        numbers = column.astype(np.float64)
        # NaN is sorted behind everything
        bins = np.searchsorted(self.edges, numbers, side="right")
        return np.eye(len(self.edges) + 2)[np.where(np.isnan(numbers), len(self.edges) + 1, bins)]

    def outside(self, column: Floats | NDArray[np.str_]) -> NDArray[np.bool_]:
        """Say of each row whether it is beyond what there was: a further number, a new category, the first missing one."""
        if self.known is not None:
            return ~np.isin(column.astype(np.str_), self.known)
        numbers = column.astype(np.float64)
        beyond = (numbers < self.low) | (numbers > self.high)
        return np.asarray(np.where(np.isnan(numbers), not self.has_missing, beyond), dtype=np.bool_)

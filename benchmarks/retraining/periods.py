"""Rows with their actuals, cut into periods of equally many."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float32]
Flags: TypeAlias = NDArray[np.bool_]

_SEED = 5


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Periods:
    """What arrives, period by period.

    Attributes:
        rows: shape (periods, rows, features); NaN is missing, a category is its number.
        actuals: whether a row turned out positive, shape (periods, rows).
        categorical: which features are categories.
    """

    rows: Floats
    actuals: Flags
    categorical: tuple[int, ...] = ()

    @classmethod
    def cut(cls, rows: Floats, actuals: Flags, size: int, *, categorical: Sequence[int] = ()) -> Self:
        """Cut rows into periods of ``size``; what is left at the end is dropped."""
        periods = len(rows) // size
        return cls(
            rows=rows[: periods * size].reshape(periods, size, -1),
            actuals=actuals[: periods * size].reshape(periods, size),
            categorical=tuple(categorical),
        )

    def permuted(self) -> Self:
        """Return the same rows in an order of chance, always the same one: nothing drifts any more."""
        rows, actuals = self.rows.reshape(-1, self.rows.shape[-1]), self.actuals.ravel()
        order = np.random.default_rng(_SEED).permutation(len(rows))
        return replace(
            self, rows=rows[order].reshape(self.rows.shape), actuals=actuals[order].reshape(self.actuals.shape)
        )

    def __len__(self) -> int:
        return len(self.rows)


def some_of_each(sizes: Sequence[int], size: int) -> NDArray[np.int64]:
    """Return which rows a sample keeps, in their order: ``size`` of each group, always the same ones.

    Args:
        sizes: how many rows each group has, one group after the other.
        size: how many are kept of each.

    Raises:
        ValueError: a group has fewer.
    """
    rng = np.random.default_rng(_SEED)
    starts = np.cumsum([0, *sizes])
    kept = [start + np.sort(rng.choice(rows, size, replace=False)) for start, rows in zip(starts, sizes, strict=False)]
    return np.concatenate(kept)

"""The windows that were looked at, as numbers."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Looks:
    """Windows of one version, of one length, oldest first.

    Attributes:
        values: their contrasts, shape (looks, columns); NaN where a feature had no value.
        filled: the share of rows that had a value, likewise.
        rows: how many rows each has, shape (looks,), > 0.
        slots: which of the moments that repeat with the season each ends at, shape (looks,); from 0 on.
        blocks: which stretch of one window's length each ends in, shape (looks,), never falling. Looks of one block share
            most of their rows, so that together they are one chance of a false alarm.
    """

    values: Floats
    filled: Floats
    rows: NDArray[np.int64]
    slots: NDArray[np.int64]
    blocks: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def block_count(self) -> int:
        """Return how many blocks they are of."""
        return len(np.unique(self.blocks))

    def where(self, chosen: NDArray[np.bool_]) -> "Looks":
        """Return some of them."""
        return Looks(
            self.values[chosen], self.filled[chosen], self.rows[chosen], self.slots[chosen], self.blocks[chosen]
        )

    def of_columns(self, chosen: NDArray[np.int64]) -> "Looks":
        """Return them with some of their columns."""
        return Looks(self.values[:, chosen], self.filled[:, chosen], self.rows, self.slots, self.blocks)

    def then(self, later: "Looks") -> "Looks":
        """Return these and later ones, of whose blocks none is among these."""
        return Looks(*(np.concatenate(both) for both in zip(_parts(self), _parts(later), strict=True)))

    def block_ends(self) -> NDArray[np.bool_]:
        """Return which are the last of their block: those share no rows; shape (looks,)."""
        return np.append(np.diff(self.blocks) != 0, True)[: len(self)]


def _parts(looks: Looks) -> tuple[NDArray[Any], ...]:
    return looks.values, looks.filled, looks.rows, looks.slots, looks.blocks

"""Products of matrices on one thread.

From some size on, the library behind ``@`` spreads one product over all processors, and the threads wait for each other by
spinning: where others need the processors too, sealing took ten times as much of them. So a product is made of
blocks that are each too small for that. Exact for whole numbers that stay below 2**53.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_MOST_MULTIPLICATIONS: Final = 200_000
"""OpenBLAS stays on one thread up to 2**18."""


def product(rows: Floats, matrix: Floats) -> Floats:
    """Return ``rows @ matrix``, a block of rows at a time."""
    size = max(_MOST_MULTIPLICATIONS // matrix.size, 1)
    blocks, rest = _blocks(rows, size)
    whole = (blocks @ matrix).reshape(-1, matrix.shape[1])
    return np.concatenate((whole, rest @ matrix)) if len(rest) else whole


def squared(rows: Floats) -> Floats:
    """Return ``rows.T @ rows``, a block of rows at a time."""
    size = max(_MOST_MULTIPLICATIONS // rows.shape[1] ** 2, 1)
    blocks, rest = _blocks(rows, min(size, 256))
    made: Floats = (blocks.swapaxes(1, 2) @ blocks).sum(axis=0) + rest.T @ rest
    return made


def _blocks(rows: Floats, size: int) -> tuple[Floats, Floats]:
    """Return rows as whole blocks, shape (blocks, size, columns), and those that are left."""
    whole = len(rows) // size * size
    return rows[:whole].reshape(-1, size, rows.shape[1]), rows[whole:]

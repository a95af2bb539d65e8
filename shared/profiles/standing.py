"""Rows that stand for different numbers of others, and a fair sample of what they stand for.

A profile counts rows, and whoever judges it takes each for one observation. Were a row counted as often as it weighs, every
test would believe in rows that nobody saw, and find drift in chance.
"""

import hashlib

import numpy as np
from numpy.typing import NDArray


def fair(weights: NDArray[np.float64], *, seed: str) -> NDArray[np.bool_]:
    """Return which rows to keep, so that each that is kept stands for as many; shape (rows,).

    Each is kept by chance, as probable as its weight is of the largest. So what is kept is distributed as what all rows
    stand for, to a hair and whatever is counted of it, and is made of observations that are each their own. The price is
    the rows that are not kept. Of equal weights all are, and of weights that are all 0 none.

    Args:
        weights: how much each row stands for, >= 0, in any unit.
        seed: what chance is drawn from: the same seed and weights keep the same rows.

    Source:
        von Neumann, "Various techniques used in connection with random digits", NBS Applied Mathematics Series 12 (1951):
        rejection.

    >>> fair(np.array([3.0, 0.0, 3.0]), seed="").tolist()
    [True, False, True]
    """
    if not weights.any():
        return np.zeros(len(weights), dtype=bool)
    words = np.frombuffer(hashlib.sha256(seed.encode()).digest(), dtype="<u4")
    drawn = np.random.default_rng(words.tolist()).random(len(weights))  # each below 1
    kept: NDArray[np.bool_] = drawn < weights / weights.max()
    return kept

"""Which of some ids are equal to which of others: hundreds of thousands at a time, as numbers."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from shared.sealing.tables.external import Keys
from shared.sealing.tables.packed import Ids

Places = NDArray[np.int64]

_ODD: Final = np.uint64(0x9E3779B97F4A7C15)


def equal_keys(left: Keys, right: Keys) -> tuple[Places, Places]:
    """Return where equal keys stand on the left and on the right: every pair of them, in the order of the left.

    >>> [places.tolist() for places in equal_keys(np.array([7, 5], "u8"), np.array([5, 9, 5], "u8"))]
    [[1, 1], [0, 2]]
    """
    order = np.argsort(right, kind="stable")
    ordered = right[order]
    first = np.searchsorted(ordered, left, side="left")
    times = np.searchsorted(ordered, left, side="right") - first
    of_left = np.repeat(np.arange(len(left)), times)
    nth = np.arange(len(of_left)) - np.repeat(np.cumsum(times) - times, times)
    return of_left, order[np.repeat(first, times) + nth]


def equal_ids(left: Ids, right: Ids) -> tuple[Places, Places]:
    """Return where equal ids stand, as ``equal_keys`` does.

    Ids whose halves were made up to mix to one number would cost time, and be told apart all the same.
    """
    of_left, of_right = equal_keys(_mixed(left), _mixed(right))
    same = (left[of_left] == right[of_right]).all(axis=1)
    return of_left[same], of_right[same]


def rare(keys: Keys, most: int) -> NDArray[np.bool_]:
    """Return of each key whether it stands there so many times at most; shape (keys,).

    >>> rare(np.array([7, 5, 7, 7], "u8"), 2).tolist()
    [False, True, False, False]
    """
    _, which, times = np.unique(keys, return_inverse=True, return_counts=True)
    found: NDArray[np.bool_] = times[which] <= most
    return found


def has_any(ordered: Keys, low: int, high: int) -> bool:
    """Whether one of some keys, which are in order, is from ``low`` to ``high``, both included."""
    first, last = np.searchsorted(ordered, np.array([low, high], dtype=np.uint64), side="left")
    return bool(first < len(ordered) and (first < last or ordered[first] <= np.uint64(high)))


def _mixed(ids: Ids) -> Keys:
    return ids[:, 0] * _ODD ^ ids[:, 1]

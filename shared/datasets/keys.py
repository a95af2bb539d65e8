"""Texts as 64 bits each: what only has to be told apart, or put in an order that says nothing, takes no more memory."""

import hashlib
from typing import Final, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

Keys: TypeAlias = NDArray[np.uint64]

_SEEDS: Final = hashlib.shake_256(b"driftline dataset keys")
_MIX: Final = ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB))


def keys(values: pa.ChunkedArray) -> Keys:
    """Return a key for the text of each value, shape (values,); the same on every machine, whatever stands beside it.

    Each byte is multiplied by a number of its place, and the sum is mixed: two texts have the same key once in 2**57 pairs.
    That of a missing text is that of an empty one.

    Source:
        Dietzfelbinger et al., "A reliable randomized algorithm for the closest-pair problem", J. Algorithms 25 (1997).
    """
    if not len(values):
        return np.empty(0, dtype=np.uint64)
    whole = pc.fill_null(values.cast(pa.large_string()).combine_chunks(), "")
    _, offsets, letters = whole.buffers()
    at = np.frombuffer(offsets, np.int64)[whole.offset : whole.offset + len(whole) + 1]
    codes = np.frombuffer(letters or b"", np.uint8)[at[0] : at[-1]].astype(np.uint64) + np.uint64(1)
    lengths = np.diff(at)
    factors = _factors(int(lengths.max()))
    if (lengths == lengths[0]).all():
        sums = (codes.reshape(len(values), -1) * factors).sum(axis=1, dtype=np.uint64)
    else:
        starts = at[:-1] - at[0]
        products = codes * factors[np.arange(len(codes)) - np.repeat(starts, lengths)]
        # sums wrap around, and so do their differences
        running = np.concatenate((np.zeros(1, dtype=np.uint64), np.cumsum(products, dtype=np.uint64)))
        sums = running[starts + lengths] - running[starts]
    return mixed(sums)


def mixed(numbers: Keys) -> Keys:
    """Return each number in an order that says nothing of the one before: the end of SplitMix64, which is one to one.

    Source:
        Steele, Lea and Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014.
    """
    for shift, factor in _MIX:
        numbers = (numbers ^ numbers >> np.uint64(shift)) * np.uint64(factor)
    return numbers ^ numbers >> np.uint64(31)


def _factors(places: int) -> Keys:
    return np.frombuffer(_SEEDS.digest(8 * places), dtype="<u8").astype(np.uint64)

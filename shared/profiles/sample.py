"""A few rows of a window, drawn by their ids: for people who want to see what was asked.

Those with the smallest hashes of their ids are taken. That is a fair draw, because a hash says nothing of its row; and the
smallest of two windows together are among the smallest of each, so that samples merge. Rows are what was captured: what
privacy keeps from being captured is not in here. Whoever erases a row has to make the profiles again that hold it.
"""

import hashlib
import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Final, Self, TypeAlias

import msgspec
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from shared.profiles.columns import texts_of_length

ROWS: Final = 32
"""So many rows are kept: of 50 features at full precision they take 300 bytes a feature."""

MOST_CHARACTERS: Final = 64
"""Longer texts are cut off here, and end in an ellipsis."""

Value: TypeAlias = int | float | bool | str | None

_LENGTH = 36
_WORDS = _LENGTH // 4
_FACTORS = np.frombuffer(hashlib.shake_256(b"sample").digest(8 * _WORDS), dtype="<u8").astype(np.uint64) | np.uint64(1)
_MIX: Final = ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB))


class SampledRow(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """One row.

    Attributes:
        hash: of the id, by which it was drawn.
        id: the prediction's.
        values: of the features and then the outputs, in the order of the bins; None for what is missing or no number.
    """

    hash: int
    id: str
    values: tuple[Value, ...]


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    """The rows of a window with the smallest hashes, smallest first."""

    rows: tuple[SampledRow, ...] = ()

    @classmethod
    def of(cls, table: pa.Table, columns: list[str]) -> Self:
        """Draw rows of a table; none where it has no ``_id``, as training data has not."""
        if "_id" not in table.column_names or not table.num_rows:
            return cls()
        hashed = hashes(table.column("_id"))
        places = np.argpartition(hashed, ROWS - 1)[:ROWS] if len(hashed) > ROWS else np.arange(len(hashed))
        # not pa.array, which imports pandas
        some = table.take(pa.Array.from_buffers(pa.int64(), len(places), [None, pa.py_buffer(places)]))
        ids = some.column("_id").to_pylist()
        cells = [_cells(some, name) for name in columns]
        rows = zip(hashed[places].tolist(), ids, zip(*cells, strict=True) if cells else [()] * len(ids), strict=True)
        return cls(rows=_smallest([SampledRow(hash=drawn, id=one, values=tuple(row)) for drawn, one, row in rows]))

    def merge(self, other: Self) -> Self:
        """Return the sample of both windows together."""
        return type(self)(rows=_smallest((*self.rows, *other.rows)))


def hashes(ids: pa.ChunkedArray) -> NDArray[np.uint64]:
    """Return 64 bits for each id, shape (ids,): multiply and shift, then the end of SplitMix64.

    A hash that a library computes one by one would take as long as everything else in a profile together.

    Source:
        Dietzfelbinger et al., "A reliable randomized algorithm for the closest-pair problem", J. Algorithms 25 (1997);
        Steele, Lea and Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014.
    """
    letters = texts_of_length(ids, _LENGTH)
    if letters is None:
        told = b"".join(map(_of_usual_length, ids.to_pylist()))
        letters = np.frombuffer(told, dtype=np.uint8).reshape(-1, _LENGTH)
    words = letters.view("<u4").astype(np.uint64)
    hashed: NDArray[np.uint64] = (words * _FACTORS).sum(axis=1, dtype=np.uint64)
    for shift, factor in _MIX:
        hashed = (hashed ^ hashed >> np.uint64(shift)) * np.uint64(factor)
    return hashed ^ hashed >> np.uint64(31)


def _of_usual_length(text: str) -> bytes:
    told = text.encode()
    return told if len(told) == _LENGTH else hashlib.blake2b(told, digest_size=_LENGTH // 2).hexdigest().encode()


def _smallest(rows: Sequence[SampledRow]) -> tuple[SampledRow, ...]:
    drawn = sorted(rows, key=lambda row: (row.hash, row.id))[: ROWS + 1]
    if any(one.id == other.id for one, other in pairwise(drawn)):
        # Sealing lets no id through twice; if it did, those rows would be in the order of merging.
        drawn = sorted(rows, key=lambda row: (row.hash, row.id, msgspec.json.encode(row.values)))
    return tuple(drawn[:ROWS])


def _cells(table: pa.Table, name: str) -> list[Value]:
    index = table.schema.get_field_index(name)
    return [None] * table.num_rows if index < 0 else [_cell(value) for value in table.column(index).to_pylist()]


def _cell(value: Any) -> Value:  # noqa: ANN401 - whatever is in a column
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, str) and len(value) > MOST_CHARACTERS:
        return f"{value[:MOST_CHARACTERS]}…"
    return value if isinstance(value, int | str) else None

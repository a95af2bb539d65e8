"""Values, and whole rows of them, as 64 bits each: equal ones are found by sorting numbers.

Two that differ have the same fingerprint once in 2**57 pairs or so. Among ten million rows that happens once in a few
thousand datasets; among a thousand million it would have to be looked at.
"""

from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from shared.datasets.files import DatasetFiles
from shared.datasets.keys import Keys, keys, mixed

Places = NDArray[np.int64]

_ODD: Final = np.uint64(0x9E3779B97F4A7C15)
_MISSING: Final = np.uint64(0x6A09E667F3BCC909)


def fingerprints(column: pa.ChunkedArray) -> Keys:
    """Return the fingerprint of each value, shape (rows,): of texts, numbers, booleans and times; null has its own.

    Numbers are told apart as numbers: 0.0 and -0.0 are one, and so are all NaN. A value of another type has another.
    """
    chunks = [_of_chunk(chunk) for chunk in column.chunks]
    return np.concatenate(chunks) if chunks else np.empty(0, dtype=np.uint64)


def of_rows(rows: pa.Table) -> Keys:
    """Return the fingerprint of each row, shape (rows,): of its values in the order of their columns."""
    together = np.zeros(rows.num_rows, dtype=np.uint64)
    for column in rows.columns:
        together = mixed(together * _ODD + fingerprints(column))
    return together


def of_parts(files: DatasetFiles, names: Sequence[str], *, splits: Iterable[str] | None = None) -> Keys:
    """Return the fingerprint of each row of a dataset over these columns, eight bytes a row and no more."""
    found = [of_rows(batch) for batch in files.batches(names, splits=splits)]
    return np.concatenate(found) if found else np.empty(0, dtype=np.uint64)


def places(asked: Keys, among: Keys) -> Places:
    """Return of each fingerprint where it stands among others, -1 where it does not, shape (asked,).

    Both are sorted: looked for in their own order, each of ten million is a wait for memory.

    >>> places(np.array([7, 5, 8], "u8"), np.array([5, 9, 7], "u8")).tolist()
    [2, 0, -1]
    """
    if not len(among):
        return np.full(len(asked), -1)
    order, turn = np.argsort(among), np.argsort(asked)
    ordered = among[order]
    at = np.empty(len(asked), dtype=np.int64)
    at[turn] = np.minimum(np.searchsorted(ordered, asked[turn]), len(among) - 1)
    found: Places = np.where(ordered[at] == asked, order[at], -1)
    return found


def repeated(found: Keys) -> NDArray[np.bool_]:
    """Return of each fingerprint whether another row has it as well, shape (rows,).

    >>> repeated(np.array([7, 5, 7], "u8")).tolist()
    [True, False, True]
    """
    order = np.argsort(found)
    ordered = found[order]
    as_before = ordered[1:] == ordered[:-1]
    is_repeated = np.zeros(len(found), dtype=np.bool_)
    is_repeated[order[1:][as_before]] = True
    is_repeated[order[:-1][as_before]] = True
    return is_repeated


def is_null(column: pa.ChunkedArray) -> NDArray[np.bool_]:
    """Return of each value whether there is none, shape (rows,)."""
    return flags(column.is_null())


def flags(column: pa.ChunkedArray) -> NDArray[np.bool_]:
    """Return booleans, none of them null, as numpy has them: Arrow's own way imports pandas."""
    whole = column.cast(pa.uint8()).combine_chunks()
    return np.from_dlpack(whole).astype(np.bool_) if len(whole) else np.empty(0, dtype=np.bool_)


def _of_chunk(chunk: pa.Array) -> Keys:
    if not len(chunk):
        return np.empty(0, dtype=np.uint64)
    if pa.types.is_dictionary(chunk.type):
        of_values = np.append(_of_chunk(chunk.dictionary), _MISSING)
        indices = pc.fill_null(chunk.indices.cast(pa.int64()), len(chunk.dictionary))
        found: Keys = of_values[np.from_dlpack(indices)]
        return found
    of_chunk = _of_values(chunk)
    if chunk.null_count:
        of_chunk[is_null(pa.chunked_array([chunk]))] = _MISSING
    return of_chunk


def _of_values(chunk: pa.Array) -> Keys:
    if pa.types.is_string(chunk.type) or pa.types.is_large_string(chunk.type):
        return keys(pa.chunked_array([chunk]))
    if pa.types.is_floating(chunk.type):
        # adding 0.0 makes -0.0 of no sign
        values = np.add(np.from_dlpack(pc.fill_null(chunk.cast(pa.float64()), 0.0)), 0.0, dtype=np.float64)
        values[np.isnan(values)] = np.nan
        return mixed(values.view(np.uint64) ^ _ODD)
    whole = pc.fill_null(chunk.cast(pa.int64()), 0)
    return mixed(np.from_dlpack(whole).view(np.uint64))

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
        places = pc.fill_null(chunk.indices.cast(pa.int64()), len(chunk.dictionary))
        found: Keys = of_values[np.from_dlpack(places)]
        return found
    of_chunk = _of_values(chunk)
    if chunk.null_count:
        of_chunk[is_null(pa.chunked_array([chunk]))] = _MISSING
    return of_chunk


def _of_values(chunk: pa.Array) -> Keys:
    if pa.types.is_string(chunk.type) or pa.types.is_large_string(chunk.type):
        return keys(chunk)
    if pa.types.is_floating(chunk.type):
        # adding 0.0 makes -0.0 of no sign
        values = np.add(np.from_dlpack(pc.fill_null(chunk.cast(pa.float64()), 0.0)), 0.0, dtype=np.float64)
        values[np.isnan(values)] = np.nan
        return mixed(values.view(np.uint64) ^ _ODD)
    whole = pc.fill_null(chunk.cast(pa.int64()), 0)
    return mixed(np.from_dlpack(whole).view(np.uint64))

"""An index of external ids: in which rows of a file one may be, without a look at its rows.

A file of its own beside the rows, because rows are in another order and a text of theirs may be long: 64 bits stand for
each. Two texts may have the same, so whoever finds a row by its key still compares the text.
"""

import hashlib
import io
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

KEY: Final = "key"
ROW: Final = "row"

_ROW_GROUP_ROWS: Final = 8_192
"""So few that a lookup of some keys reads little, and so many that one of all keys is not a thousand reads."""

Keys = NDArray[np.uint64]


def keys(external_ids: pa.ChunkedArray) -> Keys:
    """Return the key of each text, of which none is missing: the first 64 bits of its SHA-256.

    >>> hex(keys(pa.chunked_array([["abc"]]))[0])
    '0xba7816bf8f01cfea'
    """
    digests = b"".join(hashlib.sha256(one.encode()).digest()[:8] for one in external_ids.to_pylist())
    return np.frombuffer(digests, dtype=">u8").astype(np.uint64)


def index(rows: pa.Table) -> bytes | None:
    """Return the index of rows in the order they are stored, as Parquet in the order of keys; None where none has one.

    The same rows give the same index, so that whoever finishes a sealing writes what was written before.
    """
    found, at = entries(rows.column("_external_id"))
    return _file(found, at) if len(at) else None


def entries(external_ids: pa.ChunkedArray) -> tuple[Keys, NDArray[np.int64]]:
    """Return what an index of texts, of which some may be missing, says: keys in order, and at which row each stands."""
    at = np.flatnonzero(external_ids.is_valid().to_numpy())
    found = keys(external_ids.drop_null())
    order = np.lexsort((at, found))
    return found[order], at[order]


def empty() -> bytes:
    """Return an index that says of no row that it has an external id."""
    return _file(np.empty(0, dtype=np.uint64), np.empty(0, dtype=np.int64))


def _file(found: Keys, at: NDArray[np.int64]) -> bytes:
    table = pa.table({KEY: found, ROW: at.astype(np.uint32)})
    buffer = io.BytesIO()
    pq.write_table(
        table, buffer, compression="zstd", compression_level=3, use_dictionary=False, row_group_size=_ROW_GROUP_ROWS
    )
    return buffer.getvalue()

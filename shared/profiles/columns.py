"""One column of a table at a time, as what profiles count.

Arrow's ``to_numpy`` is avoided: it imports pandas, which every scaled-out instance would pay for.
"""

import math
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from shared.errors import InvalidSchema

T = TypeVar("T", np.float64, np.int64)


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbers:
    """A numeric column: its finite ``values`` sorted, shape (values,), and how many rows were something else."""

    values: NDArray[np.float64]
    missing: int
    not_finite: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """A column of strings or booleans: rows by distinct value, and how many rows had none."""

    counts: dict[str, int]
    missing: int


def numbers(table: pa.Table, name: str) -> Numbers:
    """Read column ``name`` as float64; null and NaN are missing, infinities are counted apart.

    A column that is not there is missing in every row: one lost feature must not stop the others.

    Raises:
        InvalidSchema: the column holds something that is no number.
    """
    return sorted_numbers(_column(table, name), name)


def sorted_numbers(column: pa.ChunkedArray, name: str) -> Numbers:
    """Read a column as ``numbers`` does.

    Raises:
        InvalidSchema: it holds something that is no number.
    """
    try:
        flat = column.cast(pa.float64(), safe=False).combine_chunks()
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise InvalidSchema(feature=name, reason=f"a column of {column.type} holds no numbers") from error
    values = _with_nan(flat)
    values.sort()
    # sorting leaves what is not finite at the ends: infinities on both, NaN last
    first = np.searchsorted(values, -np.inf, side="right")
    end, not_missing = np.searchsorted(values, (np.inf, np.nan))
    finite = values[first:end]
    # -0.0 equals 0.0, and would leave minima to the order of merging
    finite[np.searchsorted(finite, 0.0) : np.searchsorted(finite, 0.0, side="right")] = 0.0
    return Numbers(
        values=finite,
        missing=len(values) - int(not_missing),
        not_finite=int(not_missing) - len(finite),
    )


def _with_nan(flat: pa.Array) -> NDArray[np.float64]:
    """Return a copy of the values with NaN for null: half the work of leaving the nulls out, since sorting needs a copy."""
    held, data = flat.buffers()
    rows = slice(flat.offset, flat.offset + len(flat))
    values = np.frombuffer(data, dtype=np.float64)[rows].copy() if len(flat) else np.empty(0)
    if flat.null_count:
        bits = np.unpackbits(np.frombuffer(held, dtype=np.uint8), bitorder="little", count=rows.stop)[rows]
        np.putmask(values, bits == 0, np.nan)
    return values


def words(table: pa.Table, name: str) -> Words:
    """Count column ``name`` by distinct value as text (``true`` and ``false`` for booleans); null is missing.

    A column that is not there is missing in every row.

    Raises:
        InvalidSchema: the column holds something that has no text.
    """
    column = _column(table, name)
    counted = pc.value_counts(column.drop_null())
    try:
        values = counted.field("values").cast(pa.string()).to_pylist()
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise InvalidSchema(feature=name, reason=f"a column of {column.type} holds no text") from error
    return Words(
        counts=dict(zip(values, counted.field("counts").to_pylist(), strict=True)),
        missing=column.null_count,
    )


def floats(table: pa.Table, name: str) -> NDArray[np.float64]:
    """Read column ``name`` row by row as float64, null as NaN; shape (rows,).

    Raises:
        InvalidSchema: the column holds something that is no number.
    """
    column = _column(table, name)
    try:
        values = column.cast(pa.float64(), safe=False)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise InvalidSchema(feature=name, reason=f"a column of {column.type} holds no numbers") from error
    read = _filled(values.combine_chunks(), np.dtype(np.float64))
    return np.where(missing(table, name), math.nan, read) if values.null_count else read


def indexed(table: pa.Table, name: str) -> tuple[NDArray[np.int64], list[str]]:
    """Read column ``name`` row by row as places in a list of its distinct values as text, -1 for null; shape (rows,).

    Raises:
        InvalidSchema: the column holds something that has no text.
    """
    column = _column(table, name)
    whole = column.combine_chunks()
    coded = whole if pa.types.is_dictionary(whole.type) else whole.dictionary_encode()
    try:
        values = coded.dictionary.cast(pa.string()).to_pylist()
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise InvalidSchema(feature=name, reason=f"a column of {column.type} holds no text") from error
    indices = coded.indices.cast(pa.int64())
    read = _filled(indices, np.dtype(np.int64))
    return np.where(missing(table, name), -1, read) if indices.null_count else read, values


def missing(table: pa.Table, name: str) -> NDArray[np.bool_]:
    """Return of each row whether column ``name`` is null or NaN; shape (rows,)."""
    column = _column(table, name)
    nulls = column.is_null(nan_is_null=pa.types.is_floating(column.type)).combine_chunks()
    return _filled(nulls.cast(pa.int64()), np.dtype(np.int64)).astype(np.bool_)


def texts_of_length(column: pa.ChunkedArray, length: int) -> NDArray[np.uint8] | None:
    """Return the bytes of a column of texts without null, shape (rows, length); None if one has another length."""
    parts: list[NDArray[np.uint8]] = []
    for chunk in column.chunks:
        _, offsets, text = chunk.buffers()
        at = np.frombuffer(offsets, dtype=np.int32)[chunk.offset : chunk.offset + len(chunk) + 1]
        if not bool((np.diff(at) == length).all()):
            return None
        if len(chunk):
            parts.append(np.frombuffer(text, dtype=np.uint8)[at[0] : at[-1]].reshape(-1, length))
    return np.concatenate(parts)


def _filled(values: pa.Array, kind: np.dtype[T]) -> NDArray[T]:
    """Return an array's values with anything where it has null: Arrow's own filling imports pandas."""
    _, buffer = values.buffers()
    if buffer is None:
        return np.zeros(len(values), dtype=kind)
    return np.frombuffer(buffer, dtype=kind)[values.offset : values.offset + len(values)]


def _column(table: pa.Table, name: str) -> pa.ChunkedArray:
    index = table.schema.get_field_index(name)
    return table.column(index) if index >= 0 else pa.chunked_array([pa.nulls(table.num_rows)])

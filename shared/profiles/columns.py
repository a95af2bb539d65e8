"""One column of a table at a time, as what profiles count.

Arrow's ``to_numpy`` is avoided: it imports pandas, which every scaled-out instance would pay for.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from shared.errors import InvalidSchema


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


def _column(table: pa.Table, name: str) -> pa.ChunkedArray:
    return table.column(name) if name in table.column_names else pa.chunked_array([pa.nulls(table.num_rows)])

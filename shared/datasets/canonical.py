"""The one form of a dataset's rows, and the digest that names it.

The digest is the SHA-256 of these bytes, numbers little endian, lengths and counts int64:

1. ``driftline dataset 1``, and a line feed;
2. how many columns there are, and of each: the length of its name, its name, one letter for its type (``_LETTERS``);
3. of every 65,536 rows in the order of their ids, and of what is left: how many they are, and of each column one byte a row,
   1 where there is a value and 0 where there is none, and then the values. A number is 8 bytes (NaN is 7ff8000000000000,
   and -0.0 is 0.0), a boolean 1, a time the microseconds since 1970. Of texts come the lengths in bytes, and then all of
   them in UTF-8. Where there is no value it is 0, or an empty text.

Nothing of how the rows are stored is in it: neither files nor compression, neither the engine nor what it came in.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from shared.datasets.blocks import ROWS, Waiting
from shared.schema import Schema
from shared.sealing.tables.columns import ARROW_TYPES, TIME

if TYPE_CHECKING:  # hashlib has no public name for what it makes
    from hashlib import _Hash

_BEGINNING: Final = b"driftline dataset 1\n"
_LETTERS: Final = {pa.float64(): b"f", pa.int64(): b"i", pa.bool_(): b"b", TIME: b"t", pa.string(): b"s"}


def dataset_schema(schema: Schema, actual: str, *, outputs: bool) -> pa.Schema:
    """Return the columns of a dataset, by the captured features and outputs of its plan and the name of its actual."""
    features = [(feature.name, ARROW_TYPES[feature.type]) for feature in schema.features]
    answers = [
        (name, ARROW_TYPES[output.type]) for name, output in zip(schema.output_columns, schema.outputs, strict=True)
    ]
    system = [
        ("_id", pa.string()),
        ("_external_id", pa.string()),
        ("_request_id", pa.string()),
        ("_at", TIME),
        ("_split", pa.string()),
        ("_weight", pa.int64()),
    ]
    return pa.schema([*system, *features, (actual, answers[0][1]), *(answers if outputs else [])])


def canonical(rows: pa.Table, schema: pa.Schema) -> pa.Table:
    """Return the columns of ``schema`` in its order and types, floats with one NaN and without -0.0.

    Engines hand over texts as dictionaries or with long offsets, and times in other units or without their zone, which is
    UTC then.

    Raises:
        pa.ArrowInvalid: a value cannot be had in the type that it should have.
        KeyError: a column is missing.
    """
    return pa.table([_cast(rows.column(field.name), field.type) for field in schema], schema=schema)


@dataclass(slots=True)
class Digest:
    """The digest of rows that are handed over bit by bit, ``canonical`` and in the order of their ids."""

    schema: pa.Schema
    _waiting: Waiting = field(default_factory=Waiting)
    _hash: "_Hash" = field(default_factory=hashlib.sha256)

    def __post_init__(self) -> None:
        self._hash.update(_BEGINNING)
        self._hash.update(_count(len(self.schema)))
        for one in self.schema:
            name = one.name.encode()
            self._hash.update(_count(len(name)) + name + _LETTERS[one.type])

    def add(self, rows: pa.Table) -> None:
        """Go on with some rows."""
        self._waiting.add(rows)
        while self._waiting.rows >= ROWS:
            self._update(self._waiting.take(ROWS))

    def hexdigest(self) -> str:
        """Return the digest of all rows, 64 digits; nothing can be added to it afterwards."""
        if self._waiting.rows:
            self._update(self._waiting.take(self._waiting.rows))
        return self._hash.hexdigest()

    def _update(self, block: pa.Table) -> None:
        self._hash.update(_count(block.num_rows))
        for column in block.columns:
            for piece in _encoded(column):
                self._hash.update(piece)


def _cast(column: pa.ChunkedArray, kind: pa.DataType) -> pa.ChunkedArray:
    typed = column.cast(kind)
    return pa.chunked_array([_one_of_each(chunk) for chunk in typed.chunks], kind) if kind == pa.float64() else typed


def _one_of_each(numbers: pa.Array) -> pa.Array:
    """Return floats with one NaN, and with 0.0 in place of -0.0."""
    positive = pc.add(numbers, 0.0)
    return pc.if_else(pc.is_nan(positive), float("nan"), positive)


def _encoded(column: pa.ChunkedArray) -> Iterator[memoryview]:
    """Give a column of a block as the bytes that its digest is of; texts too long for one chunk stay in several."""
    yield from (_bytes(pc.is_valid(chunk)) for chunk in column.chunks)
    if column.type == pa.string():
        texts = [pc.fill_null(chunk, "") for chunk in column.chunks]
        yield from (_numbers(pc.binary_length(chunk)) for chunk in texts)
        yield from (_letters(chunk) for chunk in texts)
    elif column.type == pa.bool_():
        yield from (_bytes(pc.fill_null(chunk, False)) for chunk in column.chunks)  # noqa: FBT003 - a value, no switch
    elif column.type == pa.float64():
        yield from (np.ascontiguousarray(_filled(chunk), "<f8").data for chunk in column.chunks)
    else:
        yield from (_numbers(chunk.cast(pa.int64())) for chunk in column.chunks)


def _bytes(truths: pa.Array) -> memoryview:
    return memoryview(truths.cast(pa.uint8()).to_numpy())


def _numbers(values: pa.Array) -> memoryview:
    return np.ascontiguousarray(_filled(values), "<i8").data


def _filled(values: pa.Array) -> NDArray[Any]:
    filled: NDArray[Any] = pc.fill_null(values, 0).to_numpy()
    return filled


def _letters(texts: pa.Array) -> memoryview:
    _, offsets, letters = texts.buffers()
    first, last = np.frombuffer(offsets, np.int32)[[texts.offset, texts.offset + len(texts)]]
    return memoryview(letters or b"")[first:last]


def _count(number: int) -> bytes:
    return number.to_bytes(8, "little")

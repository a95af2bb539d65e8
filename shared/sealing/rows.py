"""From logs to a table: columns typed by the schema, rows in order, every id once."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from shared.capture.records import Kind
from shared.schema import Schema
from shared.sealing.columns import arrow_schema, groups
from shared.sealing.lines import decode, line_type, pieces
from shared.sealing.packed import Ids, first_ones, pack

_ORDER = ("_index", "_sequence", "_partition")  # numpy sorts by the last one first


@dataclass(frozen=True, slots=True)
class LogRows:
    """What is in one log.

    Attributes:
        rows: the lines that can be read, as columns, in their order.
        unreadable: those that cannot, with the reason.
        places: sequence and index of every line, shape (lines, 2), in the order they stand there: an event belongs to
            the log that it has a line in, whether that can be read or not.
    """

    rows: pa.Table
    unreadable: list[tuple[bytes, str]]
    places: NDArray[np.int64]


def read(data: bytes, kind: Kind, schema: Schema | None) -> LogRows:
    """Read whole lines of one log into columns; those that are about the log itself are passed over.

    Piece by piece: what Python makes of a line is gone before the next piece, and stays in the processor's cache. Of
    50,000 lines at once, both decoding and columns take two and a half times as long.

    Raises:
        TypeError: predictions without a schema.
    """
    of_kind = line_type(kind, schema)
    its_groups = groups(kind, schema)
    wanted = arrow_schema(kind, schema)
    batches: list[pa.RecordBatch] = []
    unreadable: list[tuple[bytes, str]] = []
    places: list[NDArray[np.int64]] = []
    for piece in pieces(data):
        decoded = decode(piece, of_kind)
        columns = [column for group in its_groups for column in group.of(decoded.read)]
        batches.append(pa.record_batch(columns, schema=wanted))
        unreadable += decoded.unreadable
        places.append(np.array(decoded.places, dtype=np.int64).reshape(-1, 2))
    rows = pa.Table.from_batches(batches, schema=wanted).combine_chunks()
    return LogRows(rows, unreadable, np.concatenate(places) if places else np.empty((0, 2), dtype=np.int64))


def table(logs: Sequence[pa.Table], *, known: Sequence[Ids]) -> tuple[pa.Table, int]:
    """Return the rows of logs in the order (partition, sequence, index), and how many doubles were left out.

    Of rows with one id the first stays, and none whose id is among ``known``, those that are at rest already.

    Args:
        logs: at least one. Where places are equal, as in logs of two incarnations, rows of the earlier log come first.
        known: ids packed, in any number of arrays.
    """
    rows = pa.concat_tables(logs).combine_chunks()
    keys = [np.from_dlpack(rows.column(name).combine_chunks()) for name in _ORDER]
    order = np.lexsort(keys)
    if not bool((order[1:] > order[:-1]).all()):
        rows = rows.take(pa.array(order))
    kept = first_ones(pack(rows.column("_id")), known)
    doubles = len(kept) - int(np.count_nonzero(kept))
    return (rows.filter(pa.array(kept)) if doubles else rows), doubles

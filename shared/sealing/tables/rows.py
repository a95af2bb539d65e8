"""From logs to a table: columns typed by the schema, rows in order."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from shared.capture.records import Kind
from shared.schema import Schema
from shared.sealing.tables.columns import arrow_schema, groups
from shared.sealing.tables.lines import decode, line_type, pieces
from shared.sealing.tables.logs import LogName
from shared.sealing.tables.packed import usual


@dataclass(frozen=True, slots=True)
class LogRows:
    """What is in one log.

    Attributes:
        rows: the lines that can be read, as columns, in their order.
        unreadable: those that cannot, with the reason.
        places: sequence and index of every line, shape (lines, 2), in the order they stand there: an event belongs to
            the log that it has a line in, whether that can be read or not. Of dead letters, only of those that count.
    """

    rows: pa.Table
    unreadable: list[tuple[bytes, str]]
    places: NDArray[np.int64]


def read(data: bytes, kind: Kind, schema: Schema | None, *, path: str) -> LogRows:
    """Read whole lines of the log at ``path`` into columns; those that are about the log itself are passed over.

    Piece by piece: what Python makes of a line is gone before the next piece, and stays in the processor's cache. Of
    50,000 lines at once, decoding and columns together take twice as long.

    Raises:
        InvalidDocument: a line does not say where it came from.
        TypeError: predictions without a schema.
    """
    of_kind = line_type(kind, schema)
    its_groups = groups(kind, schema)
    wanted = arrow_schema(kind, schema)
    batches: list[pa.RecordBatch] = []
    unreadable: list[tuple[bytes, str]] = []
    places: list[NDArray[np.int64]] = []
    for piece in pieces(data):
        decoded = decode(piece, of_kind, path=path)
        columns = [column for group in its_groups for column in group.of(decoded.read)]
        batches.append(pa.record_batch(columns, schema=wanted))
        unreadable += decoded.unreadable
        places.append(np.array(decoded.places, dtype=np.int64).reshape(-1, 2))
    rows = pa.Table.from_batches(batches, schema=wanted).combine_chunks()
    return LogRows(rows, unreadable, np.concatenate(places) if places else np.empty((0, 2), dtype=np.int64))


def table(rows_by_log: Mapping[str, pa.Table]) -> pa.Table:
    """Return the rows of logs, of which there is at least one, in the order (partition, incarnation, sequence, index).

    Ids are in their usual form, and may stand there more than once.
    """
    logs = sorted(rows_by_log.items(), key=lambda log: (LogName.of(log[0]), log[0]))
    lives = {name: rank for rank, name in enumerate(sorted({LogName.of(path).incarnation for path, _ in logs}))}
    life = np.repeat([lives[LogName.of(path).incarnation] for path, _ in logs], [rows.num_rows for _, rows in logs])
    rows = pa.concat_tables(rows for _, rows in logs).combine_chunks()
    partition, sequence, index = (
        np.from_dlpack(rows.column(name).combine_chunks()) for name in ("_partition", "_sequence", "_index")
    )
    order = np.lexsort((index, sequence, life, partition))  # by the last one first
    if not bool((order[1:] > order[:-1]).all()):
        rows = rows.take(pa.array(order))
    if "_id" not in rows.column_names:
        return rows
    return rows.set_column(rows.column_names.index("_id"), "_id", usual(rows.column("_id")))

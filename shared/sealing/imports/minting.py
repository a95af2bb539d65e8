"""Ids for the rows of a history, and the hours they belong to.

An id is made of the row: its time, and of what stands in it after masking (or of its caller's own key) the 74 bits that
are random elsewhere. So the same file gives the same ids, and what was imported before is found by them.
"""

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any, Final

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from shared.capture.records import Kind
from shared.hours import Hour
from shared.ids import uuid7
from shared.registry.manifest import Manifest
from shared.sealing.imports.history import Part
from shared.sealing.tables.columns import arrow_schema

MOST_ROWS: Final = 200_000
"""So many rows of an hour become one generation at most."""

_HOUR_US: Final = 3600 * 1_000_000


@dataclass(frozen=True, slots=True)
class Imported:
    """Records of one hour: predictions with their ids, and what turned out of them."""

    hour: Hour
    predictions: pa.Table
    told: pa.Table


def by_hour(parts: Iterator[Part], manifest: Manifest) -> Iterator[Imported]:
    """Yield the records of each hour, with their ids, as parts come in whose hours never fall.

    An hour of very many rows comes in several pieces.
    """
    minting = _Minting(manifest.model, manifest.version)
    rest: Part | None = None
    for part in parts:
        whole = part if rest is None else _joined([rest, part])
        *before, last = _runs(whole.records) or [(0, 0)]
        for start, end in before:
            yield from minting.mint(_sliced(whole, start, end))
        rest = _sliced(whole, *last)
        while rest.records.num_rows >= 2 * MOST_ROWS:
            yield from minting.mint(_sliced(rest, 0, MOST_ROWS))
            rest = _sliced(rest, MOST_ROWS, rest.records.num_rows)
    if rest is not None:
        yield from minting.mint(rest)


def in_order(parts: Sequence[Part]) -> Part:
    """Return one part with the records of all, in the order of their hours, and within each as they were."""
    whole = _joined(parts)
    order = pa.array(np.argsort(numbers(whole.records), kind="stable"))
    return Part(whole.records.take(order), whole.told.take(order), (), 0)


def actuals(imported: Imported, manifest: Manifest) -> pa.Table:
    """Return what turned out as records of actuals, by the ids of their predictions."""
    wanted = arrow_schema(Kind.ACTUAL, None)
    known = imported.told.append_column("prediction_id", imported.predictions.column("_id"))
    known = known.filter(pc.is_valid(known.column("at")))
    columns: dict[str, list[Any]] = {
        "_id": [
            actual_id(
                manifest.model,
                row["at"],
                row["value"] if row["value_text"] is None else row["value_text"],
                row["prediction_id"],
            )
            for row in known.to_pylist()
        ],
        "_at": known.column("at").to_pylist(),
        "_prediction_id": known.column("prediction_id").to_pylist(),
        "value": known.column("value").to_pylist(),
        "value_text": known.column("value_text").to_pylist(),
    }
    nothing = [None] * known.num_rows
    return pa.table([pa.array(columns.get(one.name, nothing), one.type) for one in wanted], schema=wanted)


def actual_id(
    model: str, at: datetime, value: float | str, prediction_id: str | None, external_id: str | None = None
) -> str:
    """Return the id of an actual: the same for whatever says the same, in a history or by itself.

    A value is what it is at rest: 1 and true are the number 1.0.
    """
    number, text = (None, value) if isinstance(value, str) else (float(value), None)
    own = (at, number, text, prediction_id) if external_id is None else (at, number, text, prediction_id, external_id)
    return uuid7(at, _digest("actual", model, *own))


def by_time(records: Sequence[pa.Table]) -> Iterator[tuple[Hour, pa.Table]]:
    """Yield records by the hour they happened in, in the order of their times; an hour of very many in pieces."""
    rows = pa.concat_tables(records).sort_by([("_at", "ascending"), ("_id", "ascending")])
    for start, end in _runs(rows):
        for begin in range(start, end, MOST_ROWS):
            yield _hour(rows, start), rows.slice(begin, min(MOST_ROWS, end - begin))


def numbers(records: pa.Table) -> NDArray[np.int64]:
    """Return the hour that each row happened in, counted from 1970 on; shape (rows,)."""
    whole = np.asarray(records.column("_at").combine_chunks().cast(pa.int64()), dtype=np.int64)
    return whole // _HOUR_US


class _Minting:
    """Gives the rows of one hour after the other their ids; rows that are the same are told apart by their order."""

    def __init__(self, model: str, version: str) -> None:
        self._whose = (model, version)
        self._hour: Hour | None = None
        self._seen: Counter[bytes] = Counter()

    def mint(self, part: Part) -> Iterator[Imported]:
        """Yield the rows of a part, which are of one hour, in pieces."""
        if not part.records.num_rows:
            return
        hour = _hour(part.records, 0)
        if hour != self._hour:
            self._hour = hour
            self._seen.clear()
        for start in range(0, part.records.num_rows, MOST_ROWS):
            piece = _sliced(part, start, min(start + MOST_ROWS, part.records.num_rows))
            place = piece.records.column_names.index("_id")
            ids = pa.array(self._ids(piece.records), pa.string())
            yield Imported(hour, piece.records.set_column(place, "_id", ids), piece.told)

    def _ids(self, rows: pa.Table) -> Iterator[str]:
        contents = rows.select([name for name in rows.column_names if not name.startswith("_")])
        external_ids = rows.column("_external_id").to_pylist()
        columns = [column.to_pylist() for column in contents.columns]
        own: list[Any] = list(zip(*columns, strict=True))
        for at, external_id, content in zip(rows.column("_at").to_pylist(), external_ids, own, strict=True):
            key = content if external_id is None else external_id
            digest = _digest(*self._whose, at, key)
            self._seen[digest] += 1
            nth = self._seen[digest] - 1
            yield uuid7(at, _digest(*self._whose, at, key, nth) if nth else digest)


def _digest(*parts: object) -> bytes:
    return hashlib.sha256(msgspec.json.encode(parts)).digest()[:10]


def _joined(parts: Sequence[Part]) -> Part:
    records = pa.concat_tables([part.records for part in parts]).combine_chunks()
    return Part(records, pa.concat_tables([part.told for part in parts]).combine_chunks(), (), 0)


def _sliced(part: Part, start: int, end: int) -> Part:
    return Part(part.records.slice(start, end - start), part.told.slice(start, end - start), (), 0)


def _runs(rows: pa.Table) -> list[tuple[int, int]]:
    """Return from where to where rows of one hour stand together."""
    hours = numbers(rows)
    changes = (np.flatnonzero(hours[1:] != hours[:-1]) + 1).tolist()
    return list(pairwise([0, *changes, len(hours)])) if len(hours) else []


def _hour(rows: pa.Table, row: int) -> Hour:
    at: datetime = rows.column("_at")[row].as_py()
    return Hour.containing(at)

"""A history of predictions, as somebody's file has it: its rows held against the version's schema, and masked."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from shared.capture.records import Kind
from shared.errors import InvalidRows, InvalidSchema, Misfit
from shared.registry.manifest import Manifest
from shared.schema import ANSWER, TEXT, Feature, FeatureType, Output, Schema
from shared.scoring.privacy import Masks
from shared.scoring.validation import Validator
from shared.sealing.imports.external_ids import external_ids
from shared.sealing.imports.moments import Moments, Unreadable
from shared.sealing.tables.columns import TIME, arrow_schema

_SAID: Final = {
    FeatureType.FLOAT: (pa.float64(),),
    FeatureType.INTEGER: (pa.int64(), pa.float64()),
    FeatureType.BOOLEAN: (pa.bool_(),),
}
_TOLD: Final = pa.schema([("at", TIME), ("value", pa.float64()), ("value_text", pa.string())])


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """Which columns of a history say what; features and outputs other than the answer have their own names."""

    time: str
    prediction: str = ANSWER
    external_id: str | None = None
    actual: str | None = None
    actual_time: str | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """Rows of a history, one after the other.

    Attributes:
        records: those that fit, as rows of predictions whose id is missing.
        told: what turned out of each, as ``at``, ``value`` and ``value_text``; all null where nothing did, and where it
            comes later.
        misfits: what does not fit, by row of the file.
        bad_rows: how many rows that are.
        later_actuals: how many actuals of ``records`` were known in an hour that is not sealed yet.
    """

    records: pa.Table
    told: pa.Table
    misfits: tuple[Misfit, ...]
    bad_rows: int
    later_actuals: int = 0


class History:
    """Reads the rows of a history of one version."""

    def __init__(self, manifest: Manifest, columns: Columns, masks: Masks, moments: Moments) -> None:
        """Prepare for it; ``masks`` are the version's, and ``moments`` says which times there may be."""
        self._manifest = manifest
        self._columns = columns
        self._masks = masks
        self._moments = moments
        self._features = Validator(manifest.schema, masks.by_name)
        self._outputs = dict(zip(manifest.schema.output_columns, manifest.schema.outputs, strict=True))
        self._answers = Validator(_as_features(manifest.schema.outputs))
        self._wanted = arrow_schema(Kind.PREDICTION, manifest.schema.captured)

    def check(self, names: Sequence[str]) -> None:
        """See that a file has the columns it must have.

        Raises:
            InvalidSchema: one is not there.
        """
        columns = self._columns
        said = (columns.time, columns.prediction, columns.external_id, columns.actual, columns.actual_time)
        needed = [name for name in said if name is not None]
        needed += [feature.name for feature in self._manifest.schema.features if not feature.nullable]
        for name in needed:
            if name not in names:
                raise InvalidSchema(feature=name, reason=f"the file has no such column, but {', '.join(names)}")

    def read(self, rows: pa.Table, *, first_row: int) -> Part:
        """Read some rows of a file; ``first_row`` is the number of the first.

        Raises:
            InvalidSchema: a column of times is none, or one of external ids.
        """
        misfits: list[Misfit] = []
        ats = self._times(rows, self._columns.time, misfits)
        features = {feature.name: feature.type for feature in self._manifest.schema.features}
        outputs = {self._source(name): output.type for name, output in self._outputs.items()}
        values = self._values(rows, self._features, features, misfits)
        answers = self._values(rows, self._answers, outputs, misfits)
        told, later = self._told(rows, misfits)
        bad = {one.row for one in misfits}
        good = [row for row in range(rows.num_rows) if row not in bad]
        system = self._system(rows, ats, good)
        recorded = self._masks.rows([values[row] for row in good])
        made = {**system, **_by_name(self._masks.names, recorded)}
        made |= _by_name(tuple(self._outputs), [answers[row] for row in good])
        records = pa.table([pa.array(made[field.name], field.type) for field in self._wanted], schema=self._wanted)
        misfits.sort(key=lambda one: one.row)
        in_file = [Misfit(first_row + one.row, one.feature, one.reason) for one in misfits]
        of_good = _table(_TOLD, [told[row] for row in good])
        return Part(records, of_good, tuple(in_file), len(bad), len(later - bad))

    def _system(self, rows: pa.Table, ats: Sequence[Any], good: Sequence[int]) -> dict[str, list[Any]]:
        """Return the system's columns of the rows that fit: an import has no place in a hub, and took no time."""
        nothing = [None] * len(good)
        made: dict[str, list[Any]] = {name: nothing for name in self._wanted.names if name.startswith("_")}
        made["_at"] = [ats[row] for row in good]
        made["_weight"] = [1] * len(good)
        if self._columns.external_id is not None:
            ids = external_ids(rows.column(self._columns.external_id), self._columns.external_id)
            made["_external_id"] = [ids[row] for row in good]
        return made

    def _source(self, output: str) -> str:
        return self._columns.prediction if output == ANSWER else output

    def _times(self, rows: pa.Table, name: str, misfits: list[Misfit]) -> list[datetime | None]:
        read = self._moments.read(rows.column(name), name)
        found: list[datetime | None] = []
        for row, one in enumerate(read):
            if isinstance(one, Unreadable):
                misfits.append(Misfit(row, name, one.reason))
                found.append(None)
            else:
                found.append(one)
        return found

    def _values(
        self, rows: pa.Table, validator: Validator, names: Mapping[str, FeatureType], misfits: list[Misfit]
    ) -> list[list[Any]]:
        """Return features or outputs with the schema's types, shape (rows, names); rows that do not fit as they are."""
        columns = [plain(rows, name, kind) for name, kind in names.items()]
        values = [list(row) for row in zip(*columns, strict=True)]
        try:
            return validator.read(values)
        except InvalidRows:
            return [_row(validator, list(names), row, number, misfits) for number, row in enumerate(values)]

    def _told(self, rows: pa.Table, misfits: list[Misfit]) -> tuple[list[tuple[Any, Any, Any]], set[int]]:
        """Return what turned out of each row: when, and as a number or a text; and the rows of which that comes later.

        That it is known only in an hour that is not sealed yet is no fault of the row: it was predicted all the same.
        """
        name, time = self._columns.actual, self._columns.actual_time
        nothing = (None, None, None)
        if name is None or time is None:
            return [nothing] * rows.num_rows, set()
        answer = self._manifest.schema.outputs[0].type
        actuals = plain(rows, name, answer)
        happened = rows.filter(pc.is_valid(pa.array(actuals)))
        ats = self._moments.read(happened.column(time), time)
        told: list[tuple[Any, Any, Any]] = []
        later: set[int] = set()
        for row, value in enumerate(actuals):
            if value is None:
                told.append(nothing)
                continue
            at = next(ats)
            if isinstance(at, Unreadable) and at.comes_later:
                later.add(row)
            elif isinstance(at, Unreadable):
                misfits.append(Misfit(row, time, at.reason))
            if isinstance(value, str) and answer in TEXT:
                told.append((at, None, value))
            elif isinstance(value, bool | int | float) and math.isfinite(value):
                told.append((at, float(value), None))
            else:
                misfits.append(
                    Misfit(
                        row,
                        name,
                        "a text is wanted, or a finite number" if answer in TEXT else "a finite number is wanted",
                    )
                )
                told.append(nothing)
            if isinstance(at, Unreadable):
                told[row] = nothing
        return told, later


def _row(validator: Validator, names: Sequence[str], row: list[Any], number: int, misfits: list[Misfit]) -> list[Any]:
    """Return a row with its types; one that does not fit as it is, with what does not noted by the columns' ``names``."""
    try:
        (read,) = validator.read([row])
    except InvalidRows as invalid:
        by_name = dict(zip(validator.names, names, strict=True))
        misfits += [Misfit(number, by_name.get(one.feature or ""), one.reason) for one in invalid.misfits]
        return row
    return read


def _as_features(outputs: Sequence[Output]) -> Schema:
    """Return outputs as what a validator reads; a model may have answered with no number at all, which is null."""
    kinds = [FeatureType.STRING if output.type in TEXT else output.type for output in outputs]
    return Schema(
        features=tuple(Feature(name=f"output {place}", type=kind, nullable=True) for place, kind in enumerate(kinds)),
        outputs=tuple(outputs),
    )


def plain(rows: pa.Table, name: str, kind: FeatureType) -> list[Any]:
    """Return a column as what JSON would have, NaN as missing; nothing but that where it is not there.

    A text that says a number or a truth value is one where that is wanted: a CSV file has nothing else.
    """
    if name not in rows.column_names:
        return [None] * rows.num_rows
    column = rows.column(name)
    if pa.types.is_floating(column.type):
        column = pc.if_else(pc.is_nan(column), None, column)
    elif pa.types.is_string(column.type) and kind not in TEXT:
        return said(column, _SAID[kind])
    values: list[Any] = column.to_pylist()
    return values


def said(column: pa.ChunkedArray, kinds: Sequence[pa.DataType]) -> list[Any]:
    """Return what texts say, as the first of some types that they can be; those that can be none stay texts."""
    for kind in kinds:
        try:
            values: list[Any] = column.cast(kind).to_pylist()
        except pa.ArrowInvalid:
            continue
        return [None if isinstance(value, float) and math.isnan(value) else value for value in values]
    if len(column) == 1:
        return list(column.to_pylist())
    return [value for row in range(len(column)) for value in said(column.slice(row, 1), kinds)]


def _by_name(names: Sequence[str], rows: Sequence[Sequence[Any]]) -> Mapping[str, Sequence[Any]]:
    columns: Sequence[Sequence[Any]] = list(zip(*rows, strict=True)) if rows else [()] * len(names)
    return dict(zip(names, columns, strict=True))


def _table(schema: pa.Schema, rows: Sequence[tuple[Any, ...]]) -> pa.Table:
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(schema)
    return pa.table([pa.array(one, field.type) for one, field in zip(columns, schema, strict=True)], schema=schema)

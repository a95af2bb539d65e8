"""The request formats: one table of rows out of any of them.

Ours (``data``), MLflow's (``dataframe_split``, ``dataframe_records``, ``inputs``, ``instances``) and Azure ML's
(``input_data``) say the same thing in different shapes. Source: MLflow "Inference Server Specification"; Azure ML
"Data collection and scoring for MLflow models".
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from shared.errors import InvalidRows, Misfit, RequestTooLarge, UnreadableRequest

EXTERNAL_ID: Final = "external_id"
EXTERNAL_IDS: Final = "external_ids"
_EXTERNAL_ID_LENGTH = 256


@dataclass(frozen=True, slots=True)
class Table:
    """What is to be scored: every row holds the value of every feature, in the schema's order.

    ``rows`` has shape (rows, features) and values as JSON has them; ``external_ids`` has one entry a row.
    """

    rows: list[list[Any]]
    external_ids: list[str | None]


def read(request: object, features: Sequence[str], *, max_rows: int, optional: frozenset[str] = frozenset()) -> Table:
    """Read a decoded request into rows of ``features``; where rows name their features, ``optional`` ones may be left out.

    Raises:
        UnreadableRequest: it is in none of the formats.
        InvalidRows: a row lacks a feature, or has one too many.
        RequestTooLarge: there are more than ``max_rows`` rows.
    """
    if type(request) is not dict:
        raise UnreadableRequest(f"the request is an object with one of {_known()}")
    named = [name for name in request if name in _FORMATS]
    if len(named) != 1:
        raise UnreadableRequest(f"the request has exactly one of {_known()}; this one has {len(named)} of them")
    (name,) = named
    beside = next((other for other in request if other not in (name, EXTERNAL_IDS)), None)
    if beside is not None:
        raise UnreadableRequest(f"the request has no place for {beside[:128]!r} beside {name!r}")
    table = _FORMATS[name](request[name], _Shape(name, tuple(features), max_rows, optional))
    if EXTERNAL_IDS in request:
        if any(one is not None for one in table.external_ids):
            raise UnreadableRequest(f"the request has {EXTERNAL_IDS!r}, and rows with an {EXTERNAL_ID!r} of their own")
        table = Table(table.rows, _ids_beside(request[EXTERNAL_IDS], len(table.rows)))
    return table


@dataclass(frozen=True, slots=True)
class _Shape:
    """What a reader of one format needs to know: the member it reads, the features, the most rows, what may be left out."""

    member: str
    features: tuple[str, ...]
    max_rows: int
    optional: frozenset[str]

    def bounded(self, rows: list[Any]) -> list[Any]:
        if len(rows) > self.max_rows:
            raise RequestTooLarge("too many rows", size=len(rows), limit=self.max_rows)
        return rows


def _any_rows(given: object, shape: _Shape) -> Table:
    """Read rows that are all arrays, or all objects."""
    rows = shape.bounded(_array(given, f"{shape.member!r}"))
    if rows and type(rows[0]) is dict:
        return _records(rows, shape)
    return _arrays(rows, shape)


def _records(given: object, shape: _Shape) -> Table:
    rows = shape.bounded(_array(given, f"{shape.member!r}"))
    wanted = set(shape.features)
    takes_id = EXTERNAL_ID not in wanted
    table = Table([], [])
    misfits: list[Misfit] = []
    for index, row in enumerate(rows):
        if type(row) is not dict:
            misfits.append(Misfit(index, None, "it is not an object, as the first row is"))
            continue
        external_id = row.pop(EXTERNAL_ID, None) if takes_id else None
        if row.keys() != wanted:
            misfit = _wrong_feature(index, row, shape, wanted)
            if misfit:
                misfits.append(misfit)
                continue
            row = dict.fromkeys(shape.features) | row  # noqa: PLW2901 - the same row, whole
        table.rows.append([row[name] for name in shape.features])
        table.external_ids.append(_external_id(index, external_id, rows=len(rows)))
    return _all_fit(table, misfits, rows=len(rows))


def _arrays(rows: list[Any], shape: _Shape) -> Table:
    """Read rows that are arrays in the schema's order."""
    width = len(shape.features)
    misfits = [
        Misfit(
            index, None, "it is not an array" if type(row) is not list else f"{len(row)} values for {width} features"
        )
        for index, row in enumerate(rows)
        if type(row) is not list or len(row) != width
    ]
    return _all_fit(Table(rows, [None] * len(rows)), misfits, rows=len(rows))


def _split(given: object, shape: _Shape) -> Table:
    """Read ``{"columns": […], "index": […], "data": [[…]]}``, as pandas writes with ``orient="split"``."""
    if type(given) is not dict or not {"columns", "data"} <= given.keys() <= {"columns", "index", "data"}:
        raise UnreadableRequest(f"{shape.member!r} is an object with 'columns', 'data' and perhaps 'index'")
    columns = _array(given["columns"], "'columns'")
    if not all(type(column) is str for column in columns) or len(set(columns)) < len(columns):
        raise UnreadableRequest("'columns' holds names, each once")
    rows = shape.bounded(_array(given["data"], "'data'"))
    if "index" in given and len(_array(given["index"], "'index'")) != len(rows):
        raise UnreadableRequest("'index' has one entry a row")
    by_column = _Shape("data", tuple(columns), shape.max_rows, shape.optional)
    table = _arrays(rows, by_column)
    if tuple(columns) == shape.features:
        return table
    return _records([dict(zip(columns, row, strict=True)) for row in table.rows], shape)


def _inputs(given: object, shape: _Shape) -> Table:
    """Read MLflow's ``inputs``: rows, or an object of feature -> values of all rows."""
    if type(given) is not dict:
        return _any_rows(given, shape)
    columns = {name: _array(values, f"the feature {name[:128]!r}") for name, values in given.items()}
    lengths = {len(values) for values in columns.values()}
    if len(lengths) != 1:
        raise UnreadableRequest("'inputs' by feature holds arrays of one length")
    rows = shape.bounded(list(zip(*columns.values(), strict=True)))
    return _records([dict(zip(columns, row, strict=True)) for row in rows], shape)


_FORMATS: Mapping[str, Callable[[object, _Shape], Table]] = {
    "data": _any_rows,
    "dataframe_split": _split,
    "dataframe_records": _records,
    "inputs": _inputs,
    "instances": _any_rows,
    "input_data": _split,
}


def _known() -> str:
    return ", ".join(repr(name) for name in _FORMATS)


def _array(given: object, what: str) -> list[Any]:
    if type(given) is not list:
        raise UnreadableRequest(f"{what} is an array")
    return given


def _all_fit(table: Table, misfits: list[Misfit], *, rows: int) -> Table:
    """Return a table that was read from so many ``rows``: it holds those alone that fit."""
    if misfits:
        raise InvalidRows(tuple(misfits[:20]), rows=rows)
    if not table.rows:
        raise UnreadableRequest("the request has no rows")
    return table


def _wrong_feature(index: int, row: Mapping[str, object], shape: _Shape, wanted: set[str]) -> Misfit | None:
    """Return what is wrong with the features of a row, or None when it lacks optional ones alone."""
    missing = next((name for name in shape.features if name not in row and name not in shape.optional), None)
    if missing is not None:
        return Misfit(index, missing, "it is missing")
    extra = next((name for name in row if name not in wanted), None)
    return None if extra is None else Misfit(index, extra[:128], "the model has no such feature")


def _ids_beside(given: object, rows: int) -> list[str | None]:
    ids = _array(given, f"{EXTERNAL_IDS!r}")
    if len(ids) != rows:
        raise UnreadableRequest(f"{EXTERNAL_IDS!r} has {len(ids)} entries for {rows} rows")
    return [_external_id(index, one, rows=rows) for index, one in enumerate(ids)]


def _external_id(index: int, given: object, *, rows: int) -> str | None:
    if given is None:
        return None
    if type(given) is not str or not 0 < len(given) <= _EXTERNAL_ID_LENGTH:
        reason = f"it is a text of 1 to {_EXTERNAL_ID_LENGTH} characters, or null"
        raise InvalidRows((Misfit(index, EXTERNAL_ID, reason),), rows=rows)
    return given

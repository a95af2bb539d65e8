"""The features of a model, read off its training data."""

from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from shared.errors import InvalidSchema
from shared.schema import Feature, FeatureType

MOST_CATEGORIES: Final = 1000
"""Strings with more distinct values than this are no category."""

FEWEST_ROWS_A_CATEGORY: Final = 10
"""Strings that repeat less than this on average are no category: most are names, and tomorrow's are others."""

ID: Final = "_id"
WEIGHT: Final = "_weight"
OF_ROWS: Final = frozenset({ID, "_external_id", "_request_id", "_at", "_split", WEIGHT})
"""What training data that was made of what was captured says of its rows beside the features."""


def infer(table: pa.Table, actual: str, *, time: str | None = None) -> tuple[Feature, ...]:
    """Return a feature for every column of ``table``, in its order, but ``actual``, ``time`` and what says something of rows.

    Floats and decimals become ``float``, integers ``integer`` however few distinct values they have, since a number is
    scored as a number; both keep the smallest and largest finite value as their range, which is information: scoring
    counts a value outside it and does not refuse it. Strings become a ``category`` with sorted categories if they have at
    most 1,000 distinct values that repeat at least ten times on average, else a ``string``. A dictionary column is read
    as what it holds. A column with nulls is nullable, and NaN is a null, because JSON can say neither NaN nor infinity.

    Args:
        table: the training data, one row a training row.
        actual: the column that the model predicts.
        time: the column that says when a row happened, if there is one.

    Raises:
        InvalidSchema: a column is missing or has only nulls, its type is not one a model takes (a time stamp that is not
            ``time``, a list, …), or its name cannot be a feature's; the error names the column.
    """
    for column in (actual, time):
        if column is not None and column not in table.column_names:
            raise InvalidSchema(feature=column, reason="the training data has no such column")
    names = [name for name in table.column_names if name not in {actual, time} | OF_ROWS]
    return tuple(_feature(name, table.column(name)) for name in names)


def _feature(name: str, column: pa.ChunkedArray) -> Feature:
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if pa.types.is_floating(column.type):
        column = pc.if_else(pc.is_nan(column), None, column)
    if column.null_count == len(column):
        raise InvalidSchema(feature=name, reason="the training data holds no value of it")
    nullable = column.null_count > 0
    kind = column.type
    if pa.types.is_boolean(kind):
        return Feature(name=name, type=FeatureType.BOOLEAN, nullable=nullable)
    if pa.types.is_integer(kind):
        return _numeric(name, FeatureType.INTEGER, column)
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return _numeric(name, FeatureType.FLOAT, column.cast(pa.float64()))
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return _text(name, column)
    if pa.types.is_temporal(kind):
        raise InvalidSchema(feature=name, reason=f"a model takes no {kind}: name it as the time, or leave it out")
    raise InvalidSchema(feature=name, reason=f"a model takes no {kind}")


def _numeric(name: str, kind: FeatureType, column: pa.ChunkedArray) -> Feature:
    values = column.drop_null()
    if kind is FeatureType.FLOAT:
        values = values.filter(pc.is_finite(values))
    extremes = pc.min_max(values).as_py()
    return Feature(
        name=name,
        type=kind,
        nullable=column.null_count > 0,
        minimum=extremes["min"],
        maximum=extremes["max"],
    )


def _text(name: str, column: pa.ChunkedArray) -> Feature:
    counted = pc.value_counts(column.drop_null())
    nullable = column.null_count > 0
    rows = len(column) - column.null_count
    if len(counted) > MOST_CATEGORIES or rows < FEWEST_ROWS_A_CATEGORY * len(counted):
        return Feature(name=name, type=FeatureType.STRING, nullable=nullable)
    return Feature(
        name=name,
        type=FeatureType.CATEGORY,
        nullable=nullable,
        categories=tuple(sorted(counted.field("values").to_pylist())),
    )

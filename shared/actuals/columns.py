"""The columns of actuals on their way: standing, matched, and joined; and which values fit a version's answer."""

from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from shared.capture.records import Kind
from shared.schema import TEXT, FeatureType, Schema
from shared.sealing.tables.columns import TIME, arrow_schema

ACTUAL: Final = "actual"
HOUR: Final = "hour"
EARLY: Final = "early"

STANDING: Final = pa.schema([*arrow_schema(Kind.ACTUAL, None), ("key", pa.uint64()), ("found", pa.bool_())])
"""Actuals as they were sealed, with the key of their external id, and whether a prediction of theirs was found."""

OF_ACTUALS: Final = pa.schema(
    [
        ("_actual_id", pa.string()),
        ("_actual_at", TIME),
        ("_actual_enqueued_at", TIME),
        ("_actual_partition", pa.int32()),
        ("_actual_sequence", pa.int64()),
        ("_actual_index", pa.int32()),
    ]
)


def copied(schema: Schema) -> list[str]:
    """Return which columns of a prediction are copied beside its actual, in their order."""
    return ["_id", "_at", "_enqueued_at", "_weight", *schema.output_columns]


def joined_schema(schema: Schema) -> pa.Schema:
    """Return the columns of a version's joined rows."""
    stored = arrow_schema(Kind.PREDICTION, schema)
    answer = schema.outputs[0].type
    kept = [stored.field(name) for name in copied(schema)]
    return pa.schema(
        [kept[0], *OF_ACTUALS, (ACTUAL, pa.string() if answer in TEXT else pa.float64()), *kept[1:]],
    )


def matched_schema(schema: Schema) -> pa.Schema:
    """Return the columns of what one step found for a version: joined rows, with their hour, and whether the actual waited.

    ``actual`` is missing where the value is none that the version could have answered.
    """
    return pa.schema([*joined_schema(schema), (HOUR, pa.string()), (EARLY, pa.bool_())])


def fitting(actuals: pa.Table, answer: FeatureType) -> pa.ChunkedArray:
    """Return the values of actuals as the answers of a version are stored; null where one is none that it could give.

    Numbers and booleans are float64. A text is no number, a number no text, and a boolean is 0 or 1.
    """
    if answer in TEXT:
        return actuals.column("value_text")
    values = actuals.column("value")
    if answer is FeatureType.BOOLEAN:
        is_one = pc.is_in(values, value_set=pa.array([0.0, 1.0]))
        return pc.if_else(is_one, values, pa.scalar(None, pa.float64()))
    return values


def matched(predictions: pa.Table, actuals: pa.Table, schema: Schema, *, hour: str, early: bool) -> pa.Table:
    """Return predictions of one hour beside their actuals, which stand in the same order, as ``matched_schema`` says.

    What was imported was enqueued nowhere: it is known from its own time on.
    """
    wanted = matched_schema(schema)
    enqueued_at = pc.coalesce(actuals.column("_enqueued_at"), actuals.column("_at"))
    rows = actuals.num_rows
    columns: dict[str, pa.ChunkedArray | pa.Array] = {
        "_actual_id": actuals.column("_id"),
        "_actual_at": actuals.column("_at"),
        "_actual_enqueued_at": enqueued_at,
        "_actual_partition": actuals.column("_partition"),
        "_actual_sequence": actuals.column("_sequence"),
        "_actual_index": actuals.column("_index"),
        ACTUAL: fitting(actuals, schema.outputs[0].type),
        HOUR: pa.repeat(pa.scalar(hour), rows),
        EARLY: pa.repeat(pa.scalar(early), rows),
        **{name: predictions.column(name) for name in copied(schema)},
    }
    return pa.table([columns[field.name].cast(field.type) for field in wanted], schema=wanted)

"""The columns of a sealed hour: their names and types by kind and schema, and how lines give their values."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, Final, TypeAlias

import msgspec
import pyarrow as pa

from shared.capture.records import Kind
from shared.schema import FeatureType, Schema
from shared.sealing.tables.lines import Placed

TIME: Final = pa.timestamp("us", tz="UTC")
ARROW_TYPES: Final = {
    FeatureType.FLOAT: pa.float64(),
    FeatureType.INTEGER: pa.int64(),
    FeatureType.BOOLEAN: pa.bool_(),
    FeatureType.CATEGORY: pa.string(),
    FeatureType.STRING: pa.string(),
}

Values: TypeAlias = Callable[[Placed], Any]


@dataclass(frozen=True, slots=True)
class Group:
    """Columns whose values a line gives together, as a tuple in their order."""

    columns: Sequence[tuple[str, pa.DataType]]
    values: Values

    def of(self, lines: Sequence[Placed]) -> list[pa.Array]:
        """Return the columns of some lines.

        Tuples become structs in one call of Arrow: called once a column, it takes 11 µs each time before it has looked
        at a value, for pieces of 200 lines as long as the values themselves.
        """
        columns: list[pa.Array] = pa.array(list(map(self.values, lines)), type=pa.struct(self.columns)).flatten()
        return columns


def groups(kind: Kind, schema: Schema | None) -> list[Group]:
    """Return the columns of a kind, in their order."""
    if kind is Kind.ACTUAL:
        return [_WHERE_FROM, _OF_ACTUALS]
    if kind is Kind.DEAD:
        return [_OF_DEAD_LETTERS]
    if kind is Kind.FAILURE or schema is None:
        return [_WHERE_FROM, _OF_FAILURES]
    features = [(feature.name, ARROW_TYPES[feature.type]) for feature in schema.features]
    outputs = [
        (name, ARROW_TYPES[output.type]) for name, output in zip(schema.output_columns, schema.outputs, strict=True)
    ]
    return [_WHERE_FROM, _OF_PREDICTIONS, Group(features, _inputs), Group(outputs, _outputs)]


def arrow_schema(kind: Kind, schema: Schema | None) -> pa.Schema:
    """Return the names and types of a kind's columns."""
    return pa.schema([column for group in groups(kind, schema) for column in group.columns])


def _inputs(line: Any) -> tuple[Any, ...]:  # noqa: ANN401 - the line of a prediction, whose type is made for its schema
    return msgspec.structs.astuple(line.inputs)


def _outputs(line: Any) -> tuple[Any, ...]:  # noqa: ANN401 - likewise
    return msgspec.structs.astuple(line.outputs)


def _actual(line: Any) -> tuple[Any, ...]:  # noqa: ANN401 - an ActualLine, whose fields the kind decides
    if isinstance(line.value, str):
        return line.prediction_id, line.external_id, None, line.value
    return line.prediction_id, line.external_id, float(line.value), None


_PLACE: Final = (
    ("_enqueued_at", TIME),
    ("_partition", pa.int32()),
    ("_sequence", pa.int64()),
    ("_index", pa.int32()),
)
_WHERE_FROM: Final = Group(
    (("_id", pa.string()), ("_at", TIME), *_PLACE),
    attrgetter("id", "at", "enqueued_at", "partition", "sequence", "index"),
)
_OF_PREDICTIONS: Final = Group(
    (
        ("_external_id", pa.string()),
        ("_request_id", pa.string()),
        ("_row", pa.int32()),
        ("_latency_ms", pa.float64()),
        ("_weight", pa.int32()),
    ),
    attrgetter("external_id", "request_id", "row", "latency_ms", "weight"),
)
_OF_ACTUALS: Final = Group(
    (
        ("_prediction_id", pa.string()),
        ("_external_id", pa.string()),
        ("value", pa.float64()),
        ("value_text", pa.string()),
    ),
    _actual,
)
_OF_FAILURES: Final = Group(
    (
        ("_request_id", pa.string()),
        ("status", pa.int32()),
        ("code", pa.string()),
        ("feature", pa.string()),
        ("asked", pa.string()),
        ("rows", pa.int64()),
    ),
    attrgetter("request_id", "status", "code", "feature", "asked", "rows"),
)
_OF_DEAD_LETTERS: Final = Group(
    (
        *_PLACE,
        ("reason", pa.string()),
        ("part", pa.bool_()),
        ("size_bytes", pa.int64()),
        ("sha256", pa.string()),
    ),
    attrgetter("enqueued_at", "partition", "sequence", "index", "reason", "part", "size_bytes", "sha256"),
)

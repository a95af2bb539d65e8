"""From lines to a table: ordered, typed by the schema, every id once."""

from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Any, Final

import pyarrow as pa

from shared.capture.records import Kind
from shared.schema import FeatureType, Schema
from shared.sealing.lines import Line, field_name

TIME: Final = pa.timestamp("us", tz="UTC")
ARROW_TYPES: Final = {
    FeatureType.FLOAT: pa.float64(),
    FeatureType.INTEGER: pa.int64(),
    FeatureType.BOOLEAN: pa.bool_(),
    FeatureType.CATEGORY: pa.string(),
    FeatureType.STRING: pa.string(),
}

_WHERE_FROM: Final = (
    ("_id", pa.string(), attrgetter("id")),
    ("_at", TIME, attrgetter("at")),
    ("_enqueued_at", TIME, attrgetter("enqueued_at")),
    ("_partition", pa.int32(), attrgetter("partition")),
    ("_sequence", pa.int64(), attrgetter("sequence")),
    ("_index", pa.int32(), attrgetter("index")),
)
_OF_PREDICTIONS: Final = (
    ("_external_id", pa.string(), attrgetter("external_id")),
    ("_request_id", pa.string(), attrgetter("request_id")),
    ("_row", pa.int32(), attrgetter("row")),
    ("_latency_ms", pa.float64(), attrgetter("latency_ms")),
    ("_weight", pa.int32(), attrgetter("weight")),
)


def _number(line: Any) -> float | None:  # noqa: ANN401 - an ActualLine, whose fields the kind decides
    return None if isinstance(line.value, str) else float(line.value)


def _text(line: Any) -> str | None:  # noqa: ANN401 - an ActualLine
    return line.value if isinstance(line.value, str) else None


_OF_ACTUALS: Final = (
    ("_prediction_id", pa.string(), attrgetter("prediction_id")),
    ("_external_id", pa.string(), attrgetter("external_id")),
    ("value", pa.float64(), _number),
    ("value_text", pa.string(), _text),
)
_OF_FAILURES: Final = (
    ("_request_id", pa.string(), attrgetter("request_id")),
    ("status", pa.int32(), attrgetter("status")),
    ("code", pa.string(), attrgetter("code")),
    ("feature", pa.string(), attrgetter("feature")),
    ("asked", pa.string(), attrgetter("asked")),
)

Column = tuple[str, pa.DataType, Callable[[Any], Any]]


def columns(kind: Kind, schema: Schema | None) -> list[Column]:
    """Return the columns of a kind: name, type, and how a line gives its value."""
    if kind is Kind.ACTUAL:
        return [*_WHERE_FROM, *_OF_ACTUALS]
    if kind is Kind.FAILURE or schema is None:
        return [*_WHERE_FROM, *_OF_FAILURES]
    features = [
        (feature.name, ARROW_TYPES[feature.type], attrgetter(f"inputs.{field_name(index)}"))
        for index, feature in enumerate(schema.features)
    ]
    outputs = [
        (name, ARROW_TYPES[output.type], attrgetter(f"outputs.{field_name(index)}"))
        for index, (name, output) in enumerate(zip(schema.output_columns, schema.outputs, strict=True))
    ]
    return [*_WHERE_FROM, *_OF_PREDICTIONS, *features, *outputs]


def table(lines: Sequence[Line], kind: Kind, schema: Schema | None, *, known: frozenset[str]) -> tuple[pa.Table, int]:
    """Return the rows of ``lines`` in the order (partition, sequence, index), and how many doubles were left out.

    Of lines with one id the first stays, and none whose id is among ``known``, those of earlier generations.
    """
    seen = set(known)
    kept: list[Line] = []
    for line in sorted(lines, key=attrgetter("partition", "sequence", "index")):
        if line.id not in seen:
            seen.add(line.id)
            kept.append(line)
    wanted = columns(kind, schema)
    arrays = [pa.array([value(line) for line in kept], type=arrow_type) for _, arrow_type, value in wanted]
    return pa.table(arrays, names=[name for name, _, _ in wanted]), len(lines) - len(kept)

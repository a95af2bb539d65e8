"""The lines of an hour log, decoded once and strictly: by kind, and for predictions by the version's schema."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final, TypeAlias, cast

import msgspec

from shared.capture.records import Kind
from shared.schema import Feature, FeatureType, Output, Schema


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """What every line has: where it came from, and its record's id."""

    partition: int
    sequence: int
    index: int
    enqueued_at: datetime
    id: str
    at: datetime


class ActualLine(Line, frozen=True, kw_only=True):
    """An actual."""

    prediction_id: str | None = None
    external_id: str | None = None
    value: float | int | bool | str


class FailureLine(Line, frozen=True, kw_only=True):
    """A request that failed."""

    request_id: str
    status: int
    code: str
    feature: str | None = None
    asked: str | None = None


LineType: TypeAlias = type[Line]

TYPES: Final[dict[FeatureType, Any]] = {
    FeatureType.FLOAT: float,
    FeatureType.INTEGER: int,
    FeatureType.BOOLEAN: bool,
    FeatureType.CATEGORY: str,
    FeatureType.STRING: str,
}


def line_type(kind: Kind, schema: Schema | None) -> LineType:
    """Return the type of a kind's lines; predictions have the version's features and outputs.

    Raises:
        TypeError: predictions without a schema.
    """
    if kind is Kind.ACTUAL:
        return ActualLine
    if kind is Kind.FAILURE:
        return FailureLine
    if schema is None:
        raise TypeError("predictions are read by their version's schema")
    made: Any = msgspec.defstruct(
        "PredictionLine",
        [
            ("request_id", str),
            ("row", int),
            ("external_id", str | None, None),
            ("latency_ms", float),
            ("weight", int, 1),
            ("inputs", _values("Inputs", schema.features)),
            # A model may answer with no number at all (NaN), which JSON says as null.
            ("outputs", _values("Outputs", schema.outputs)),
        ],
        bases=(Line,),
        frozen=True,
        kw_only=True,
    )
    return cast("LineType", made)


def decode(data: bytes, kind: LineType) -> tuple[list[Line], list[tuple[bytes, str]]]:
    """Read lines, and return those that can be read, and those that cannot with the reason."""
    decoder = msgspec.json.Decoder(kind)
    try:
        return decoder.decode_lines(data), []
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        # Not splitlines, which also parts a line where a record has a carriage return between its members.
        return _one_by_one(data.removesuffix(b"\n").split(b"\n"), decoder)


def _one_by_one(
    lines: Sequence[bytes], decoder: "msgspec.json.Decoder[Line]"
) -> tuple[list[Line], list[tuple[bytes, str]]]:
    read: list[Line] = []
    unreadable: list[tuple[bytes, str]] = []
    for line in lines:
        try:
            read.append(decoder.decode(line))
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
            unreadable.append((line, str(error)))
    return read, unreadable


def _values(name: str, of: Iterable[Feature | Output]) -> type[msgspec.Struct]:
    """Make a type with one field each, named by number, because a feature's name may be no name in Python."""
    named = [(field_name(index), one) for index, one in enumerate(of)]
    fields = [(own, TYPES[one.type] | None, None) for own, one in named]
    return msgspec.defstruct(name, fields, rename={own: one.name for own, one in named}, frozen=True, kw_only=True)


def field_name(index: int) -> str:
    """Return the attribute under which the feature or output of this place in the schema is decoded."""
    return f"v{index}"

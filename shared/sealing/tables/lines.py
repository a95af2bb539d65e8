"""The lines of an hour log, decoded once and strictly: by kind, and for predictions by the version's schema."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Final, TypeAlias, cast

import msgspec

from shared.capture.records import CONTROL, Kind, Origin
from shared.schema import Feature, FeatureType, Output, Schema
from shared.sealing.tables.logs import origin_of

Int32: TypeAlias = Annotated[int, msgspec.Meta(ge=-(2**31), le=2**31 - 1)]
Int64: TypeAlias = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
"""What a column can hold: a number beyond it would stop not one line but the hour, at every try."""
Rows: TypeAlias = Annotated[int, msgspec.Meta(ge=1, le=2**31 - 1)]
"""The rows of a request, so few that sums of them fit in 64 bits: beyond that no window could be judged any more."""
Id: TypeAlias = Annotated[
    str, msgspec.Meta(pattern=r"^(?:[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|[0-9a-fA-F]{32})\Z")
]
"""A UUID, as capture takes it: ids are compared as the bits they stand for."""
Moment: TypeAlias = Annotated[datetime, msgspec.Meta(tz=True)]

_PIECE_BYTES: Final = 256 * 1024


class Placed(msgspec.Struct, frozen=True, kw_only=True):
    """What every line has: where it came from."""

    partition: Int32
    sequence: Int64
    index: Int32
    enqueued_at: Moment


class DeadLine(Placed, frozen=True, kw_only=True):
    """A dead letter, without what it is about."""

    reason: str
    part: bool = False
    size_bytes: Int64
    sha256: str


class Line(Placed, frozen=True, kw_only=True):
    """What the line of a record has."""

    id: Id
    at: Moment


class ActualLine(Line, frozen=True, kw_only=True):
    """An actual."""

    prediction_id: str | None = None
    external_id: str | None = None
    value: float | Int64 | bool | str


class FailureLine(Line, frozen=True, kw_only=True):
    """A request that failed."""

    request_id: str
    status: Int32
    code: str
    feature: str | None = None
    asked: str | None = None
    rows: Rows | None = None


LineType: TypeAlias = type[Placed]

TYPES: Final[dict[FeatureType, Any]] = {
    FeatureType.FLOAT: float,
    FeatureType.INTEGER: Int64,
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
    if kind is Kind.DEAD:
        return DeadLine
    if schema is None:
        raise TypeError("predictions are read by their version's schema")
    made: Any = msgspec.defstruct(
        "PredictionLine",
        [
            ("request_id", str),
            ("row", Int32),
            ("external_id", str | None, None),
            ("latency_ms", float),
            ("weight", Int32, 1),
            ("inputs", _values("Inputs", schema.features)),
            # A model may answer with no number at all (NaN), which JSON says as null.
            ("outputs", _values("Outputs", schema.outputs)),
        ],
        bases=(Line,),
        frozen=True,
        kw_only=True,
    )
    return cast("LineType", made)


@dataclass(frozen=True, slots=True)
class Decoded:
    """Lines of one log.

    Attributes:
        read: those that can be read, in their order.
        unreadable: those that cannot, with the reason.
        places: (sequence, index) of every line, in the order they stand there: an event belongs to the log that it has
            a line in, whether that can be read or not. Of dead letters, only of those that are not a part of an event
            that is in another log.
    """

    read: list[Placed]
    unreadable: list[tuple[bytes, str]]
    places: list[tuple[int, int]]


def pieces(data: bytes) -> Iterator[bytes]:
    """Part a log into pieces of whole lines, of about 256 KiB."""
    begin = 0
    while begin < len(data):
        end = data.rfind(b"\n", begin, begin + _PIECE_BYTES) + 1 or data.find(b"\n", begin) + 1 or len(data)
        yield data[begin:end]
        begin = end


def decode(data: bytes, kind: LineType, *, path: str) -> Decoded:
    """Read lines of the log at ``path``, each as it is; those that are about the log itself are passed over.

    One line that is no record sends all of ``data`` down the slow path, and so a log is read in ``pieces``.

    Raises:
        InvalidDocument: a line that cannot be read does not say where it came from either, so that the log was damaged:
            which event it is of nobody knows, and what is left of the log would be counted as all of it.
    """
    decoder = msgspec.json.Decoder(kind)
    try:
        read = decoder.decode_lines(data)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return _one_by_one(data, decoder, path)
    counted = [line for line in read if _counts(line)] if kind is DeadLine else read
    return Decoded(read, [], [(line.sequence, line.index) for line in counted])


def _counts(line: Placed | Origin) -> bool:
    return not (isinstance(line, DeadLine) and line.part)


def _one_by_one(data: bytes, decoder: "msgspec.json.Decoder[Placed]", path: str) -> Decoded:
    decoded = Decoded([], [], [])
    # Not splitlines, which also parts a line where a record has a carriage return between its members.
    for line in data.removesuffix(b"\n").split(b"\n"):
        if line.startswith(CONTROL):
            continue
        origin: Placed | Origin
        try:
            origin = decoder.decode(line)
            decoded.read.append(origin)
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
            origin = origin_of(line, path)
            decoded.unreadable.append((line, str(error)))
        if _counts(origin):
            decoded.places.append((origin.sequence, origin.index))
    return decoded


def _values(name: str, of: Iterable[Feature | Output]) -> type[msgspec.Struct]:
    """Make a type with one field each, named by number, because a feature's name may be no name in Python."""
    named = [(field_name(index), one) for index, one in enumerate(of)]
    fields = [(own, TYPES[one.type] | None, None) for own, one in named]
    return msgspec.defstruct(name, fields, rename={own: one.name for own, one in named}, frozen=True, kw_only=True)


def field_name(index: int) -> str:
    """Return the attribute under which the feature or output of this place in the schema is decoded."""
    return f"v{index}"

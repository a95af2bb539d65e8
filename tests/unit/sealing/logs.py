"""Lines of hour logs, as capture writes them."""

from datetime import UTC, datetime
from typing import Any

import msgspec
import pyarrow as pa

from shared.capture.records import CONTROL, Event, Kind, lines
from shared.schema import Feature, FeatureType, Output, Schema
from shared.sealing.tables.lines import Line, decode, line_type
from shared.sealing.tables.rows import read, table

ENQUEUED_AT = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)

SCHEMA = Schema(
    features=(
        Feature(name="temp", type=FeatureType.FLOAT, nullable=True),
        Feature(name="seats", type=FeatureType.INTEGER),
        Feature(name="rain", type=FeatureType.BOOLEAN),
        Feature(name="carrier", type=FeatureType.CATEGORY, categories=("AA", "UA")),
        Feature(name="the tail-number, if known", type=FeatureType.STRING, nullable=True),
        Feature(name="class", type=FeatureType.STRING),
    ),
    outputs=(
        Output(name="late", type=FeatureType.BOOLEAN),
        Output(name="probability of 1", type=FeatureType.FLOAT),
    ),
)
INPUTS: dict[str, Any] = {
    "temp": 1.5,
    "seats": 3,
    "rain": True,
    "carrier": "AA",
    "the tail-number, if known": None,
    "class": "b",
}
OUTPUTS: dict[str, Any] = {"late": True, "probability of 1": 0.75}


def record_id(number: int) -> str:
    return f"0195d2b4-7c00-7000-8000-{number:012d}"


def prediction(number: int = 1, **members: Any) -> bytes:  # noqa: ANN401 - any member may be anything
    """Return the record of a prediction, with members replaced."""
    whole = {
        "format": 1,
        "id": record_id(number),
        "kind": "prediction",
        "model": "flights",
        "version": "1",
        "request_id": "request",
        "row": 0,
        "external_id": None,
        "at": ENQUEUED_AT.isoformat(),
        "inputs": INPUTS,
        "outputs": OUTPUTS,
        "latency_ms": 1.25,
        "weight": 1,
    }
    return msgspec.json.encode({**whole, **members})


def actual(number: int = 1, **members: Any) -> bytes:  # noqa: ANN401 - any member may be anything
    """Return the record of an actual, with members replaced."""
    whole = {
        "format": 1,
        "id": record_id(number),
        "kind": "actual",
        "model": "flights",
        "prediction_id": None,
        "external_id": "AA1",
        "at": ENQUEUED_AT.isoformat(),
        "value": 1,
    }
    return msgspec.json.encode({**whole, **members})


def logged(*records: bytes, sequence: int = 7, partition: int = 0) -> bytes:
    """Return the lines of one event."""
    event = Event(sequence, ENQUEUED_AT, b"\n".join(records))
    return lines(enumerate(records), event, partition=str(partition))


def without_control_lines(log: bytes) -> bytes:
    """Return the lines of a log that are of records."""
    return b"".join(line for line in log.splitlines(keepends=True) if not line.startswith(CONTROL))


def predictions(*lines: bytes) -> list[Line]:
    """Decode lines that can all be read."""
    decoded = decode(b"".join(lines), line_type(Kind.PREDICTION, SCHEMA), path=log_name())
    assert not decoded.unreadable
    return [line for line in decoded.read if isinstance(line, Line)]


def log_name(incarnation: str = "a", partition: int = 0, roll: int = 0) -> str:
    """Return the path of a log."""
    return f"captures/logs/date=2026-03-01/hour=09/{incarnation}-p{partition}-r{roll}.jsonl"


def table_of(*logs: bytes, kind: Kind = Kind.PREDICTION) -> pa.Table:
    """Return the rows of logs, which are rolls of one."""
    schema = SCHEMA if kind is Kind.PREDICTION else None
    by_path = {log_name(roll=roll): log for roll, log in enumerate(logs)}
    return table({path: read(log, kind, schema, path=path).rows for path, log in by_path.items()})

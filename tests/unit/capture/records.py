"""Records and events to test with."""

from datetime import UTC, datetime
from typing import Any

import msgspec

from shared.capture.reading import DeadLetter, Read
from shared.capture.records import Event

ENQUEUED_AT = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
PARTITION = "3"
ID = "0195d2b4-7c00-7000-8000-000000000001"


def record(**members: Any) -> bytes:  # noqa: ANN401 - any member may be anything
    """Return a readable prediction, with members added or replaced."""
    return msgspec.json.encode({"id": ID, "kind": "prediction", "model": "flights", "version": "1", **members})


def event(*records: bytes, sequence: int = 7) -> Event:
    return Event(sequence, ENQUEUED_AT, b"\n".join(records))


def lines(read: Read) -> list[dict[str, Any]]:
    """Return the lines of the log."""
    return [msgspec.json.decode(one) for one in read.entry.data.splitlines()]


def letters(read: Read) -> list[DeadLetter]:
    """Return the dead letters."""
    data = b"" if read.dead is None else read.dead.data
    return msgspec.json.Decoder(DeadLetter).decode_lines(data)

"""Records and events: what goes over the wire, and what is written in an hour log.

An event carries one or more records of one kind, model and version, each one line of JSON.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Final, Literal, TypeAlias

import msgspec

from shared.documents import FORMAT
from shared.errors import RequestTooLarge
from shared.hours import Hour
from shared.ids import NONE

MOST_RECORD_BYTES: Final = 256 * 1024
MOST_EVENT_BYTES: Final = 512 * 1024


class Kind(StrEnum):
    """What a record is about."""

    PREDICTION = "prediction"
    ACTUAL = "actual"
    FAILURE = "failure"
    DEAD = "_dead"
    """A dead letter: never what a record says of itself."""


class Actual(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=False):
    """The record of what turned out to be true, for the prediction with an id, or those with an external id."""

    format: int = FORMAT
    id: str
    kind: Literal["actual"] = "actual"
    model: str
    prediction_id: str | None
    external_id: str | None
    at: str
    value: float | int | bool | str


@dataclass(frozen=True, slots=True, order=True)
class Shelf:
    """Where records belong together: one kind, model and version."""

    kind: Kind
    model: str
    version: str

    @property
    def folder(self) -> str:
        """Return its part of a path, without the slash at the end.

        >>> Shelf(Kind.PREDICTION, "flights", "1").folder
        'kind=prediction/model=flights/version=1'
        """
        return f"kind={self.kind}/model={self.model}/version={self.version}"

    @classmethod
    def at_path(cls, path: str) -> "Shelf":
        """Read it out of a blob's path, where ``folder`` wrote it."""
        parts = dict(part.split("=", 1) for part in path.split("/") if "=" in part)
        return cls(Kind(parts["kind"]), parts["model"], parts["version"])


DEAD_SHELF: Final = Shelf(Kind.DEAD, NONE, NONE)
"""Where dead letters are sealed, whatever they were about."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One event to be sent: records of one shelf, each one line of ``body``.

    ``replayed`` when it was set aside before, and may have been sent then.
    """

    shelf: Shelf
    body: bytes
    replayed: bool = False

    @property
    def records(self) -> int:
        """Return how many records it has."""
        return self.body.count(b"\n") + 1

    @property
    def properties(self) -> dict[str | bytes, str]:
        """Return what can be known of it without opening it."""
        shelf = self.shelf
        said: dict[str | bytes, str] = {"kind": str(shelf.kind), "model": shelf.model, "version": shelf.version}
        said["records"] = str(self.records)
        if self.replayed:
            said["replayed"] = "true"
        return said


@dataclass(frozen=True, slots=True)
class Event:
    """One event as the hub delivered it; ``enqueued_at`` is the hub's time."""

    sequence: int
    enqueued_at: datetime
    body: bytes


@dataclass(frozen=True, slots=True)
class Entry:
    """All lines of one event for one log; they go out in one append."""

    sequence: int
    data: bytes


def log_folder(shelf: Shelf, hour: Hour) -> str:
    """Return where the logs of an hour are, ending in a slash."""
    return f"captures/logs/{shelf.folder}/{hour.folder}/"


def dead_folder(hour: Hour) -> str:
    """Return where the dead letters of an hour are, ending in a slash."""
    return f"captures/dead/{hour.folder}/"


def refused_folder(shelf: Shelf, hour: Hour) -> str:
    """Return where the events of an hour's log are that storage refused, ending in a slash.

    A log of dead letters is in the order of sequence numbers, like any other. What storage refuses is known only while
    its own log is written, log by log, so each has one of its own.
    """
    return f"{dead_folder(hour)}{shelf.folder}/"


def check_size(record: bytes) -> None:
    """Hold a record against the limit.

    Raises:
        RequestTooLarge: it is over 256 KiB.
    """
    if len(record) > MOST_RECORD_BYTES:
        raise RequestTooLarge("too many bytes in a row's record", size=len(record), limit=MOST_RECORD_BYTES)


def pack(records: Iterable[bytes]) -> Iterator[bytes]:
    """Join records, each one line of JSON, into the bodies of as few events as their order allows.

    Raises:
        RequestTooLarge: a record is over 256 KiB.
    """
    body = bytearray()
    for record in records:
        check_size(record)
        if body and len(body) + 1 + len(record) > MOST_EVENT_BYTES:
            yield bytes(body)
            body.clear()
        if body:
            body += b"\n"
        body += record
    if body:
        yield bytes(body)


def lines(records: Iterable[tuple[int, bytes]], event: Event, *, partition: str) -> bytes:
    """Return records of an event as they stand in a log: each with where it came from put first.

    Each comes with its index within the event. Of several each says how many they are, so that whichever is lost, one of the others tells.
    """
    before = b'{"partition":%s,"sequence":%d,"index":' % (partition.encode(), event.sequence)
    after = b',"enqueued_at":"%s",' % event.enqueued_at.isoformat().encode()
    records = list(records)
    if len(records) > 1:
        after += b'"lines":%d,' % len(records)
    parts: list[bytes] = []
    for index, record in records:
        parts += (before, b"%d" % index, after, record.lstrip()[1:], b"\n")
    return b"".join(parts)


_Number: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]


class Origin(msgspec.Struct, frozen=True, kw_only=True):
    """Where a record came from, as the first four members of its line say.

    After them stands ``lines``, where there are several of the event in its log.
    """

    partition: _Number
    sequence: _Number
    index: _Number
    enqueued_at: datetime

    @classmethod
    def of(cls, line: bytes) -> "Origin":
        """Read those four, which ``lines`` wrote, and no byte of the record after them, whatever that holds."""
        time = line.index(_ENQUEUED_AT) + len(_ENQUEUED_AT)
        return _ORIGINS.decode(line[: line.index(b'"', time) + 1] + b"}")


class Tail(msgspec.Struct, frozen=True, kw_only=True):
    """What the last line of a log says of the log: up to which event everything is in it; ``enqueued_at`` as it stands."""

    sequence: int
    enqueued_at: str


def control_line(what: Literal["opened", "closed"], last: Tail) -> bytes:
    """Return the line that closes a log, or opens the next roll of it: ``last`` is the last event before it."""
    return b'%s"%s","sequence":%d,"enqueued_at":"%s"}\n' % (
        CONTROL,
        what.encode(),
        last.sequence,
        last.enqueued_at.encode(),
    )


CONTROL: Final = b'{"control":'
"""How control lines begin, and no other: the line of a record begins with its partition."""

_ENQUEUED_AT = b'"enqueued_at":"'
_ORIGINS = msgspec.json.Decoder(Origin)

"""Records and events: what goes over the wire, and what is written in an hour log.

An event carries one or more records of one kind, model and version, each one line of JSON. Capture reads the envelope
alone; inputs and outputs stay the bytes they are until their hour is sealed.
"""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, Literal
from uuid import UUID

import msgspec
from msgspec import UNSET

from shared.documents import FORMAT
from shared.errors import InvalidRecord, RequestTooLarge
from shared.hours import Hour
from shared.ids import NONE, UNKNOWN, is_name

MOST_RECORD_BYTES: Final = 256 * 1024
MOST_EVENT_BYTES: Final = 512 * 1024
MOST_FOREIGN_EVENT_BYTES: Final = 1024 * 1024
"""What is read of somebody else's event: the hub's own limit. Its lines, or its dead letters, fit into one append."""
MOST_EVENT_RECORDS: Final = 4_096


class Kind(StrEnum):
    """What a record is about."""

    PREDICTION = "prediction"
    ACTUAL = "actual"
    FAILURE = "failure"


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


class Envelope(msgspec.Struct, frozen=True):
    """The part of a record that says where it belongs, and what a record must not have: the members of an origin."""

    id: UUID
    kind: str
    model: str
    version: str | None = None
    format: int = FORMAT
    partition: Any = UNSET
    sequence: Any = UNSET
    index: Any = UNSET
    enqueued_at: Any = UNSET


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


@dataclass(frozen=True, slots=True)
class Read:
    """What is in an event: its entry and where that belongs (None without a readable record), and its dead lines.

    ``records`` are the readable records themselves, each with its index within the event.
    """

    shelf: Shelf | None
    entry: Entry
    records: tuple[tuple[int, bytes], ...]
    dead: Entry | None


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


def pack(records: Iterable[bytes]) -> Iterator[bytes]:
    """Join records, each one line of JSON, into the bodies of as few events as their order allows.

    Raises:
        RequestTooLarge: a record is over 256 KiB.
    """
    body = bytearray()
    for record in records:
        if len(record) > MOST_RECORD_BYTES:
            raise RequestTooLarge("too many bytes in a row's record", size=len(record), limit=MOST_RECORD_BYTES)
        if body and len(body) + 1 + len(record) > MOST_EVENT_BYTES:
            yield bytes(body)
            body.clear()
        if body:
            body += b"\n"
        body += record
    if body:
        yield bytes(body)


def read_envelope(record: bytes) -> tuple[Envelope, Shelf]:
    """Read where a record belongs.

    Raises:
        InvalidRecord: it is not JSON, not of a known kind and format, or its names are none.
    """
    try:
        envelope = _ENVELOPES.decode(record)
        record.decode()  # what the decoder skips, it does not look into
    except UnicodeDecodeError as error:
        raise InvalidRecord(f"it is not UTF-8 at byte {error.start}") from None
    except (msgspec.DecodeError, RecursionError) as error:
        raise InvalidRecord(str(error)) from None
    if envelope.format > FORMAT:
        raise InvalidRecord(f"format {envelope.format}, and this app reads up to {FORMAT}")
    if envelope.kind not in _KINDS:
        raise InvalidRecord("it is of no known kind")
    if not (envelope.partition is envelope.sequence is envelope.index is envelope.enqueued_at is UNSET):
        # Its line would have the member twice, and the second would count: a log would end where the record says.
        raise InvalidRecord("it has a member that says where a line came from")
    version = envelope.version or NONE
    if not (is_name(envelope.model) or envelope.model == UNKNOWN) or not (is_name(version) or version == NONE):
        raise InvalidRecord("its model or version is no name")
    if len(record) > MOST_RECORD_BYTES:
        raise InvalidRecord(f"it has {len(record)} bytes, and {MOST_RECORD_BYTES} is the limit")
    return envelope, Shelf(Kind(envelope.kind), envelope.model, version)


def read_event(event: Event, partition: str) -> Read:
    """Read one event into the lines of its log, and dead lines for the records that cannot be read.

    The first readable record says where the event belongs; one that says otherwise is dead. An event with more bytes
    or records than any of ours is dead as a whole, in one line: it is not taken apart.
    """
    problem = _problem_of_size(event.body)
    if problem is not None:
        whole = dead_line(event.body, event, partition=partition, index=0, reason=problem, readable=False, part=False)
        return Read(None, Entry(event.sequence, b""), (), Entry(event.sequence, whole))
    shelf: Shelf | None = None
    records: list[tuple[int, bytes]] = []
    dead: list[tuple[int, bytes, str]] = []
    for index, record in enumerate(event.body.split(b"\n")):
        try:
            _, its_shelf = read_envelope(record)
        except InvalidRecord as invalid:
            dead.append((index, record, invalid.reason))
            continue
        if shelf is None:
            shelf = its_shelf
        elif shelf != its_shelf:
            dead.append((index, record, "it belongs elsewhere than the first record of its event"))
            continue
        records.append((index, record))
    dead_lines = [
        dead_line(record, event, partition=partition, index=index, reason=reason, readable=False, part=bool(records))
        for index, record, reason in dead
    ]
    lines = [line(record, event, partition=partition, index=index) for index, record in records]
    return Read(
        shelf,
        Entry(event.sequence, b"".join(lines)),
        tuple(records),
        Entry(event.sequence, b"".join(dead_lines)) if dead_lines else None,
    )


def dead_records(read: Read, event: Event, partition: str, *, reason: str) -> Entry:
    """Return the dead lines of an event's readable records, which have no place."""
    return Entry(
        event.sequence,
        b"".join(
            dead_line(record, event, partition=partition, index=index, reason=reason, readable=True, part=False)
            for index, record in read.records
        ),
    )


def _problem_of_size(body: bytes) -> str | None:
    if len(body) > MOST_FOREIGN_EVENT_BYTES:
        return f"the event has {len(body)} bytes, and {MOST_FOREIGN_EVENT_BYTES} is the limit"
    records = body.count(b"\n") + 1
    if records > MOST_EVENT_RECORDS:
        return f"the event has {records} records, and {MOST_EVENT_RECORDS} is the limit"
    return None


def line(record: bytes, event: Event, *, partition: str, index: int) -> bytes:
    """Return a record as it stands in a log: itself, with where it came from put first."""
    return b'{"partition":%s,"sequence":%d,"index":%d,"enqueued_at":"%s",%s\n' % (
        partition.encode(),
        event.sequence,
        index,
        event.enqueued_at.isoformat().encode(),
        record.lstrip()[1:],
    )


def dead_line(
    record: bytes, event: Event, *, partition: str, index: int, reason: str, readable: bool, part: bool
) -> bytes:
    """Return a dead letter: bytes that cannot be read are kept as length and SHA-256 only.

    ``part`` says that other records of the event are in a log, so that the event is not counted among the dead.
    """
    origin = Origin(partition=int(partition), sequence=event.sequence, index=index, enqueued_at=event.enqueued_at)
    return _letter(record, origin, reason=reason, readable=readable, part=part)


def dead_part(line: bytes, reason: str) -> bytes:
    """Return a dead letter for a log's line whose record turned out not to fit its schema."""
    return _letter(line, Origin.of(line), reason=reason, readable=False, part=True)


class Origin(msgspec.Struct, frozen=True, kw_only=True):
    """Where a record came from, as the first four members of its line say."""

    partition: int
    sequence: int
    index: int
    enqueued_at: datetime

    @classmethod
    def of(cls, line: bytes) -> "Origin":
        """Read those four, which ``line`` wrote, and no byte of the record after them, whatever that holds."""
        time = line.index(_ENQUEUED_AT) + len(_ENQUEUED_AT)
        return _ORIGINS.decode(line[: line.index(b'"', time) + 1] + b"}")


def _letter(record: bytes, origin: Origin, *, reason: str, readable: bool, part: bool) -> bytes:
    letter = DeadLetter(
        partition=origin.partition,
        sequence=origin.sequence,
        index=origin.index,
        enqueued_at=origin.enqueued_at,
        reason=reason,
        part=part,
        size_bytes=len(record),
        sha256=hashlib.sha256(record).hexdigest(),
        record=msgspec.Raw(record) if readable else None,
    )
    return msgspec.json.encode(letter) + b"\n"


class DeadLetter(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One record set aside, and why."""

    partition: int
    sequence: int
    index: int
    enqueued_at: datetime
    reason: str
    part: bool = False
    size_bytes: int
    sha256: str
    record: msgspec.Raw | None = None


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


def without_control_lines(lines: bytes) -> bytes:
    """Return whole lines of a log but for those that are about the log itself."""
    if not lines.startswith(CONTROL) and b"\n" + CONTROL not in lines:
        return lines
    kept = [line for line in lines.removesuffix(b"\n").split(b"\n") if not line.startswith(CONTROL)]
    return b"".join(line + b"\n" for line in kept)


CONTROL: Final = b'{"control":'
"""How control lines begin, and no other: the line of a record begins with its partition."""

_ENQUEUED_AT = b'"enqueued_at":"'
_KINDS = frozenset(Kind)
_ENVELOPES = msgspec.json.Decoder(Envelope)
_ORIGINS = msgspec.json.Decoder(Origin)

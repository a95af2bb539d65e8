"""Messages as they lie on the wire: sections, the annotations of the hub, batches.

A message is kept as its sender encoded it, to the byte. Only the section of message annotations is put together again,
from the sender's own pairs and those of the hub.

Source: OASIS AMQP 1.0, part 3.2 (message format).
"""

import struct
from dataclasses import dataclass
from typing import Final, Self, TypeAlias

from infra.local.eventhubs.codec import Reader, encode
from infra.local.eventhubs.errors import Malformed
from infra.local.eventhubs.values import Described, Int, Symbol, Timestamp, Ulong, Value

# The message format of a transfer whose data sections are each an encoded message.
BATCH_FORMAT: Final = 0x80013700

_HEADER, _DELIVERY_ANNOTATIONS, _MESSAGE_ANNOTATIONS = 0x70, 0x71, 0x72
_PROPERTIES, _APPLICATION_PROPERTIES, _DATA, _VALUE, _FOOTER = 0x73, 0x74, 0x75, 0x77, 0x78

_PARTITION_KEY: Final = Symbol("x-opt-partition-key")
_SEQUENCE: Final = Symbol("x-opt-sequence-number")
_OFFSET: Final = Symbol("x-opt-offset")
_ENQUEUED: Final = Symbol("x-opt-enqueued-time")
# An event that was received and is sent on carries these already; the hub's own replace them.
_SET_BY_THE_HUB: Final = frozenset({_SEQUENCE, _OFFSET, _ENQUEUED})

_STAMP: Final = tuple(map(encode, (_SEQUENCE, _OFFSET, _ENQUEUED)))
_MAP_HEAD: Final = struct.Struct(">4sII")

Pairs: TypeAlias = tuple[tuple[str, bytes], ...]


@dataclass(frozen=True, slots=True)
class Message:
    """One message, taken apart around its annotations; a pair is a key and the bytes of key and value."""

    head: bytes
    pairs: Pairs
    tail: bytes
    size: int

    @classmethod
    def parse(cls, payload: bytes) -> Self:
        """Take ``payload`` apart.

        Raises:
            Malformed: it is not a sequence of message sections.
        """
        reader = Reader(payload)
        head, tail = 0, 0
        pairs: Pairs = ()
        while not reader.at_end:
            code = _section(reader)
            if code == _MESSAGE_ANNOTATIONS:
                pairs = _pairs(reader)
            else:
                reader.skip()
            if code < _MESSAGE_ANNOTATIONS:
                head = reader.position
            if code <= _MESSAGE_ANNOTATIONS:
                tail = reader.position
        return cls(payload[:head], pairs, payload[tail:], len(payload))

    @property
    def partition_key(self) -> str | None:
        """The sender's key; None when there is none, or one that is not text."""
        return _partition_key(self.pairs)

    def with_partition_key(self, key: str) -> "Message":
        """Return the message with ``key``, unless it has one."""
        if any(name == _PARTITION_KEY for name, _ in self.pairs):
            return self
        pair = (_PARTITION_KEY, encode(_PARTITION_KEY) + encode(key))
        return Message(self.head, (*self.pairs, pair), self.tail, self.size)

    def stamped(self, *, sequence: int, offset: int, enqueued_ms: int) -> bytes:
        """Return the message as receivers get it."""
        values = map(encode, (sequence, str(offset), Timestamp(enqueued_ms)))
        parts = [pair for _, pair in self.pairs]
        parts += [key + value for key, value in zip(_STAMP, values, strict=True)]
        body = b"".join(parts)
        map_head = _MAP_HEAD.pack(b"\x00\x53\x72\xd1", len(body) + 4, 2 * len(parts))
        return self.head + map_head + body + self.tail


def unbatch(payload: bytes) -> list[Message]:
    """Return the messages of a batch; a partition key on the batch is that of every message without one.

    Raises:
        Malformed: it is not a batch of messages.
    """
    reader = Reader(payload)
    messages = []
    key = None
    while not reader.at_end:
        code = _section(reader)
        if code == _MESSAGE_ANNOTATIONS:
            key = _partition_key(_pairs(reader))
        elif code == _DATA:
            inner = reader.value()
            if not isinstance(inner, bytes):
                raise Malformed("a data section without a binary")
            messages.append(Message.parse(inner))
        else:
            reader.skip()
    return [message.with_partition_key(key) for message in messages] if key else messages


def _section(reader: Reader) -> int:
    """Read the descriptor of the next section: ``00 53 <code>``, or the same as a long number."""
    if reader.take(1) != b"\x00":
        raise Malformed(f"a message section does not begin at {reader.position - 1}")
    code = reader.value()
    if not isinstance(code, Ulong) or not _HEADER <= code <= _FOOTER:
        raise Malformed(f"no such message section: {code!r}")
    return code


def _pairs(reader: Reader) -> Pairs:
    count, end = reader.enter()
    pairs = []
    for _ in range(count // 2):
        start = reader.position
        key = reader.value()
        reader.skip()
        if key not in _SET_BY_THE_HUB:
            pairs.append((str(key), reader.data[start : reader.position]))
    if reader.position != end:
        raise Malformed(f"annotations should end at {end}, not at {reader.position}")
    return tuple(pairs)


def _partition_key(pairs: Pairs) -> str | None:
    for name, pair in pairs:
        if name == _PARTITION_KEY:
            reader = Reader(pair)
            reader.skip()
            key = reader.value()
            return key if isinstance(key, str) else None
    return None


@dataclass(frozen=True, slots=True)
class Request:
    """A request to ``$cbs`` or ``$management``: its application properties and its body, if that is a value."""

    message_id: Value
    properties: dict[str, Value]
    value: Value

    @classmethod
    def parse(cls, payload: bytes) -> Self:
        """Read a request.

        Raises:
            Malformed: it is not a message.
        """
        reader = Reader(payload)
        sections: dict[int, Value] = {}
        while not reader.at_end:
            code = _section(reader)
            sections[code] = reader.value()
        properties = sections.get(_APPLICATION_PROPERTIES)
        fields = sections.get(_PROPERTIES)
        return cls(
            message_id=fields[0] if isinstance(fields, list) and fields else None,
            properties=properties if isinstance(properties, dict) else {},
            value=sections.get(_VALUE),
        )

    def answer(self, status: int, description: str, value: Value = None) -> bytes:
        """Return the encoded answer; clients of the two languages look for the status under different names."""
        status_properties = {
            "status-code": Int(status),
            "status-description": description,
            "statusCode": Int(status),
            "statusDescription": description,
        }
        sections: tuple[tuple[int, Value], ...] = (
            (_PROPERTIES, [None] * 5 + [self.message_id] + [None] * 7),
            (_APPLICATION_PROPERTIES, status_properties),
            (_VALUE, value),
        )
        return b"".join(encode(Described(Ulong(code), section)) for code, section in sections)

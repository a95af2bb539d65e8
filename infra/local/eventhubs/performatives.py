"""The performatives of AMQP 1.0: what arrives as structs, what is sent as functions that return bytes.

Everything is sent as a full list. Leaving out trailing nulls is legal, but azure-eventhub 5.15 reads fields by index
and fails on a shorter list.

Source: OASIS AMQP 1.0, part 2 (transport) and part 5.3 (SASL).
"""

import struct
from typing import Annotated, Any, Final, TypeAlias

import msgspec

from infra.local.eventhubs.codec import Reader, encode
from infra.local.eventhubs.errors import Malformed, Refused
from infra.local.eventhubs.values import Array, Described, Symbol, Ubyte, Uint, Ulong, Ushort, Value

U32: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=0xFFFFFFFF)]

# What this side announces: as the service does, except for the windows, which never close.
MAX_FRAME_BYTES: Final = 65_536
MAX_MESSAGE_BYTES: Final = 1_048_576
WINDOW: Final = 0x7FFFFFFF
_CHANNEL_MAX: Final = 4_999
_HANDLE_MAX: Final = 255

AMQP_FRAME, SASL_FRAME = 0, 1


class Open(msgspec.Struct, array_like=True, frozen=True):
    """A connection begins; time-outs are in milliseconds."""

    container_id: str
    hostname: str | None = None
    max_frame_size: U32 | None = None
    channel_max: U32 | None = None
    idle_time_out: U32 | None = None


class Begin(msgspec.Struct, array_like=True, frozen=True):
    """A session begins."""

    remote_channel: U32 | None
    next_outgoing_id: U32
    incoming_window: U32
    outgoing_window: U32


class Attach(msgspec.Struct, array_like=True, frozen=True):
    """A link begins; ``is_receiver`` is the role of whoever sent this."""

    name: str
    handle: U32
    is_receiver: bool
    snd_settle_mode: U32 | None = None
    rcv_settle_mode: U32 | None = None
    source: Any = None
    target: Any = None
    unsettled: Any = None
    incomplete_unsettled: bool | None = None
    initial_delivery_count: U32 | None = None
    max_message_size: int | None = None
    offered_capabilities: Any = None
    desired_capabilities: Any = None
    properties: dict[str, Any] | None = None


class Flow(msgspec.Struct, array_like=True, frozen=True):
    """How much the other side takes: of the session, and of a link if there is a handle."""

    next_incoming_id: U32 | None
    incoming_window: U32
    next_outgoing_id: U32
    outgoing_window: U32
    handle: U32 | None = None
    delivery_count: U32 | None = None
    link_credit: U32 | None = None
    available: U32 | None = None
    drain: bool | None = None
    echo: bool | None = None


class Transfer(msgspec.Struct, array_like=True, frozen=True):
    """A message or a part of one; the payload follows it in the frame."""

    handle: U32
    delivery_id: U32 | None = None
    delivery_tag: bytes | None = None
    message_format: U32 | None = None
    settled: bool | None = None
    more: bool | None = None
    rcv_settle_mode: U32 | None = None
    state: Any = None
    resume: bool | None = None
    aborted: bool | None = None


class Disposition(msgspec.Struct, array_like=True, frozen=True):
    """What became of messages; nothing depends on what receivers say here."""

    is_receiver: bool


class Detach(msgspec.Struct, array_like=True, frozen=True):
    """A link ends."""

    handle: U32
    closed: bool | None = None


class End(msgspec.Struct, array_like=True, frozen=True):
    """A session ends."""


class Close(msgspec.Struct, array_like=True, frozen=True):
    """The connection ends."""


class SaslInit(msgspec.Struct, array_like=True, frozen=True):
    """The client's choice of a mechanism."""

    mechanism: str
    initial_response: bytes | None = None


Performative: TypeAlias = Open | Begin | Attach | Flow | Transfer | Disposition | Detach | End | Close | SaslInit

_BY_CODE: Final[dict[int, type[Performative]]] = {
    0x10: Open,
    0x11: Begin,
    0x12: Attach,
    0x13: Flow,
    0x14: Transfer,
    0x15: Disposition,
    0x16: Detach,
    0x17: End,
    0x18: Close,
    0x41: SaslInit,
}


def parse(body: bytes) -> tuple[Performative, bytes]:
    """Read the body of a frame: the performative and the payload behind it.

    Raises:
        Malformed: it is not a performative, or one with fields of other types.
    """
    reader = Reader(body)
    described = reader.value()
    if not isinstance(described, Described) or not isinstance(described.descriptor, Ulong):
        raise Malformed("a frame without a performative")
    kind = _BY_CODE.get(described.descriptor)
    if kind is None:
        raise Malformed(f"no such performative: {described.descriptor:#x}")
    try:
        return msgspec.convert(described.value, kind), body[reader.position :]
    except msgspec.ValidationError as error:
        raise Malformed(f"{kind.__name__}: {error}") from error


def frame(channel: int, body: bytes, kind: int = AMQP_FRAME) -> bytes:
    """Put a frame around ``body``."""
    return struct.pack(">IBBH", len(body) + 8, 2, kind, channel) + body


def open_(*, idle_time_out_ms: int) -> bytes:
    """Begin the connection."""
    limits = [Uint(MAX_FRAME_BYTES), Ushort(_CHANNEL_MAX), Uint(idle_time_out_ms)]
    return _described(0x10, ["driftline-eventhubs", None, *limits, None, None, None, None, None])


def begin(remote_channel: int) -> bytes:
    """Answer a begin."""
    windows = [Uint(0), Uint(WINDOW), Uint(WINDOW), Uint(_HANDLE_MAX)]
    return _described(0x11, [Ushort(remote_channel), *windows, None, None, None])


def attach(answered: Attach, *, source: str | None, target: str | None, granted: bool) -> bytes:
    """Answer an attach; a link that is not ``granted`` is attached without its end here, and detached at once."""
    is_receiver = not answered.is_receiver
    ends = [
        None if not (granted or is_receiver) else Described(Ulong(0x28), [source, *[None] * 10]),
        None if not granted and is_receiver else Described(Ulong(0x29), [target, *[None] * 6]),
    ]
    return _described(
        0x12,
        [
            answered.name,
            Uint(answered.handle),
            is_receiver,
            Ubyte(answered.snd_settle_mode if answered.snd_settle_mode in {0, 1} else 2),
            Ubyte(0),
            *ends,
            None,
            None,
            None if is_receiver else Uint(0),
            Ulong(MAX_MESSAGE_BYTES),
            None,
            None,
            None,
        ],
    )


def flow(next_incoming_id: int, next_outgoing_id: int, link: tuple[int, int, int] | None, *, drain: bool) -> bytes:
    """Say what this side takes; ``link`` is handle, delivery count and credit."""
    session = [Uint(next_incoming_id), Uint(WINDOW), Uint(next_outgoing_id), Uint(WINDOW)]
    of_link = [Uint(number) for number in link] if link else [None] * 3
    return _described(0x13, [*session, *of_link, None, drain, False, None])


def transfer(handle: int, delivery_id: int, payload: bytes, *, settled: bool, more: bool) -> bytes:
    """Send a message or a part of one; deliveries that are settled at once need no tag of their own."""
    tag = b"\x00" if settled else delivery_id.to_bytes(4)
    fields = [Uint(handle), Uint(delivery_id), tag, Uint(0), settled, more, None, None, None, None, None]
    return _described(0x14, fields) + payload


def accepted(delivery_id: int) -> bytes:
    """Settle a message that is kept."""
    return _disposition(delivery_id, Described(Ulong(0x24), []))


def rejected(delivery_id: int, reason: Refused) -> bytes:
    """Settle a message that is not."""
    return _disposition(delivery_id, Described(Ulong(0x25), [_error(reason)]))


def _disposition(delivery_id: int, state: Described) -> bytes:
    return _described(0x15, [True, Uint(delivery_id), Uint(delivery_id), True, state, False])


def detach(handle: int, reason: Refused | None, *, closed: bool) -> bytes:
    """End a link."""
    return _described(0x16, [Uint(handle), closed, _error(reason)])


def end() -> bytes:
    """End a session."""
    return _described(0x17, [None])


def close(reason: Refused | None) -> bytes:
    """End the connection."""
    return _described(0x18, [_error(reason)])


def sasl_mechanisms(*names: str) -> bytes:
    """Offer mechanisms."""
    return _described(0x40, [Array(map(Symbol, names))])


def sasl_outcome(*, granted: bool) -> bytes:
    """Say whether the client is who it says."""
    return _described(0x44, [Ubyte(0 if granted else 1), None])


def _described(code: int, fields: list[Value]) -> bytes:
    return encode(Described(Ulong(code), fields))


def _error(reason: Refused | None) -> Described | None:
    return Described(Ulong(0x1D), [Symbol(reason.condition), reason.description, None]) if reason else None

"""Bytes of a stream to protocol headers and frames."""

import struct
from typing import Final, NamedTuple

from infra.local.eventhubs.errors import Malformed

HEADER_BYTES: Final = 8
AMQP_HEADER: Final = b"AMQP\x00\x01\x00\x00"
SASL_HEADER: Final = b"AMQP\x03\x01\x00\x00"
EMPTY_FRAME: Final = b"\x00\x00\x00\x08\x02\x00\x00\x00"

_FRAME: Final = struct.Struct(">IBBH")
_WORD: Final = 4


class Frame(NamedTuple):
    """A frame without its head; an empty ``body`` only says that the sender lives."""

    kind: int
    channel: int
    body: bytes


class FrameBuffer:
    """What has arrived and not been read."""

    def __init__(self, max_frame_bytes: int) -> None:
        self._max_frame_bytes = max_frame_bytes
        self._bytes = bytearray()

    def feed(self, data: bytes) -> None:
        self._bytes += data

    def header(self) -> bytes | None:
        """Take a protocol header; None until it is complete."""
        return self._take(HEADER_BYTES) if len(self._bytes) >= HEADER_BYTES else None

    def frame(self) -> Frame | None:
        """Take a frame; None until it is complete.

        Raises:
            Malformed: its head promises what no frame can keep.
        """
        if len(self._bytes) < _FRAME.size:
            return None
        size, offset, kind, channel = _FRAME.unpack_from(self._bytes)
        start = offset * _WORD
        if not _FRAME.size <= start <= size <= self._max_frame_bytes:
            raise Malformed(f"a frame of {size} bytes whose body begins at {start}")
        if len(self._bytes) < size:
            return None
        return Frame(kind, channel, self._take(size)[start:])

    def _take(self, size: int) -> bytes:
        taken = bytes(self._bytes[:size])
        del self._bytes[:size]
        return taken

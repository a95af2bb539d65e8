"""One file of a partition's log: records of events, found again by sequence number, offset or time.

A record is what one delivery brought, so a batch is in whole or not at all. Its head says where the log stood before
it (last sequence number, last offset). Every segment opens with a record without events, so that numbers go on even
when everything before it was deleted.
"""

import errno
import os
import struct
import time
import zlib
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, NamedTuple, TypeAlias

# body bytes, CRC-32 of what follows, last sequence before, last offset before, enqueued time, events
_HEAD: Final = struct.Struct(">IIqqqI")
_AFTER_CRC: Final = 8
_EVENT: Final = struct.Struct(">Iq")  # bytes, offset

Bisect: TypeAlias = Callable[[Sequence[int], int], int]


class Tail(NamedTuple):
    """The last event there was, whether or not it is still there; these values before the first."""

    sequence: int = -1
    offset: int = -1
    enqueued_ms: int = 0


class Event(NamedTuple):
    """One event as receivers get it."""

    sequence: int
    offset: int
    payload: bytes


class Segment:
    """One file of records with an index in memory, a few bytes for each record.

    A record is with the operating system when ``append`` returns: it outlives this process, killed or not, though not
    a failure of power. Opening a file cuts a torn record off its end.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.born = time.time()
        self.tail = Tail()
        self.size_bytes = 0
        self._positions = array("q")
        self._sequences = array("q")  # the last before each record, as in its head
        self._offsets = array("q")
        self._times = array("q")
        self._file = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        self._load()

    @property
    def is_blank(self) -> bool:
        """Whether not even the opening record is there: the process ended while it was written."""
        return not self._positions

    @property
    def has_events(self) -> bool:
        return not self.is_blank and self.tail.sequence > self._sequences[0]

    @property
    def start(self) -> Tail:
        """Where the log stood before this segment."""
        return Tail(self._sequences[0], self._offsets[0], self._times[0])

    @property
    def written_at(self) -> float:
        """When the last record was written, in real seconds since the epoch."""
        return os.fstat(self._file).st_mtime

    def append(self, before: Tail, enqueued_ms: int, events: Sequence[tuple[int, bytes]]) -> None:
        """Write one record of ``events`` (offset, payload), which follow ``before``.

        Raises:
            OSError: the disk took less than the whole record; nothing was appended.
        """
        body = b"".join(_EVENT.pack(len(payload), offset) + payload for offset, payload in events)
        head = _HEAD.pack(len(body), 0, before.sequence, before.offset, enqueued_ms, len(events))
        rest = head[_AFTER_CRC:] + body
        record = head[:4] + zlib.crc32(rest).to_bytes(4) + rest
        if os.pwrite(self._file, record, self.size_bytes) != len(record):
            raise OSError(errno.ENOSPC, "a record was written in part", str(self.path))
        offset = events[-1][0] if events else before.offset
        self._note(before, Tail(before.sequence + len(events), offset, enqueued_ms), len(record))

    def events(self, sequence: int, limit_bytes: int) -> list[Event]:
        """Return events from ``sequence`` on: those of one record at least, then as many as ``limit_bytes`` hold."""
        return [
            event
            for event in self._records(self._holding(self._sequences, sequence), limit_bytes)
            if event.sequence >= sequence
        ]

    def at_offset(self, offset: int) -> Event | None:
        """Return the event at ``offset``; None when no event of this segment is there."""
        events = self._records(self._holding(self._offsets, offset), 1)
        return next((event for event in events if event.offset == offset), None)

    def first_enqueued(self, milliseconds: int, bisect: Bisect) -> int:
        """Return the first sequence number enqueued at or after (``bisect_left``) or after (``bisect_right``) a time."""
        index = bisect(self._times, milliseconds)
        return self._sequences[index] + 1 if index < len(self._times) else self.tail.sequence + 1

    def close(self) -> None:
        """Give the file back, after its content has reached the disk."""
        os.fsync(self._file)
        os.close(self._file)

    def _load(self) -> None:
        data = self.path.read_bytes()
        while self.size_bytes + _HEAD.size <= len(data):
            start = self.size_bytes
            size, crc, sequence, offset, enqueued_ms, count = _HEAD.unpack_from(data, start)
            end = start + _HEAD.size + size
            if end > len(data) or zlib.crc32(data[start + _AFTER_CRC : end]) != crc:
                break
            before = Tail(sequence, offset, enqueued_ms)
            events = _parse(data[start:end])
            last = events[-1] if events else before
            self._note(before, Tail(sequence + count, last.offset, enqueued_ms), end - start)
        os.ftruncate(self._file, self.size_bytes)

    def _note(self, before: Tail, after: Tail, size: int) -> None:
        self._positions.append(self.size_bytes)
        self._sequences.append(before.sequence)
        self._offsets.append(before.offset)
        self._times.append(after.enqueued_ms)
        self.size_bytes += size
        self.tail = after

    @staticmethod
    def _holding(starts: Sequence[int], value: int) -> int:
        return max(bisect_left(starts, value) - 1, 0)

    def _records(self, index: int, limit_bytes: int) -> list[Event]:
        start = self._positions[index]
        beyond = max(bisect_right(self._positions, start + limit_bytes) - 1, index + 1)
        end = self._positions[beyond] if beyond < len(self._positions) else self.size_bytes
        return _parse(os.pread(self._file, end - start, start))


def _parse(data: bytes) -> list[Event]:
    """Return the events of whole records."""
    events = []
    position = 0
    while position < len(data):
        _, _, sequence, _, _, count = _HEAD.unpack_from(data, position)
        position += _HEAD.size
        for number in range(sequence + 1, sequence + count + 1):
            length, offset = _EVENT.unpack_from(data, position)
            position += _EVENT.size
            events.append(Event(number, offset, data[position : position + length]))
            position += length
    return events

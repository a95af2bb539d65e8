"""The log of one partition: a chain of segments, numbered on across restarts, with the oldest deleted by age."""

import time
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from infra.local.eventhubs.errors import ARGUMENT, Corrupt, Refused
from infra.local.eventhubs.message import Message
from infra.local.eventhubs.segment import Event, Segment, Tail

_SEGMENT_BYTES: Final = 64 << 20
# Segments are cut this many times within the retention, so an event lives at most a quarter longer than asked.
_SEGMENTS_PER_RETENTION: Final = 4


class PartitionLog:
    """Events of one partition, in order; sequence numbers are consecutive, offsets grow with the bytes sent."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._segments: list[Segment] = []
        for path in sorted(folder.glob("*.log")):
            self._open(path)
        # What was there is only read from now on; an unused last segment is taken up again.
        if not self._segments or self._segments[-1].has_events:
            self._cut()

    @property
    def tail(self) -> Tail:
        return self._segments[-1].tail

    @property
    def begin(self) -> int:
        """The sequence number of the oldest event; of the next one when there is none."""
        return self._segments[0].start.sequence + 1

    @property
    def is_empty(self) -> bool:
        return self.begin > self.tail.sequence

    def append(self, messages: Sequence[Message], enqueued_ms: int) -> None:
        """Keep ``messages`` as one record, enqueued at ``enqueued_ms`` or, if that is later, with the event before.

        Raises:
            OSError: the disk did not take them; none was kept.
        """
        before = self.tail
        enqueued_ms = max(enqueued_ms, before.enqueued_ms)
        events = []
        offset = before.offset
        for sequence, message in enumerate(messages, before.sequence + 1):
            offset += message.size
            events.append((offset, message.stamped(sequence=sequence, offset=offset, enqueued_ms=enqueued_ms)))
        if self._segments[-1].size_bytes > _SEGMENT_BYTES:
            self._cut()
        self._segments[-1].append(before, enqueued_ms, events)

    def read(self, sequence: int, limit_bytes: int) -> list[Event]:
        """Return events from ``sequence`` on, or from the oldest if that is gone; none when there is none yet."""
        sequence = max(sequence, self.begin)
        if sequence > self.tail.sequence:
            return []
        return self._holding(sequence).events(sequence, limit_bytes)

    def after_sequence(self, sequence: int, *, inclusive: bool) -> int:
        """Return the sequence number to start from.

        Raises:
            Refused: the hub has never issued ``sequence``.
        """
        if sequence > self.tail.sequence:
            raise _invalid("sequence number", sequence, self.tail.sequence)
        return max(sequence if inclusive else sequence + 1, self.begin)

    def after_offset(self, offset: int, *, inclusive: bool) -> int:
        """Return the sequence number to start from: the oldest when ``offset`` is older.

        Raises:
            Refused: the hub has never issued ``offset``.
        """
        if offset <= self._segments[0].start.offset:
            return self.begin
        segment = self._segments[bisect_left(self._segments, offset, key=lambda each: each.start.offset) - 1]
        event = segment.at_offset(offset) if offset <= self.tail.offset else None
        if event is None:
            raise _invalid("offset", offset, self.tail.offset)
        return event.sequence if inclusive else event.sequence + 1

    def after_time(self, milliseconds: int, *, inclusive: bool) -> int:
        """Return the sequence number to start from: the next one when the time is in the future."""
        side = bisect_left if inclusive else bisect_right
        for segment in self._segments:
            if segment.has_events and segment.tail.enqueued_ms >= milliseconds:
                found = segment.first_enqueued(milliseconds, side)
                if found <= segment.tail.sequence:
                    return found
        return self.tail.sequence + 1

    def expire(self, retention_s: float) -> None:
        """Delete the segments that were last written more than ``retention_s`` real seconds ago."""
        now = time.time()
        active = self._segments[-1]
        if active.has_events and now - active.born > retention_s / _SEGMENTS_PER_RETENTION:
            self._cut()
        while len(self._segments) > 1 and now - self._segments[0].written_at > retention_s:
            oldest = self._segments.pop(0)
            oldest.close()
            oldest.path.unlink()

    def close(self) -> None:
        for segment in self._segments:
            segment.close()

    def _open(self, path: Path) -> None:
        segment = Segment(path)
        if segment.is_blank:
            segment.close()
            path.unlink()
            return
        if self._segments and self.tail.sequence != segment.start.sequence:
            raise Corrupt(f"{path} does not follow the segment before it")
        self._segments.append(segment)

    def _cut(self) -> None:
        tail = self.tail if self._segments else Tail()
        segment = Segment(self._folder / f"{tail.sequence + 1:020}.log")
        segment.append(tail, tail.enqueued_ms, ())
        self._segments.append(segment)

    def _holding(self, sequence: int) -> Segment:
        return self._segments[bisect_left(self._segments, sequence, key=lambda each: each.start.sequence) - 1]


def _invalid(what: str, value: int, last: int) -> Refused:
    return Refused(ARGUMENT, f"The supplied {what} '{value}' is invalid. The last {what} in the system is '{last}'.")

"""Where the lines of a log came from, and nothing else of them: enough to count its events.

Not ``lines``, which reads records by their schema: the account must also count what no schema fits.
"""

import re
from dataclasses import dataclass, field
from typing import Final

import msgspec

from shared.capture.records import CONTROL
from shared.sealing.tables.logs import LogName

_PLACE: Final = re.compile(
    rb'\{"partition":(\d+),"sequence":(\d+),"index":(\d+),"enqueued_at":"[^"]*"(?:,"lines":(\d+))?'
)


class _Letter(msgspec.Struct, frozen=True):
    partition: int
    sequence: int
    index: int
    part: bool = False
    lines: int | None = None


@dataclass(slots=True)
class Places:
    """The events of one log, as its bytes are fed in from a place where an event begins, up to where one ends.

    Attributes:
        name: the log's.
        is_dead: whether it is one of dead letters.
        numbers: one sequence number for each event, in the order they stand there. An event that stands there twice is
            two, and a dead letter that is part of an event which is in a log is none.
        lines: how many lines of records there were.
        problems: lines that capture does not write, and events that lack some of theirs; the first of them.
    """

    name: LogName
    is_dead: bool
    numbers: list[int] = field(default_factory=list)
    lines: int = 0
    problems: list[str] = field(default_factory=list)
    _rest: bytes = b""
    _last: tuple[int, int] = (-1, -1)
    _said: int | None = None
    _read: int = 0

    def feed(self, data: bytes) -> None:
        """Take the next bytes."""
        whole, end, rest = (self._rest + data).rpartition(b"\n")
        self._rest = rest
        if end:
            for line in whole.split(b"\n"):
                if not line.startswith(CONTROL):
                    self._line(line)

    def end(self) -> None:
        """Note that these were all: nothing may be left over."""
        if self._rest:
            self._problem(f"its last line is not finished: {len(self._rest)} bytes without an end")
        self._end_event()

    def _line(self, line: bytes) -> None:
        self.lines += 1
        place = _letter(line) if self.is_dead else _place(line)
        if place is None:
            self._problem(f"line {self.lines} of records does not say where it came from")
            return
        if place.partition != self.name.partition:
            self._problem(f"line {self.lines} of records is of partition {place.partition}")
        if place.part:
            return
        at = (place.sequence, place.index)
        if at <= self._last:
            self._problem(f"number {place.sequence}, index {place.index} comes again, or too late")
        if at <= self._last or place.sequence != self._last[0]:
            self._end_event()
            self.numbers.append(place.sequence)
            self._said = place.lines
        self._read += 1
        self._last = at

    def _end_event(self) -> None:
        """Hold how many lines the event had against how many it says; one that is alone, or older than this, says nothing."""
        if self._said is not None and self._said != self._read:
            self._problem(f"number {self._last[0]} has {self._read} lines, and it had {self._said}")
        self._said, self._read = None, 0

    def _problem(self, what: str) -> None:
        if len(self.problems) < _MOST_PROBLEMS:
            self.problems.append(what)


_MOST_PROBLEMS: Final = 5
_LETTERS: Final = msgspec.json.Decoder(_Letter)


def _place(line: bytes) -> _Letter | None:
    found = _PLACE.match(line)
    if found is None:
        return None
    said = found[4]
    return _Letter(int(found[1]), int(found[2]), int(found[3]), lines=None if said is None else int(said))


def _letter(line: bytes) -> _Letter | None:
    try:
        return _LETTERS.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None

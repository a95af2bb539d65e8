"""The logs of an hour: what their names say, which bytes of them wait to be sealed, and where they may be cut."""

import re
from dataclasses import dataclass
from typing import NamedTuple

import msgspec

from shared.capture.records import CONTROL, Origin, Shelf
from shared.errors import InvalidDocument
from shared.hours import Hour

_NAME = re.compile(r"([^/]+)-p(\d+)-r(\d+)\.jsonl$")


class LogName(NamedTuple):
    """Whose events a log holds, and which roll of them it is; they sort in the order of sealed rows."""

    partition: int
    incarnation: str
    roll: int

    @classmethod
    def of(cls, path: str) -> "LogName":
        """Read it out of a log's path.

        >>> LogName.of("captures/logs/date=2026-03-01/hour=09/20260301T000000000-p3-r0.jsonl")
        LogName(partition=3, incarnation='20260301T000000000', roll=0)
        """
        found = _NAME.search(path)
        if found is None:
            raise ValueError(f"no log is called {path}")
        return cls(int(found[2]), found[1], int(found[3]))


def is_log(path: str) -> bool:
    """Whether a blob is a log of what the hub delivered; the dead letters of sealing itself are none."""
    return _NAME.search(path) is not None


class Range(msgspec.Struct, frozen=True, kw_only=True):
    """Some bytes of a log, from ``start`` up to ``end``, which is not among them."""

    log: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Logs:
    """The logs of one hour of one shelf: bytes in each, by path."""

    shelf: Shelf
    hour: Hour
    sizes: dict[str, int]

    def beyond(self, consumed: dict[str, int]) -> list[Range]:
        """Return what is in the logs past the bytes that were ``consumed`` of each, in the order of sealed rows."""
        return [
            Range(log=path, start=consumed.get(path, 0), end=size)
            for path, size in sorted(self.sizes.items(), key=lambda log: (LogName.of(log[0]), log[0]))
            if size > consumed.get(path, 0)
        ]


def origin_of(line: bytes, path: str) -> Origin:
    """Return where a line of the log at ``path`` came from, which every line says that capture has written.

    Raises:
        InvalidDocument: it does not say so.
    """
    try:
        return Origin.of(line)
    except (ValueError, msgspec.DecodeError) as error:
        raise InvalidDocument(path, reason=f"a line does not say where it came from: {error}") from error


def last_event(data: bytes, path: str) -> int | None:
    """Return where the last event begins of which ``data``, the end of a range of a log, has a whole line.

    It may go on after ``data``; whatever is before it does not. None when it may begin before ``data``, whose first line
    is taken for the end of one.

    Raises:
        InvalidDocument: a line does not say where it came from.
    """
    end = data.rfind(b"\n")
    later: tuple[int, int] | None = None
    while end > 0:
        begin = data.rfind(b"\n", 0, end) + 1
        if begin == 0:
            return None
        place = _place(data[begin:end], path)
        if place is None or (later is not None and (place[0] != later[0] or place[1] >= later[1])):
            return end + 1
        later, end = place, begin - 1
    return None


def _place(line: bytes, path: str) -> tuple[int, int] | None:
    """Return (sequence, index) of a line, None of one that is about the log itself."""
    if line.startswith(CONTROL):
        return None
    origin = origin_of(line, path)
    return origin.sequence, origin.index

"""What is at rest already above a cursor: what a capture that broke off had appended before it could move the cursor.

Logs are read from their ends, and no further than to the cursor: that is a batch or two, whatever the log's length.
"""

from collections.abc import AsyncIterator, Iterable
from datetime import datetime
from typing import Final

import msgspec

from shared.blobs import Blobs
from shared.capture.place import Place
from shared.capture.records import CONTROL, Origin, Shelf, dead_folder, log_folder
from shared.errors import BlobMissing, InvalidDocument
from shared.hours import Hour

_STEP_BYTES: Final = 1024 * 1024


class _Mark(msgspec.Struct, frozen=True):
    """What a line says of its event; ``part`` is said of dead letters whose event is in a log."""

    sequence: int
    part: bool = False


async def logged(blobs: Blobs, place: Place, *, shelf: Shelf, hour: Hour, above: int) -> set[int]:
    """Return the numbers above a cursor that stand in one log."""
    paths = [one.path async for one in blobs.under(log_folder(shelf, hour)) if place.is_of(one.path)]
    return await _numbers(blobs, paths, above=above)


async def set_aside(blobs: Blobs, place: Place, *, hours: Iterable[Hour], above: int) -> set[int]:
    """Return the numbers above a cursor of the events that are dead letters as a whole."""
    paths = [one.path for hour in hours async for one in blobs.under(dead_folder(hour)) if place.is_of(one.path)]
    return await _numbers(blobs, paths, above=above)


async def everywhere(blobs: Blobs, place: Place, *, since: datetime | None, above: int) -> set[int]:
    """Return all numbers above a cursor that stand in a log or are dead letters as a whole, from the hour of ``since``.

    It lists every log there is: for what happens seldom.
    """
    first = "" if since is None else Hour.containing(since).key
    paths = [
        one.path
        for folder in ("captures/logs/", "captures/dead/")
        async for one in blobs.under(folder)
        if place.is_of(one.path) and Hour.at_path(one.path).key >= first
    ]
    return await _numbers(blobs, paths, above=above)


async def _numbers(blobs: Blobs, paths: Iterable[str], *, above: int) -> set[int]:
    found: set[int] = set()
    for path in paths:  # one after the other, so that no more is in memory than a step
        async for line in _from_the_end(blobs, path):
            if line.startswith(CONTROL):
                continue
            mark = _mark(line, path)
            if mark.sequence <= above:
                break
            if not mark.part:
                found.add(mark.sequence)
    return found


async def _from_the_end(blobs: Blobs, path: str) -> AsyncIterator[bytes]:
    """Yield the lines of a log, the last one first; none of a log that is gone."""
    try:
        end = await blobs.read_end(path, most_bytes=_STEP_BYTES)
    except BlobMissing:
        return
    start, data = end.size_bytes - len(end.data), end.data
    while True:
        head, *lines = data.split(b"\n")
        for line in reversed(lines[:-1] if lines else ()):
            yield line
        if start == 0:
            if lines:
                yield head
            return
        # The head is the end of a line, and stands before the line end that the next step is to end with.
        begin = max(0, start - _STEP_BYTES)
        data = await blobs.read_range(path, start=begin, end=start) + head + b"\n"
        start = begin


def _mark(line: bytes, path: str) -> _Mark:
    try:
        # A record may have a member called as those of a letter are, and of a log's line only the origin is ours.
        return _LETTERS.decode(line) if path.startswith("captures/dead/") else _Mark(Origin.of(line).sequence)
    except (ValueError, msgspec.DecodeError) as error:
        raise InvalidDocument(path, reason=f"a line cannot be read: {error}") from error


_LETTERS = msgspec.json.Decoder(_Mark)

"""Dead letters, read again: what was set aside and why, and sending again what can be read by now."""

from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Final

import msgspec

from shared.blobs import Blobs, Stored
from shared.capture.filing import is_registered
from shared.capture.hub import Hub
from shared.capture.reading import DeadLetter, read_envelope
from shared.capture.records import CONTROL, MOST_EVENT_BYTES, Kind, Outgoing, Shelf
from shared.errors import InvalidDocument, InvalidRecord
from shared.hours import Hour
from shared.registry.store import Registry

_STEP_BYTES: Final = 4 * 1024 * 1024
_MOST_RECORDS: Final = 1_000
"""Of an event, so that capture takes it apart again; foreign records may be shorter than any of ours."""

Done = Callable[[int, int], None]
"""Told how many bytes were read, and of how many."""


def _untold(_: int, __: int) -> None:
    """Tell nobody."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which letters: of the hours from ``start`` up to ``end``, which is not among them; None is any."""

    start: Hour | None = None
    end: Hour | None = None
    kind: Kind | None = None
    model: str | None = None
    version: str | None = None
    reason: str | None = None
    """A part of it."""

    def has(self, found: "Found") -> bool:
        """Whether a letter is wanted; one whose record cannot be read is of no kind, model and version."""
        for asked, name in ((self.kind, "kind"), (self.model, "model"), (self.version, "version")):
            if asked is not None and (found.shelf is None or getattr(found.shelf, name) != asked):
                return False
        return self.reason is None or self.reason in found.letter.reason


@dataclass(frozen=True, slots=True)
class Found:
    """A letter and the log it stands in; ``shelf`` is where its record belongs, None where that cannot be read."""

    log: str
    letter: DeadLetter
    shelf: Shelf | None


@dataclass(slots=True)
class Replay:
    """What came of replaying: how many records were sent, or would be, and why others were not."""

    records: int = 0
    events: int = 0
    not_registered: Counter[Shelf] = field(default_factory=Counter)
    unreadable: int = 0


@dataclass(frozen=True, slots=True)
class DeadLetters:
    """The dead letters of capture and of sealing."""

    blobs: Blobs
    hub: Hub
    registry: Registry
    timeout_s: float = 30.0

    async def find(self, wanted: Wanted, done: Done = _untold) -> AsyncIterator[Found]:
        """Yield the letters that are wanted, log by log; no more than one step of a log is in memory.

        Raises:
            InvalidDocument: a log cannot be read.
        """
        logs = [
            one
            async for one in self.blobs.under("captures/dead/")
            if Hour.at_path(one.path).is_within(wanted.start, wanted.end)
        ]
        total, read = sum(log.size_bytes for log in logs), 0
        for log in logs:
            async for lines in self._steps(log):
                for line in lines.split(b"\n")[:-1]:
                    found = None if line.startswith(CONTROL) else _found(log.path, line)
                    if found is not None and wanted.has(found):
                        yield found
                read += len(lines)
                done(read, total)

    async def replay(self, wanted: Wanted, *, is_dry: bool, done: Done = _untold) -> Replay:
        """Send the records of the letters that are wanted again, under their own ids, where they can be read by now.

        It may be done again, whole or from where it broke off: a record that is at rest already is dropped by sealing
        as a double.

        Args:
            wanted: which letters.
            is_dry: whether to send nothing, and only say what would be.
            done: told of the progress.

        Raises:
            EventsUnavailable: the hub did not acknowledge; what was sent before stays sent.
            EventRefused: an event is larger than anything this hub takes; likewise.
        """
        replay = Replay()
        known: dict[Shelf, bool] = {}
        waiting: defaultdict[Shelf, list[bytes]] = defaultdict(list)
        sizes: Counter[Shelf] = Counter()

        async def send(shelf: Shelf) -> None:
            records = waiting.pop(shelf)
            sizes.pop(shelf)
            replay.records += len(records)
            replay.events += 1
            if not is_dry:
                event = Outgoing(shelf, b"\n".join(records), replayed=True)
                await self.hub.send([event], timeout_s=self.timeout_s)

        async for found in self.find(wanted, done):
            shelf, record = found.shelf, found.letter.record
            if shelf is None or not isinstance(record, msgspec.Raw):
                replay.unreadable += 1
                continue
            if shelf not in known:
                known[shelf] = await is_registered(self.registry, shelf)
            if not known[shelf]:
                replay.not_registered[shelf] += 1
                continue
            data = bytes(record)
            if waiting[shelf] and (
                sizes[shelf] + 1 + len(data) > MOST_EVENT_BYTES or len(waiting[shelf]) == _MOST_RECORDS
            ):
                await send(shelf)
            sizes[shelf] += len(data) + (1 if waiting[shelf] else 0)
            waiting[shelf].append(data)
        for shelf in list(waiting):
            await send(shelf)
        return replay

    async def _steps(self, log: Stored) -> AsyncIterator[bytes]:
        """Yield whole lines of a log, some at a time, up to where it ended when it was listed."""
        rest = b""
        for start in range(0, log.size_bytes, _STEP_BYTES):
            end = min(start + _STEP_BYTES, log.size_bytes)
            data = rest + await self.blobs.read_range(log.path, start=start, end=end)
            cut = data.rfind(b"\n") + 1
            rest = data[cut:]
            yield data[:cut]


def _found(path: str, line: bytes) -> Found:
    try:
        letter = _LETTERS.decode(line)
    except msgspec.DecodeError as error:
        raise InvalidDocument(path, reason=f"a line cannot be read: {error}") from error
    shelf = None
    if isinstance(letter.record, msgspec.Raw):
        try:
            _, shelf = read_envelope(bytes(letter.record))
        except InvalidRecord:
            shelf = None  # an earlier release read it
    return Found(path, letter, shelf)


_LETTERS = msgspec.json.Decoder(DeadLetter)

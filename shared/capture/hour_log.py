"""Hour logs: append blobs in which every event stands once, in order.

Two writers of one log meet when a partition changes hands. Each append names the position it expects, so that the
slower one is refused; it then reads the log's last line, leaves out what is in already, and goes on from there.

An append blob takes 50,000 appends. Before that the log rolls over: ``r<n>`` is closed by a last control line, under the
same fence, and ``r<n+1>`` begins with one that repeats up to where events are in. So whoever still appends to ``r<n>`` is
refused, finds it closed, and follows.

Of a log that holds somebody's rows who is to be erased, rolls are closed before their time and deleted. A deleted roll is
followed by one that has a line, so whoever creates it again finds that out, and follows as well.
"""

import contextlib
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

import msgspec

from shared.blobs import Blobs, Stored
from shared.capture.records import CONTROL, MOST_RECORD_BYTES, Entry, Tail, control_line
from shared.errors import BlobChanged, BlobMissing, InvalidDocument

MOST_APPEND_BYTES: Final = 4 * 1024 * 1024 - 1024  # the rest is for a control line
MOST_BLOCKS: Final = 49_000
_FIRST: Final = "-r0.jsonl"
_LONGEST_LINE_BYTES: Final = MOST_RECORD_BYTES + 1024
_MEETINGS: Final = 5
_REMEMBERED: Final = 1_000
_NOTHING: Final = Tail(sequence=-1, enqueued_at="")


@dataclass(frozen=True, slots=True)
class _End:
    """Where a log ends: in which roll, how long that is and of how many appends, and what the last event in it is."""

    roll: int
    size_bytes: int
    blocks: int
    last: Tail


@dataclass(slots=True)
class HourLogs:
    """All logs that this process appends to, and where each ends as far as it knows.

    A log is named by the path of its first roll, ``…-r0.jsonl``; it rolls over after ``most_blocks`` appends.
    """

    blobs: Blobs
    most_blocks: int = MOST_BLOCKS
    _ends: OrderedDict[str, _End] = field(default_factory=OrderedDict)

    async def append(self, path: str, entries: Sequence[Entry]) -> None:
        """Append the entries that are not in the log yet; ``entries`` are in the order of their sequence numbers.

        Raises:
            BlobRefused: storage refuses one of them; some before it may have been appended.
            BlobChanged: another writer was faster five times in a row.
            StorageUnavailable: nothing is known of what was appended; doing it again is safe.
        """
        for block in _blocks(entries):
            await self._append_block(path, block)

    async def _append_block(self, path: str, entries: Sequence[Entry]) -> None:
        for _ in range(_MEETINGS):
            end = self._ends.get(path) or await self._open(path)
            missing = [entry for entry in entries if entry.sequence > end.last.sequence]
            if not missing:
                return
            # Whatever comes of it, what is known of this log is out of date from here on.
            self._ends.pop(path, None)
            with contextlib.suppress(BlobChanged, BlobMissing):
                if end.blocks >= self.most_blocks:
                    end = await self._roll_over(path, end)
                self._remember(path, await self._append_missing(path, end, missing))
                return
        raise BlobChanged(path)

    async def _append_missing(self, path: str, end: _End, missing: Sequence[Entry]) -> _End:
        begins = end.roll > 0 and end.size_bytes == 0
        data = b"".join([control_line("opened", end.last)] * begins + [entry.data for entry in missing])
        done = await self.blobs.append(_rolled(path, end.roll), data, position=end.size_bytes)
        return _End(end.roll, done.size_bytes, done.blocks, _tail(missing[-1].data, path))

    async def _roll_over(self, path: str, end: _End) -> _End:
        """Close a log, create the next roll of it, and return where that ends."""
        await self.blobs.append(_rolled(path, end.roll), control_line("closed", end.last), position=end.size_bytes)
        following = end.roll + 1
        await self.blobs.create_log(_rolled(path, following))
        if _first_after(following, await self._rolls(path)) is not None:  # it was there, and deleted
            raise BlobChanged(_rolled(path, following))
        return _End(following, 0, 0, end.last)

    async def _open(self, path: str) -> _End:
        """Return where a log ends, in the first of its rolls that is not closed; where all are, the next is created.

        They are looked through before one is created: in the place of a deleted one it would stay, were we to end there.
        """
        closed, last = -1, _NOTHING
        while True:
            roll = await self._following(path, closed)
            if roll is None:
                with contextlib.suppress(BlobChanged):
                    await self.blobs.create_log(_rolled(path, closed + 1))
                continue  # by then there may be a later one, if this one was deleted
            with contextlib.suppress(BlobMissing):  # it was deleted since, because it is closed
                end, is_closed = await self._find_end(path, roll, last)
                if not is_closed:
                    return end
                closed, last = roll, end.last

    async def close(self, rolled: str) -> None:
        """Close one roll of a log, ``…-r<n>.jsonl``, which has a line, and see that the next begins with where it ended.

        Nothing is appended to it from then on, and it may be deleted: whoever looks for it goes on in the next.

        Raises:
            BlobMissing: it is not there any more.
            BlobChanged: others appended to it five times in a row.
        """
        log, _, number = rolled.removesuffix(".jsonl").rpartition("-r")
        path, roll = f"{log}{_FIRST}", int(number)
        for _ in range(_MEETINGS):
            end, is_closed = await self._find_end(path, roll, _NOTHING)
            if not is_closed:
                try:
                    await self.blobs.append(rolled, control_line("closed", end.last), position=end.size_bytes)
                except BlobChanged:
                    continue
            following = await self._following(path, roll)
            if following is None:
                following = roll + 1
                with contextlib.suppress(BlobChanged):
                    await self.blobs.create_log(_rolled(path, following))
            with contextlib.suppress(BlobChanged):  # it has a line, and so begins with one like this
                await self.blobs.append(_rolled(path, following), control_line("opened", end.last), position=0)
            return
        raise BlobChanged(rolled)

    async def _following(self, path: str, roll: int) -> int | None:
        """Return the roll that comes after one; None where there is none.

        An empty one with another behind it was deleted, and created again by somebody who ended before that was seen. Begun
        now, it would be where events go that stand in those behind it.
        """
        while True:
            rolls = await self._rolls(path)
            following = _first_after(roll, rolls)
            if following is None or rolls[following].size_bytes or _first_after(following, rolls) is None:
                return following
            with contextlib.suppress(BlobChanged, BlobMissing):
                await self.blobs.delete(_rolled(path, following), etag=rolls[following].etag)

    async def _rolls(self, path: str) -> dict[int, Stored]:
        """Return the rolls of a log that are there, by their numbers."""
        before = f"{path.removesuffix(_FIRST)}-r"
        return {int(one.path[len(before) :].removesuffix(".jsonl")): one async for one in self.blobs.under(before)}

    async def _find_end(self, path: str, roll: int, before: Tail) -> tuple[_End, bool]:
        """Return where a roll ends, and whether it is closed; one without a line goes on from the roll ``before`` it."""
        content = await self.blobs.read_end(_rolled(path, roll), most_bytes=2 * _LONGEST_LINE_BYTES)
        if not content.data:
            return _End(roll, 0, content.blocks, before), False
        last = content.data[content.data.rfind(b"\n", 0, -1) + 1 :]
        end = _End(roll, content.size_bytes, content.blocks, _tail(last, path))
        return end, last.startswith(CONTROL) and b'"closed"' in last

    def _remember(self, path: str, end: _End) -> None:
        self._ends[path] = end
        self._ends.move_to_end(path)
        if len(self._ends) > _REMEMBERED:
            self._ends.popitem(last=False)


def _rolled(path: str, roll: int) -> str:
    """Return the path of one roll of the log whose first roll is at ``path``."""
    return f"{path.removesuffix(_FIRST)}-r{roll}.jsonl"


def _first_after(roll: int, rolls: Iterable[int]) -> int | None:
    return min((one for one in rolls if one > roll), default=None)


def _tail(lines: bytes, path: str) -> Tail:
    """Read what the last of ``lines`` says of the event it belongs to."""
    last = lines[lines.rfind(b"\n", 0, -1) + 1 :]
    try:
        return msgspec.json.decode(last, type=Tail)
    except msgspec.DecodeError as error:
        raise InvalidDocument(path, reason=f"its last line cannot be read: {error}") from error


def _blocks(entries: Sequence[Entry]) -> Iterator[list[Entry]]:
    """Part entries into appends of at most 4 MiB, with a control line; an event is never parted."""
    block: list[Entry] = []
    size = 0
    for entry in entries:
        if block and size + len(entry.data) > MOST_APPEND_BYTES:
            yield block
            block, size = [], 0
        block.append(entry)
        size += len(entry.data)
    if block:
        yield block

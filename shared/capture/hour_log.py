"""Hour logs: append blobs in which every event stands once, in order.

Two writers of one log meet when a partition changes hands. Each append names the position it expects, so that the
slower one is refused; it then reads the log's last line, leaves out what is in already, and goes on from there.
"""

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

import msgspec

from shared.blobs import Blobs
from shared.capture.records import MOST_RECORD_BYTES, Entry, Tail
from shared.errors import BlobChanged, BlobMissing, InvalidDocument

MOST_APPEND_BYTES: Final = 4 * 1024 * 1024
_LONGEST_LINE_BYTES: Final = MOST_RECORD_BYTES + 1024
_MEETINGS: Final = 5
_REMEMBERED: Final = 1_000


@dataclass(frozen=True, slots=True)
class _End:
    """Where a log ends, and the sequence number of the last event in it; -1 in an empty one."""

    size_bytes: int
    sequence: int


@dataclass(slots=True)
class HourLogs:
    """All logs that this process appends to, and where each ends as far as it knows."""

    blobs: Blobs
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
            missing = [entry for entry in entries if entry.sequence > end.sequence]
            if not missing:
                return
            # Whatever comes of it, what is known of this log is out of date from here on.
            self._ends.pop(path, None)
            try:
                done = await self.blobs.append(path, b"".join(entry.data for entry in missing), position=end.size_bytes)
            except (BlobChanged, BlobMissing):
                continue
            self._remember(path, _End(done.size_bytes, missing[-1].sequence))
            return
        raise BlobChanged(path)

    async def _open(self, path: str) -> _End:
        """Create a log, or find where the one that is there ends."""
        try:
            await self.blobs.create_log(path)
        except BlobChanged:
            return await self._find_end(path)
        return _End(0, -1)

    async def _find_end(self, path: str) -> _End:
        content = await self.blobs.read_end(path, most_bytes=2 * _LONGEST_LINE_BYTES)
        if not content.data:
            return _End(0, -1)
        last = content.data[content.data.rfind(b"\n", 0, -1) + 1 :]
        try:
            return _End(content.size_bytes, msgspec.json.decode(last, type=Tail).sequence)
        except msgspec.DecodeError as error:
            raise InvalidDocument(path, reason=f"its last line cannot be read: {error}") from error

    def _remember(self, path: str, end: _End) -> None:
        self._ends[path] = end
        self._ends.move_to_end(path)
        if len(self._ends) > _REMEMBERED:
            self._ends.popitem(last=False)


def _blocks(entries: Sequence[Entry]) -> Iterator[list[Entry]]:
    """Part entries into appends of at most 4 MiB; an event is never parted."""
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

"""Group commit: records that wait at the same time leave together, and each caller waits for its own.

Concurrent requests share events of their kind, model and version, and a commit of several events. Where no commit is
under way there is nothing to wait for: what is there leaves with the next turn of the event loop, so that requests which
are ready together go together. Otherwise records wait until a commit ends, or for 5 ms where a lane is free, or until the
commit is full. A lane is opened when records have waited for 5 ms and none was free; nobody waits for its connection.
"""

import asyncio
import heapq
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from shared.capture.records import MOST_EVENT_BYTES, Outgoing, Shelf
from shared.errors import EventsUnavailable
from shared.scoring.prediction import Kept

LANES: Final = 4
LINGER_S: Final = 0.005
MOST_WAITING_BYTES: Final = 8 * 1024 * 1024
MOST_COMMIT_BYTES: Final = 960 * 1024
"""What one batch of any tier but Basic takes, with room for its own framing."""
EVENT_BYTES: Final = 512
"""The most that an event takes besides its body: names, properties, framing."""


class Sender(Protocol):
    """Whoever sends commits, one at a time on each lane."""

    async def leave(self, events: Sequence[Outgoing], *, lane: int, waiting_since: float) -> Sequence[Kept]:
        """Send the events of a commit, whose first record has waited since then on the loop's clock.

        Returns how each event was kept; whatever goes wrong, that is the answer to it.
        """
        ...

    async def open(self, lane: int) -> None:
        """Make a lane ready, if that is possible now."""
        ...


class _Caller:
    """Who waits for records that stand in ``parts`` events; ``worst`` of them is the answer."""

    __slots__ = ("answer", "parts", "worst")

    def __init__(self, answer: "asyncio.Future[Kept]") -> None:
        self.answer = answer
        self.parts = 0
        self.worst = Kept.ACKED

    def tell(self, kept: Kept) -> None:
        self.worst = self.worst.or_worse(kept)
        self.parts -= 1
        if not self.parts and not self.answer.done():  # one that went away is not told
            self.answer.set_result(self.worst)


@dataclass(slots=True)
class _Event:
    shelf: Shelf
    records: list[bytes] = field(default_factory=list)
    size_bytes: int = 0
    callers: list[_Caller] = field(default_factory=list)


@dataclass(slots=True)
class _Commit:
    """Events in the making; records go into the last one of their shelf."""

    waiting_since: float
    events: list[_Event] = field(default_factory=list)
    latest: dict[Shelf, _Event] = field(default_factory=dict)
    size_bytes: int = 0
    record_bytes: int = 0

    def place(self, shelf: Shelf, size_bytes: int) -> _Event | None:
        """Return the event that a record goes into, or None where the commit is full."""
        event = self.latest.get(shelf)
        if event is not None and event.size_bytes + size_bytes <= MOST_EVENT_BYTES:
            return event if self.size_bytes + size_bytes <= MOST_COMMIT_BYTES else None
        if self.size_bytes + size_bytes + EVENT_BYTES > MOST_COMMIT_BYTES:
            return None
        event = self.latest[shelf] = _Event(shelf)
        self.events.append(event)
        self.size_bytes += EVENT_BYTES
        return event


class Commits:
    """Everything that waits to leave this process, bounded by ``most_waiting_bytes``; it lives on one event loop."""

    def __init__(
        self,
        sender: Sender,
        *,
        lanes: int = LANES,
        linger_s: float = LINGER_S,
        most_waiting_bytes: int = MOST_WAITING_BYTES,
    ) -> None:
        self._sender = sender
        self._lanes = lanes
        self._linger_s = linger_s
        self._most_waiting_bytes = most_waiting_bytes
        self._open = 1
        self._free = [0]  # a heap: who is alone always goes by the first
        self._opening: asyncio.Task[None] | None = None
        self._under_way: set[asyncio.Task[None]] = set()
        self._filling: deque[_Commit] = deque()  # all but the last are full
        self._turn: asyncio.Handle | None = None
        self._waiting_bytes = 0
        self._outside: dict[asyncio.Future[None], int] = {}

    async def keep(self, shelf: Shelf, records: Sequence[bytes], *, timeout_s: float) -> Kept:
        """Have the records of one request leave, and return how the worst of them was kept.

        Rows keep their order within an event. A caller that is cancelled takes nothing away from the others, nor its own
        records once they are in a commit.

        Raises:
            EventsUnavailable: others had left no room within the time; nothing of the request is sent.
        """
        await self._admit(records, timeout_s)
        caller = _Caller(asyncio.get_running_loop().create_future())
        self._put(shelf, records, caller)
        return await caller.answer

    async def hand_over(self, shelf: Shelf, records: Sequence[bytes], *, timeout_s: float) -> None:
        """Have the records of one request leave, without waiting for what becomes of them; likewise in all else."""
        await self._admit(records, timeout_s)
        self._put(shelf, records, None)

    async def close(self) -> None:
        """Wait until everything has left, whatever became of it."""
        while self._waiting_bytes or self._under_way:
            self._start_all()
            if self._under_way:
                await asyncio.wait(self._under_way)
            else:  # who was just admitted has not put anything yet
                await asyncio.sleep(0)
        if self._opening is not None:
            await self._opening

    async def _admit(self, records: Sequence[bytes], timeout_s: float) -> None:
        """Wait for room, in the order in which callers came; what is larger than all room waits until it is alone."""
        size = sum(map(len, records)) + len(records)
        if not self._outside and self._has_room(size):
            self._waiting_bytes += size
            return
        admitted: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._outside[admitted] = size
        was_admitted = False
        try:
            async with asyncio.timeout(timeout_s):
                await admitted
            was_admitted = True
        except TimeoutError:
            raise EventsUnavailable(f"{self._waiting_bytes} bytes wait already") from None
        finally:
            if not was_admitted:
                self._turn_away(admitted, size)

    def _turn_away(self, admitted: "asyncio.Future[None]", size: int) -> None:
        """Forget a caller who does not wait any longer; what stood behind it may be smaller."""
        if self._outside.pop(admitted, None) is None and not admitted.cancelled():
            self._waiting_bytes -= size  # it was admitted in the same moment
        self._admit_next()

    def _has_room(self, size: int) -> bool:
        return not self._waiting_bytes or self._waiting_bytes + size <= self._most_waiting_bytes

    def _admit_next(self) -> None:
        while self._outside:
            admitted, size = next(iter(self._outside.items()))
            if not self._has_room(size):
                return
            del self._outside[admitted]
            if not admitted.cancelled():
                self._waiting_bytes += size
                admitted.set_result(None)

    def _put(self, shelf: Shelf, records: Sequence[bytes], caller: _Caller | None) -> None:
        event: _Event | None = None
        for record in records:
            size = len(record) + 1
            before = event
            event, commit = self._place(shelf, size)
            event.records.append(record)
            event.size_bytes += size
            commit.size_bytes += size
            commit.record_bytes += size
            if caller is not None and event is not before:
                event.callers.append(caller)
                caller.parts += 1
        self._arrange()

    def _place(self, shelf: Shelf, size: int) -> tuple[_Event, _Commit]:
        if self._filling:
            event = self._filling[-1].place(shelf, size)
            if event is not None:
                return event, self._filling[-1]
        commit = _Commit(asyncio.get_running_loop().time())
        self._filling.append(commit)
        event = commit.place(shelf, size)
        if event is None:
            raise TypeError("a record that no commit holds")  # records are at most a quarter of one
        return event, commit

    def _arrange(self) -> None:
        """See to it that what waits leaves in time."""
        while self._free and len(self._filling) > 1:
            self._start()
        if self._turn is None and self._filling and (self._free or self._may_open()):
            loop = asyncio.get_running_loop()
            if len(self._free) == self._open:
                self._turn = loop.call_soon(self._take_turn)
            else:
                self._turn = loop.call_at(self._filling[0].waiting_since + self._linger_s, self._take_turn)

    def _take_turn(self) -> None:
        self._turn = None
        self._start_all()
        if self._filling and self._may_open():
            self._opening = asyncio.ensure_future(self._open_lane())

    def _may_open(self) -> bool:
        return self._open < self._lanes and self._opening is None

    async def _open_lane(self) -> None:
        try:
            await self._sender.open(self._open)
        finally:
            heapq.heappush(self._free, self._open)
            self._open += 1
            self._opening = None
            self._start_all()

    def _start_all(self) -> None:
        while self._free and self._filling:
            self._start()

    def _start(self) -> None:
        if self._turn is not None:
            self._turn.cancel()
            self._turn = None
        commit = self._filling.popleft()
        task = asyncio.ensure_future(self._go(commit, heapq.heappop(self._free)))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        self._waiting_bytes -= commit.record_bytes
        self._admit_next()

    async def _go(self, commit: _Commit, lane: int) -> None:
        kept: Sequence[Kept] = [Kept.LOST] * len(commit.events)
        try:
            events = [Outgoing(event.shelf, b"\n".join(event.records)) for event in commit.events]
            kept = await self._sender.leave(events, lane=lane, waiting_since=commit.waiting_since)
        finally:
            for event, how in zip(commit.events, kept, strict=True):
                for caller in event.callers:
                    caller.tell(how)
            heapq.heappush(self._free, lane)
            self._start_all()

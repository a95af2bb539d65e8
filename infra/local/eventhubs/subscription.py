"""A receiver of one partition, and the answers of a node: what is sent over an outlet."""

import asyncio
from collections import deque
from typing import Final

from infra.local.eventhubs.entities import Partition
from infra.local.eventhubs.errors import NOT_ALLOWED, Refused
from infra.local.eventhubs.links import Outlet
from infra.local.eventhubs.performatives import Flow, Transfer
from infra.local.eventhubs.segment import Event

_READ_BYTES: Final = 256 * 1024
# How many events a receiver gets before others have their turn.
_EVENTS_PER_TURN: Final = 256


class Subscription:
    """Sends the events of a partition from a sequence number on, as credit allows."""

    def __init__(self, outlet: Outlet, partition: Partition, sequence: int) -> None:
        self._outlet = outlet
        self._partition = partition
        self._next = sequence
        self._read: deque[Event] = deque()
        self._turn: asyncio.Handle | None = None
        partition.watch(self.wake)

    def on_attached(self) -> None:
        """Wait for credit."""

    def on_transfer(self, _: Transfer, __: bytes, /) -> None:
        raise _no_transfers()

    def on_flow(self, flow: Flow) -> None:
        self._outlet.on_flow(flow)
        self.wake()

    def wake(self) -> None:
        if self._turn is None:
            self._turn = asyncio.get_running_loop().call_soon(self._send)

    def on_detached(self) -> None:
        self._partition.unwatch(self.wake)
        if self._turn is not None:
            self._turn.cancel()

    def _send(self) -> None:
        self._turn = None
        for _ in range(_EVENTS_PER_TURN):
            if not self._outlet.is_open:
                return
            if not self._read:
                self._read.extend(self._partition.log.read(self._next, _READ_BYTES))
            if not self._read:
                self._outlet.nothing_left()
                return
            event = self._read.popleft()
            self._next = event.sequence + 1
            self._outlet.send(event.payload)
        self.wake()


class Replies:
    """Sends the answers of a node, which wait for credit."""

    def __init__(self, outlet: Outlet) -> None:
        self._outlet = outlet
        self._waiting: deque[bytes] = deque()

    def put(self, reply: bytes) -> None:
        self._waiting.append(reply)
        self.wake()

    def on_attached(self) -> None:
        """Wait for credit."""

    def on_transfer(self, _: Transfer, __: bytes, /) -> None:
        raise _no_transfers()

    def on_flow(self, flow: Flow) -> None:
        self._outlet.on_flow(flow)
        self.wake()

    def wake(self) -> None:
        while self._waiting and self._outlet.is_open:
            self._outlet.send(self._waiting.popleft())
        if not self._waiting:
            self._outlet.nothing_left()

    def on_detached(self) -> None:
        self._waiting.clear()


def _no_transfers() -> Refused:
    return Refused(NOT_ALLOWED, "a transfer on a link that sends")

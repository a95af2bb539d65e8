"""Lanes to the hub: the client sends one batch after the other, so commits side by side each need one of their own."""

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from shared.capture.hub import Hub
from shared.capture.records import Outgoing
from shared.errors import EventsUnavailable


@dataclass(slots=True)
class Lanes:
    """Connections that are opened when their lane is first used; ``connect`` makes the client of one."""

    connect: Callable[[], Hub]
    _hubs: dict[int, Hub] = field(default_factory=dict)
    _leaving: set[asyncio.Task[None]] = field(default_factory=set)

    async def send(self, events: Sequence[Outgoing], *, lane: int, timeout_s: float) -> None:
        """Send events on a lane that nobody else uses meanwhile, and return once the hub has acknowledged them.

        Raises:
            EventRefused: one of them is larger than anything this hub takes; nothing was sent.
            EventsUnavailable: some of them may not have arrived, or may have without our knowing.
        """
        hub = self._hub(lane)
        try:
            await hub.send(events, timeout_s=timeout_s)
        except EventsUnavailable:
            # A connection that was interrupted in the middle may never answer again, where a new one would.
            if self._hubs.get(lane) is hub:
                self._let_go(lane)
            raise

    async def open(self, lane: int, *, timeout_s: float) -> None:
        """Connect a lane before it is used.

        Raises:
            EventsUnavailable: the hub cannot be reached.
        """
        await self._hub(lane).open(timeout_s=timeout_s)

    async def close(self) -> None:
        """Let all connections go."""
        for lane in list(self._hubs):
            self._let_go(lane)
        while self._leaving:
            await asyncio.wait(self._leaving)

    def _hub(self, lane: int) -> Hub:
        hub = self._hubs.get(lane)
        if hub is None:
            hub = self._hubs[lane] = self.connect()
        return hub

    def _let_go(self, lane: int) -> None:
        leaving = asyncio.ensure_future(_closed(self._hubs.pop(lane)))
        self._leaving.add(leaving)
        leaving.add_done_callback(self._leaving.discard)


async def _closed(hub: Hub) -> None:
    with contextlib.suppress(EventsUnavailable):  # a hub that is away need not be told
        await hub.close()

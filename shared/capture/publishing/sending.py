"""What becomes of a commit: the hub takes it, or it waits in the spool, or it is lost, and that is counted.

Whoever waits for a commit that the hub does not acknowledge in time is answered by the spool. The hub may have taken it all
the same: then its records are there twice, under the same ids, and sealing keeps one of each.
"""

import asyncio
import contextlib
import logging
from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass, field
from typing import Final

from shared.capture.publishing.breaker import Breaker, Way
from shared.capture.publishing.lanes import Lanes
from shared.capture.publishing.spool import Spool
from shared.capture.records import Outgoing, Shelf
from shared.clock import Clock
from shared.errors import BlobRefused, EventRefused, EventsUnavailable, StorageUnavailable
from shared.scoring.prediction import Kept
from shared.telemetry import Telemetry
from shared.telemetry.operations import calling

logger = logging.getLogger(__name__)

_LEAST_S: Final = 0.5


@dataclass(slots=True)
class Sending:
    """Sends commits.

    ``timeout_s`` is what the hub has for a commit, from its first record on, and then the spool as much again. One that
    waited long is given half a second of each all the same.
    """

    lanes: Lanes
    spool: Spool
    telemetry: Telemetry
    clock: Clock
    _: KW_ONLY
    timeout_s: float
    target: str
    breaker: Breaker = field(default_factory=Breaker)
    _probes: set[asyncio.Task[None]] = field(default_factory=set)

    async def leave(self, events: Sequence[Outgoing], *, lane: int, waiting_since: float) -> Sequence[Kept]:
        """Send the events of a commit, and return how each was kept; see ``commits.Sender``."""
        kept: Sequence[Kept] = ()
        try:
            kept = await self._leave(events, lane, waiting_since)
        finally:
            if not kept:  # a mistake of ours, whose callers are told that they are lost
                for event in events:
                    self.lost(event.shelf, event.records, reason="unexpected")
        return kept

    async def open(self, lane: int) -> None:
        """Connect a lane; where that fails, the first commit on it finds out why."""
        if not self.breaker.is_open:
            with contextlib.suppress(EventsUnavailable):
                await self.lanes.open(lane, timeout_s=self.timeout_s)

    def lost(self, shelf: Shelf, records: int, *, reason: str) -> Kept:
        """Count records that are kept nowhere, and cry out: the answer comes first, and all of it is said."""
        logger.critical("records lost", extra={"shelf": shelf.folder, "records": records, "reason": reason})
        self.telemetry.metric("capture_lost_records", records, model=shelf.model, version=shelf.version)
        return Kept.LOST

    async def close(self) -> None:
        """Wait for what is under way, and let all connections go."""
        while self._probes:
            await asyncio.wait(self._probes)
        await self.lanes.close()

    async def _leave(self, events: Sequence[Outgoing], lane: int, waiting_since: float) -> Sequence[Kept]:
        way = self.breaker.way(_now())
        if way is Way.PROBE:
            return await self._probe(events, lane, waiting_since)
        if way is Way.SEND:
            try:
                if await self._arrives(events, lane, way, waiting_since):
                    return [Kept.ACKED] * len(events)
            except EventRefused as refused:
                if len(events) == 1:
                    return [self.lost(events[0].shelf, events[0].records, reason=str(refused))]
                # The others are not to be lost with it.
                return [kept for event in events for kept in await self._leave([event], lane, waiting_since)]
        try:
            await self._spool(events, waiting_since)
        except (StorageUnavailable, BlobRefused) as fault:
            return [self.lost(event.shelf, event.records, reason=str(fault)) for event in events]
        return [Kept.SPOOLED] * len(events)

    async def _probe(self, events: Sequence[Outgoing], lane: int, waiting_since: float) -> Sequence[Kept]:
        """Try the hub and the spool at once, so that a hub which is still away costs nobody its time-out.

        Whichever has the commit first answers. Where both have it, it is taken out of the spool again.
        """
        sending = asyncio.ensure_future(self._arrives_or_is_refused(events, lane, waiting_since))
        spooling = asyncio.ensure_future(self._spool(events, waiting_since))
        probe = asyncio.ensure_future(self._settle(sending, spooling))
        self._probes.add(probe)
        probe.add_done_callback(self._probes.discard)
        await asyncio.wait({sending, spooling}, return_when=asyncio.FIRST_COMPLETED)
        if sending.done() and sending.result():
            return [Kept.ACKED] * len(events)
        await asyncio.wait({spooling})
        fault = spooling.exception()
        if fault is None:
            return [Kept.SPOOLED] * len(events)
        if await sending:
            return [Kept.ACKED] * len(events)
        return [self.lost(event.shelf, event.records, reason=str(fault)) for event in events]

    async def _settle(self, sending: "asyncio.Task[bool]", spooling: "asyncio.Task[str]") -> None:
        await asyncio.wait({sending, spooling})
        if spooling.exception() is None and sending.exception() is None and sending.result():
            with contextlib.suppress(StorageUnavailable):  # then the drain sends it once more
                await self.spool.delete(spooling.result())

    async def _arrives_or_is_refused(self, events: Sequence[Outgoing], lane: int, waiting_since: float) -> bool:
        try:
            return await self._arrives(events, lane, Way.PROBE, waiting_since)
        except EventRefused:
            return False

    async def _arrives(self, events: Sequence[Outgoing], lane: int, way: Way, waiting_since: float) -> bool:
        """Send events, and return whether the hub acknowledged them; the breaker learns of it.

        Raises:
            EventRefused: one of them is larger than anything this hub takes; nothing was sent.
        """
        answered = False
        try:
            with self._calling("send", kind="Azure Event Hubs", target=self.target):
                await self.lanes.send(events, lane=lane, timeout_s=self._left_s(waiting_since, self.timeout_s))
            answered = True
        except EventRefused:
            answered = True
            raise
        except EventsUnavailable:
            return False
        finally:
            if answered:
                self.breaker.succeeded()
            else:
                self.breaker.failed(way, _now())
        return True

    async def _spool(self, events: Sequence[Outgoing], waiting_since: float) -> str:
        try:
            with self._calling("spool", kind="Azure blob", target="captures"):
                path = await self.spool.keep(events, timeout_s=self._left_s(waiting_since, 2.0 * self.timeout_s))
        except StorageUnavailable:
            self.breaker.hurry(_now())
            raise
        self.telemetry.metric("capture_spooled_records", sum(event.records for event in events))
        return path

    def _left_s(self, waiting_since: float, allowed_s: float) -> float:
        return max(waiting_since + allowed_s - _now(), min(_LEAST_S, self.timeout_s))

    def _calling(self, name: str, *, kind: str, target: str) -> contextlib.AbstractContextManager[None]:
        return calling(self.telemetry, self.clock, name, kind=kind, target=target)


def _now() -> float:
    return asyncio.get_running_loop().time()

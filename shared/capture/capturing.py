"""One delivered batch into the hours its records belong to, and what is missing before it."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from shared.capture.cursor import Cursor, Cursors
from shared.capture.filing import Filing
from shared.capture.hour_log import HourLogs
from shared.capture.hub import Hub
from shared.capture.missing import record_lost
from shared.capture.position import Position, Positions
from shared.capture.reading_back import ReadingBack
from shared.capture.records import Event
from shared.errors import EventsUnavailable
from shared.registry.store import Registry
from shared.telemetry import Telemetry

logger = logging.getLogger(__name__)


class DeliveredEvent(Protocol):
    """What capture needs of ``azure.functions.EventHubEvent``."""

    @property
    def sequence_number(self) -> int | None: ...
    @property
    def enqueued_time(self) -> datetime | None: ...
    @property
    def metadata(self) -> Mapping[str, Any] | None: ...
    def get_body(self) -> bytes: ...


@dataclass(slots=True)
class Capturing:
    """Keeps what the Event Hubs trigger delivers."""

    hub: Hub
    logs: HourLogs
    cursors: Cursors
    registry: Registry
    telemetry: Telemetry
    reading_back: ReadingBack
    _positions: Positions = field(init=False)
    _filing: Filing = field(init=False)

    def __post_init__(self) -> None:
        self._positions = Positions(self.hub, self.cursors)
        self._filing = Filing(self.logs, self.registry)

    async def append(self, delivered: Sequence[DeliveredEvent]) -> None:
        """Append a batch of one partition, and move its cursor once everything is in.

        Called again with the same events, or with other borders between batches, it adds only what is missing. Numbers
        that are missing before the batch are read back from the hub and captured first; those it no longer has are
        recorded as lost.

        Raises:
            StorageUnavailable, EventsUnavailable, BlobChanged, BlobRefused, InvalidDocument, or an ExceptionGroup of
                these: nothing is lost; the batch has to come again.
        """
        # metadata is built anew on every access, from arrays over the whole batch.
        partition = str((delivered[0].metadata or {})["PartitionContext"]["PartitionId"])
        events = [_event(one) for one in delivered]
        for run in _runs(events):
            await self._append_run(partition, run)
        logger.info(
            "batch captured", extra={"partition": partition, "events": len(events), "last": events[-1].sequence}
        )

    async def _append_run(self, partition: str, run: Sequence[Event]) -> None:
        """Append events whose numbers follow each other, but for those that were captured before."""
        position = await self._positions.find(partition, run[0])
        cursor = position.cursor or await self._begin(position, run[0])
        new = next((event for event in run if event.sequence > cursor.sequence), None)
        if new is not None:
            cursor = await self._catch_up(position, cursor, new)
            cursor = await self._capture(position, cursor, run)
        self._positions.remember(position, cursor)

    async def _begin(self, position: Position, event: Event) -> Cursor:
        """Begin with the oldest event the hub has: a host that was elsewhere before may deliver a later one first."""
        first = event.sequence
        if first > 0 and position.is_live:
            there = await self.hub.partition(position.place.partition)
            if there.last_sequence >= first:
                first = min(first, there.first_sequence)
        return await self.cursors.begin(position.place.incarnation, position.place.partition, first=first)

    async def _catch_up(self, position: Position, cursor: Cursor, event: Event) -> Cursor:
        """Capture what the hub has between a cursor and an event, a piece at a time."""
        last = event.sequence - 1
        if cursor.sequence >= last or not position.is_live:
            return cursor
        there = await self.hub.partition(position.place.partition)
        if there.last_sequence < event.sequence:
            raise EventsUnavailable(f"the hub has no event {event.sequence}, which it delivered: it may be another one")
        first = max(cursor.sequence + 1, there.first_sequence)
        if first > last:
            return cursor
        async with aclosing(self.reading_back.pieces(position.place.partition, first, last)) as pieces:
            async for piece in pieces:
                if piece[-1].enqueued_at > event.enqueued_at:
                    raise EventsUnavailable("what is read back is of another hub: this one was created anew meanwhile")
                for run in _runs(piece):
                    cursor = await self._capture(position, cursor, run)
                self.telemetry.metric("capture_events_read_back", len(piece))
        return cursor

    async def _capture(self, position: Position, cursor: Cursor, events: Sequence[Event]) -> Cursor:
        """Append those of events that are above a cursor, and move it past them; none is missing between them.

        What is missing before them is lost by now.
        """
        place = position.place
        events = [event for event in events if event.sequence > cursor.sequence]
        if not events:
            return cursor
        if events[0].sequence > cursor.sequence + 1:
            lost = await record_lost(self.cursors, place, cursor, last=events[0].sequence - 1)
            self.telemetry.metric("capture_lost_events", lost)
        filed = await self._filing.file(events, place, above=cursor.sequence, may_repeat=position.may_repeat)
        last = events[-1]
        moved = await self.cursors.advance(
            place.incarnation, place.partition, sequence=last.sequence, enqueued_at=last.enqueued_at
        )
        self.telemetry.metric("capture_records", filed.records)
        if filed.dead:
            self.telemetry.metric("capture_dead_letters", filed.dead)
        return moved


def _runs(events: Sequence[Event]) -> Iterator[list[Event]]:
    """Part events where a number is missing between two, or goes back."""
    run: list[Event] = []
    for event in events:
        if run and event.sequence != run[-1].sequence + 1:
            yield run
            run = []
        run.append(event)
    if run:
        yield run


def _event(one: DeliveredEvent) -> Event:
    sequence, enqueued_at = one.sequence_number, one.enqueued_time
    if sequence is None or enqueued_at is None:
        raise TypeError("an event without sequence number or enqueued time did not come from an event hub")
    return Event(sequence, enqueued_at, one.get_body())

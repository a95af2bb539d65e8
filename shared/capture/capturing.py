"""One delivered batch into the hours its records belong to."""

import asyncio
import logging
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from shared.capture.cursor import Cursor, Cursors
from shared.capture.hour_log import HourLogs
from shared.capture.hub import Hub
from shared.capture.reading import Read, dead_records, read_event
from shared.capture.records import Entry, Event, Kind, Shelf, dead_folder, log_folder, refused_folder
from shared.errors import BlobRefused
from shared.hours import Hour
from shared.ids import NONE, UNKNOWN
from shared.registry.store import Registry
from shared.telemetry import Telemetry

logger = logging.getLogger(__name__)

# A batch of full events takes seconds to read, and requests are answered by the same loop.
_LONGEST_ON_THE_LOOP_S = 0.005


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
class _Appends:
    """What goes to which log: entries in the order of their sequence numbers, by path."""

    by_path: dict[str, list[Entry]] = field(default_factory=lambda: defaultdict(list))
    dead_by_path: dict[str, list[Entry]] = field(default_factory=lambda: defaultdict(list))
    read: dict[int, tuple[Event, Read]] = field(default_factory=dict)
    records: int = 0
    dead: int = 0


@dataclass(slots=True)
class Capturing:
    """Keeps what the Event Hubs trigger delivers."""

    hub: Hub
    logs: HourLogs
    cursors: Cursors
    registry: Registry
    telemetry: Telemetry
    _incarnation: str | None = None
    _reached: dict[str, Event] = field(default_factory=dict)

    async def append(self, delivered: Sequence[DeliveredEvent]) -> None:
        """Append a batch of one partition, and move its cursor once everything is in.

        Called again with the same events, or with other borders between batches, it adds only what is missing.

        Raises:
            StorageUnavailable, EventsUnavailable, BlobChanged: nothing is lost; the batch has to come again.
        """
        # metadata is built anew on every access, from arrays over the whole batch.
        partition = str((delivered[0].metadata or {})["PartitionContext"]["PartitionId"])
        events = [_event(one) for one in delivered]
        incarnation = await self._incarnation_of(partition, events)
        await self.cursors.begin(incarnation, partition, first=events[0].sequence)
        appends = await self._read(events, partition, f"{incarnation}-p{partition}-r0.jsonl")
        await asyncio.gather(
            *(self._append(path, entries, appends, partition) for path, entries in appends.by_path.items()),
            *(self.logs.append(path, entries) for path, entries in appends.dead_by_path.items()),
        )
        last = events[-1]
        await self.cursors.advance(incarnation, partition, sequence=last.sequence, enqueued_at=last.enqueued_at)
        self._reached[partition] = Event(last.sequence, last.enqueued_at, b"")
        self.telemetry.metric("capture_records", appends.records)
        if appends.dead:
            self.telemetry.metric("capture_dead_letters", appends.dead)
        logger.info("batch captured", extra={"partition": partition, "events": len(events), "last": last.sequence})

    async def _incarnation_of(self, partition: str, events: Sequence[Event]) -> str:
        """Return the hub's incarnation; it is asked again whenever sequence numbers do not go on where they ended.

        Numbers that are missing in the same incarnation are logged as a gap: the hub let them go unread.
        """
        first = events[0].sequence
        if self._incarnation is not None and _goes_on(self._reached.get(partition), events[0]):
            return self._incarnation
        incarnation = await self.hub.incarnation()
        if incarnation != self._incarnation:
            self._incarnation = incarnation
            self._reached.clear()
        cursor: Cursor | None = await self.cursors.read(incarnation, partition)
        if cursor is not None and first > cursor.sequence + 1:
            logger.error(
                "events missing before a batch",
                extra={"partition": partition, "from": cursor.sequence + 1, "to": first - 1},
            )
        return incarnation

    async def _read(self, events: Sequence[Event], partition: str, name: str) -> _Appends:
        """Read every event, and find where its lines go."""
        appends = _Appends()
        began = time.monotonic()
        for event in events:
            if time.monotonic() - began > _LONGEST_ON_THE_LOOP_S:
                await asyncio.sleep(0)
                began = time.monotonic()
            hour = Hour.containing(event.enqueued_at)
            read = read_event(event, partition)
            appends.read[event.sequence] = event, read
            dead = b"" if read.dead is None else read.dead.data
            if read.shelf is not None and await self._registered(read.shelf):
                appends.by_path[f"{log_folder(read.shelf, hour)}{name}"].append(read.entry)
                appends.records += len(read.records)
            elif read.shelf is not None:
                dead += dead_records(read, event, partition, reason="its model or version is not registered").data
            if dead:
                appends.dead_by_path[f"{dead_folder(hour)}{name}"].append(Entry(event.sequence, dead))
                appends.dead += dead.count(b"\n")
        return appends

    async def _append(self, path: str, entries: Sequence[Entry], appends: _Appends, partition: str) -> None:
        """Append to one log; where storage refuses, event by event, so that only the refused ones are set aside.

        One is set aside before the next is appended: once that is in the log, nobody would try the one before again.
        """
        try:
            await self.logs.append(path, entries)
        except BlobRefused:
            for entry in entries:
                try:
                    await self.logs.append(path, [entry])
                except BlobRefused as refused:
                    event, read = appends.read[entry.sequence]
                    letter = dead_records(read, event, partition, reason=str(refused))
                    folder = refused_folder(Shelf.at_path(path), Hour.containing(event.enqueued_at))
                    await self.logs.append(f"{folder}{path.rsplit('/', 1)[1]}", [letter])
                    appends.records -= len(read.records)
                    appends.dead += len(read.records)

    async def _registered(self, shelf: Shelf) -> bool:
        if shelf.model == UNKNOWN:
            return True
        if shelf.kind is Kind.ACTUAL or shelf.version == NONE:
            return await self.registry.has(shelf.model)
        return await self.registry.knows(shelf.model, shelf.version)


def _goes_on(reached: Event | None, event: Event) -> bool:
    """Whether an event comes right after the last one captured, or came before it.

    A hub that was created anew counts from 0 again: its numbers are old ones, and its times are not.
    """
    if reached is None:
        return False
    if event.sequence == reached.sequence + 1:
        return True
    return event.sequence <= reached.sequence and event.enqueued_at <= reached.enqueued_at


def _event(one: DeliveredEvent) -> Event:
    if one.sequence_number is None or one.enqueued_time is None:
        raise TypeError("an event without sequence number or enqueued time did not come from an event hub")
    return Event(one.sequence_number, one.enqueued_time, one.get_body())

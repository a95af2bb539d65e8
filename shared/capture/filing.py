"""Events into the logs of the hours they belong to, and dead letters for what has no place."""

import asyncio
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from shared.capture import resting
from shared.capture.hour_log import HourLogs
from shared.capture.place import Place
from shared.capture.reading import Read, dead_records, read_event
from shared.capture.records import Entry, Event, Kind, Shelf, dead_folder, log_folder, refused_folder
from shared.errors import BlobRefused
from shared.hours import Hour
from shared.ids import NONE, UNKNOWN
from shared.registry.store import Registry

# A batch of full events takes seconds to read, and requests are answered by the same loop.
_LONGEST_ON_THE_LOOP_S: Final = 0.005


@dataclass(slots=True)
class Filed:
    """What became of the records of some events."""

    records: int = 0
    dead: int = 0


@dataclass(slots=True)
class _Appends:
    """What goes to which log: entries in the order of their sequence numbers, by path."""

    by_path: dict[str, list[Entry]] = field(default_factory=lambda: defaultdict(list))
    dead_by_path: dict[str, list[Entry]] = field(default_factory=lambda: defaultdict(list))
    reads: dict[int, tuple[Event, Read]] = field(default_factory=dict)
    filed: Filed = field(default_factory=Filed)
    _shelf: Shelf | None = None
    _hour: Hour | None = None
    _entries: list[Entry] = field(default_factory=list)

    def add(self, event: Event, read: Read, place: Place, *, to_log: bool, is_aside: bool) -> None:
        """Add an event: its records go to their log, to the dead letters, or nowhere when it ``is_aside`` already."""
        self.reads[event.sequence] = event, read
        dead = b"" if read.dead is None else read.dead.data
        if read.shelf is not None and to_log and not is_aside:
            self._entries_of(read.shelf, event, place).append(read.entry)
            self.filed.records += len(read.indices)
        elif read.shelf is not None and not is_aside:
            dead += dead_records(read, event, place.partition, reason="its model or version is not registered").data
        if dead:
            folder = dead_folder(Hour.containing(event.enqueued_at))
            self.dead_by_path[f"{folder}{place.log}"].append(Entry(event.sequence, dead))
            self.filed.dead += dead.count(b"\n")

    def _entries_of(self, shelf: Shelf, event: Event, place: Place) -> list[Entry]:
        """Return what goes to the log of an event, which nearly always is the log of the event before.

        To name it takes 3 µs, and all that is ours takes 9 for an event of one record.
        """
        hour = self._hour
        if shelf is not self._shelf or hour is None or not hour.start <= event.enqueued_at < hour.end:
            self._shelf, self._hour = shelf, Hour.containing(event.enqueued_at)
            self._entries = self.by_path[f"{log_folder(shelf, self._hour)}{place.log}"]
        return self._entries


@dataclass(slots=True)
class Filing:
    """Files events."""

    logs: HourLogs
    registry: Registry
    _seen: dict[Place, set[Shelf]] = field(default_factory=dict)
    """By place, the registered shelves that this process has filed events of."""

    async def file(self, events: Sequence[Event], place: Place, *, above: int, may_repeat: bool) -> Filed:
        """Append events of one partition, in order and none missing, to their logs.

        An attempt may have broken off above the cursor, and a model have been registered since then: an event that was
        set aside stays there, and one that is in a log stays in the log. Otherwise it would be counted twice.

        Args:
            events: all above the cursor.
            place: where their numbers count.
            above: the cursor.
            may_repeat: whether to look for such an attempt in any case, and not only where a shelf turns out registered
                of which this process has filed nothing there: another one may have had the partition meanwhile, and a
                shelf that was registered before was so for both.

        Raises:
            ExceptionGroup: of the faults with which appends failed; those under way were cancelled, and what was
                appended is found again.
            StorageUnavailable: likewise, before anything was appended.
        """
        reads = await _read(events, place.partition)
        known = await self._registered({read.shelf for _, read in reads if read.shelf is not None})
        aside: set[int] = set()
        logged: set[int] = set()
        seen = self._seen.setdefault(place, set())
        if may_repeat or not known <= seen:
            hours = {Hour.containing(event.enqueued_at) for event, _ in reads}
            aside = await resting.set_aside(self.logs.blobs, place, hours=hours, above=above)
            homeless = {
                (read.shelf, Hour.containing(event.enqueued_at))
                for event, read in reads
                if read.shelf is not None and read.shelf not in known
            }
            for shelf, hour in homeless:
                logged |= await resting.logged(self.logs.blobs, place, shelf=shelf, hour=hour, above=above)
            seen |= known
        appends = _Appends()
        for event, read in reads:
            to_log = read.shelf in known or event.sequence in logged
            appends.add(event, read, place, to_log=to_log, is_aside=event.sequence in aside)
        async with asyncio.TaskGroup() as group:
            for path, entries in appends.by_path.items():
                group.create_task(self._append(path, entries, appends, place))
            for path, entries in appends.dead_by_path.items():
                group.create_task(self.logs.append(path, entries))
        return appends.filed

    async def _append(self, path: str, entries: Sequence[Entry], appends: _Appends, place: Place) -> None:
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
                    event, read = appends.reads[entry.sequence]
                    letter = dead_records(read, event, place.partition, reason=str(refused))
                    folder = refused_folder(Shelf.at_path(path), Hour.containing(event.enqueued_at))
                    await self.logs.append(f"{folder}{place.log}", [letter])
                    appends.filed.records -= len(read.indices)
                    appends.filed.dead += len(read.indices)

    async def _registered(self, shelves: set[Shelf]) -> set[Shelf]:
        """Return those of the shelves whose model and version are registered, each looked up once for a batch.

        Of two events of one shelf the later must not be in its log while the earlier is not: that would be taken for in.
        """
        found = await asyncio.gather(*(is_registered(self.registry, shelf) for shelf in shelves))
        return {shelf for shelf, is_registered in zip(shelves, found, strict=True) if is_registered}


async def is_registered(registry: Registry, shelf: Shelf) -> bool:
    """Whether records have a place: their model and version are registered, the model alone where there is no version."""
    if shelf.model == UNKNOWN:
        return True
    if shelf.kind is Kind.ACTUAL or shelf.version == NONE:
        return await registry.has(shelf.model)
    return await registry.knows(shelf.model, shelf.version)


async def _read(events: Sequence[Event], partition: str) -> list[tuple[Event, Read]]:
    reads = []
    began = time.monotonic()
    for event in events:
        if time.monotonic() - began > _LONGEST_ON_THE_LOOP_S:
            await asyncio.sleep(0)
            began = time.monotonic()
        reads.append((event, read_event(event, partition)))
    return reads

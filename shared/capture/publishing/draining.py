"""Drain: what waits in the spool goes to the hub, oldest first."""

import asyncio
import logging
from collections.abc import Iterator, Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Final

from shared.blobs import Stored
from shared.capture.publishing.commits import MOST_COMMIT_BYTES
from shared.capture.publishing.lanes import Lanes
from shared.capture.publishing.spool import Spool
from shared.capture.records import Outgoing
from shared.clock import Clock
from shared.errors import BlobMissing, EventRefused, Fault, InvalidDocument
from shared.telemetry import Telemetry
from shared.telemetry.operations import calling

logger = logging.getLogger(__name__)

_TOGETHER: Final = 32
_TIMEOUT_S: Final = 30.0
"""Nobody waits for an answer, as behind ``CAPTURE_TIMEOUT_S``: each drain may well have to connect first."""
_LONGEST_S: Final = 300.0
"""After that the next call goes on: past the host's ``functionTimeout`` the worker is ended, and requests with it."""


@dataclass(slots=True)
class Draining:
    """Empties the spool."""

    spool: Spool
    lanes: Lanes
    clock: Clock
    telemetry: Telemetry
    _: KW_ONLY
    target: str

    async def drain(self) -> int:
        """Send what waits, for some minutes, delete what was acknowledged, and return how many blobs that were.

        Killed at any point, or with others that do the same, it sends twice what it had not deleted: under the same ids,
        of which sealing keeps one. A blob that cannot be read or sent stays, and holds up no other.

        Raises:
            EventsUnavailable, StorageUnavailable: what was not sent waits for the next call.
            ExceptionGroup: some blobs can never be sent as they are, with the reasons.
        """
        now = asyncio.get_running_loop().time
        until = now() + _LONGEST_S
        drained = 0
        faults: list[Fault] = []
        for together in _lots(await self.spool.waiting()):
            drained += await self._send([stored.path for stored in together], faults)
            if now() > until:
                break
        if drained:
            logger.info("spool drained", extra={"blobs": drained})
        for fault in faults:
            self.telemetry.exception(fault)
        if faults:
            raise ExceptionGroup("not everything in the spool can be sent", faults)
        return drained

    async def _send(self, paths: Sequence[str], faults: list[Fault]) -> int:
        """Send some blobs together, and delete them; where the hub refuses, one by one."""
        read = await asyncio.gather(*(self._read(path, faults) for path in paths))
        events = {path: its for path, its in zip(paths, read, strict=True) if its}
        if not events:
            return 0
        try:
            with calling(self.telemetry, self.clock, "replay", kind="Azure Event Hubs", target=self.target):
                together = [event for its in events.values() for event in its]
                await self.lanes.send(together, lane=0, timeout_s=_TIMEOUT_S)
        except EventRefused as refused:
            if len(events) == 1:
                faults.append(refused)
                return 0
            return sum([await self._send([path], faults) for path in events])
        await asyncio.gather(*(self.spool.delete(path) for path in events))
        return len(events)

    async def _read(self, path: str, faults: list[Fault]) -> list[Outgoing]:
        """Return the events of a blob: none where another has drained it, or where it cannot be read."""
        try:
            return await self.spool.read(path)
        except BlobMissing:
            return []
        except InvalidDocument as fault:
            faults.append(fault)
            return []


def _lots(waiting: Sequence[Stored]) -> Iterator[list[Stored]]:
    """Part what waits into lots that one commit holds."""
    lot: list[Stored] = []
    size = 0
    for stored in waiting:
        if lot and (len(lot) == _TOGETHER or size + stored.size_bytes > MOST_COMMIT_BYTES):
            yield lot
            lot, size = [], 0
        lot.append(stored)
        size += stored.size_bytes
    if lot:
        yield lot

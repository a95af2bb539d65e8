"""A hub of a test's own with storage of its own: what is sent, delivered in any borders, and what is kept."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import azure.functions as func

from infra.local.eventhubs.emulator import Emulator
from infra.local.eventhubs.entities import Config, GroupConfig, HubConfig, NamespaceConfig, UserConfig
from infra.local.processes import free_port
from shared import documents
from shared.blobs import Blobs
from shared.capture.capturing import Capturing
from shared.capture.cursor import Cursor, Cursors
from shared.capture.gap import Gap
from shared.capture.hour_log import HourLogs
from shared.capture.hub import Hub, Partition, producer
from shared.capture.reading_back import ReadingBack, consumer
from shared.registry.store import Registry
from shared.telemetry import Telemetry
from tests.integration.capture.delivery import HUB, handed_over, lines, manifest, outgoing
from tests.integration.stored import Calendar, Killed, own_storage
from tests.unit.capture.records import record

NINE = datetime(2026, 3, 1, 9, tzinfo=UTC)
CONFIG = Config(UserConfig((NamespaceConfig("emulatorNs1", (HubConfig(HUB, 1, (GroupConfig("capture"),)),)),)))
MINUTE = timedelta(minutes=1)


class Frozen(Cursors):
    """Cursors of a process that ends before one moves."""

    async def advance(self, incarnation: str, partition: str, *, sequence: int, enqueued_at: datetime) -> Cursor:
        del incarnation, partition, sequence, enqueued_at
        raise Killed


@dataclass
class Stream:
    """One partition, from the hub to storage; version 1 of ``flights`` is registered."""

    emulator: Emulator
    hub: Hub
    blobs: Blobs
    calendar: Calendar
    data: Path
    delivered: list[func.EventHubEvent] = field(default_factory=list)
    """All events that were sent to this hub, whether it still has them or not."""

    @property
    def cursors(self) -> Cursors:
        return Cursors(self.blobs, self.calendar)

    def capturing(self, blobs: Blobs | None = None, **times: float) -> Capturing:
        """Return a capture that remembers nothing, as a new process does; its logs may be in other hands."""
        return Capturing(
            self.hub,
            HourLogs(blobs or self.blobs),
            self.cursors,
            Registry(self.blobs, self.calendar),
            Telemetry.to("", clock=self.calendar),
            self.reading_back(**times),
        )

    def reading_back(self, **times: float) -> ReadingBack:
        connection = self.emulator.connection_string()
        return ReadingBack(lambda: consumer(connection, namespace="", hub=HUB), **times)

    async def send(self, *bodies: bytes) -> list[func.EventHubEvent]:
        """Send events, a minute after those before, and return them as the worker hands them over."""
        self.calendar.set(self.calendar.now() + MINUTE)
        await self.hub.send(outgoing(*bodies), timeout_s=30.0)
        first, at = len(self.delivered), self.calendar.now()
        events = [handed_over(body, "0", sequence=first + n, at=at) for n, body in enumerate(bodies)]
        self.delivered += events
        return events

    async def send_numbered(self, *numbers: int) -> list[func.EventHubEvent]:
        """Send an event of one record for each number."""
        return await self.send(*(record(n=number) for number in numbers))

    async def recreate(self) -> None:
        """Delete the hub and create it anew, under the same address."""
        await self.emulator.__aexit__()
        shutil.rmtree(self.data / HUB)
        self.delivered.clear()
        self.calendar.set(self.calendar.now() + MINUTE)
        await self.emulator.__aenter__()

    async def register(self, model: str) -> None:
        await Registry(self.blobs, self.calendar).register(manifest(model, "1"), files={})

    async def kept(self, holding: str = "") -> list[int]:
        """Return the numbers of the records in logs, those of one log in their order."""
        return [line["n"] for line in await lines(self.blobs, "captures/logs/", holding) if "n" in line]

    async def dead(self) -> list[dict[str, Any]]:
        return await lines(self.blobs, "captures/dead/")

    async def gaps(self) -> list[tuple[int, int]]:
        """Return the recorded gaps."""
        found = [one.path async for one in self.blobs.under("captures/gaps/")]
        gaps = [(await documents.read(self.blobs, path, Gap))[0] for path in found]
        return sorted((gap.first, gap.last) for gap in gaps)

    async def cursor(self) -> Cursor:
        found = await self.cursors.read(await self.hub.incarnation(), "0")
        assert found is not None
        return found


@asynccontextmanager
async def stream(azurite: str, folder: Path, *, retention_s: float = 86_400.0) -> AsyncIterator[Stream]:
    """Run a hub, and make storage for it."""
    calendar = Calendar(NINE)
    emulator = Emulator(CONFIG, folder, port=free_port(), clock=calendar, retention_s=retention_s)
    async with own_storage(azurite) as blobs, emulator:
        hub = Hub(producer(emulator.connection_string(), namespace="", hub=HUB))
        made = Stream(emulator, hub, blobs, calendar, folder)
        await made.register("flights")
        yield made
        await hub.close()


async def expired(hub: Hub, *, first: int) -> Partition:
    """Wait until the hub has nothing before a number."""
    async with asyncio.timeout(30.0):
        while (partition := await hub.partition("0")).first_sequence < first:  # noqa: ASYNC110 - a hub tells nobody
            await asyncio.sleep(0.1)
    return partition


def pass_time(capturing: Capturing, *, seconds: float) -> None:
    """Let time pass for a process."""
    now = capturing._positions.monotonic()
    capturing._positions.monotonic = lambda: now + seconds

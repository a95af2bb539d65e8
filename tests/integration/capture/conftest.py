"""Storage, a hub in the test's own event loop, and capture between them."""

import itertools
import uuid
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from infra.local.eventhubs.emulator import Emulator
from infra.local.eventhubs.entities import Config, HubConfig, NamespaceConfig, UserConfig
from infra.local.processes import free_port
from shared.blobs import Blobs, service
from shared.capture.capturing import Capturing
from shared.capture.cursor import Cursors
from shared.capture.hour_log import HourLogs
from shared.capture.hub import Hub, producer
from shared.capture.publishing.publisher import Publisher
from shared.capture.reading_back import ReadingBack, consumer
from shared.clock import Clock
from shared.registry.store import Registry
from shared.telemetry import Telemetry
from tests.integration.capture.delivery import HUB, manifest
from tests.integration.capture.publishing import publisher
from tests.integration.stored import own_storage

CONFIG = Config(UserConfig((NamespaceConfig("emulatorNs1", (HubConfig(HUB, 1),)),)))
_NUMBERS = itertools.count()


@pytest.fixture
async def blobs(azurite: str) -> AsyncIterator[Blobs]:
    made = Blobs(service(azurite))
    await made.create_containers()
    yield made
    await made.close()


@pytest.fixture
def path() -> str:
    """A log that no other test has."""
    return f"captures/logs/tests/{uuid.uuid4()}/p0-r0.jsonl"


@pytest.fixture
def clock() -> Clock:
    """Half past an hour that no other test lives in."""
    return Clock.standing(datetime(2026, 3, 1, 9, 30, tzinfo=UTC) + timedelta(hours=next(_NUMBERS)))


@pytest.fixture
def partition() -> str:
    """A partition that no other test has; what is delivered of it need not have been in the hub."""
    return str(next(_NUMBERS))


@pytest.fixture
def address(tmp_path: Path) -> Emulator:
    """A hub that is not there yet: its port is known, and nobody listens."""
    return Emulator(CONFIG, tmp_path / "hub", port=free_port())


@pytest.fixture
async def storage(azurite: str) -> AsyncIterator[Blobs]:
    """Storage that no other test has."""
    async with own_storage(azurite) as blobs:
        yield blobs


@pytest.fixture
async def ours(address: Emulator, storage: Blobs) -> AsyncIterator[Publisher]:
    """What publishes to the hub at ``address``, and spools to ``storage``."""
    publishing = publisher(address, storage)
    yield publishing
    await publishing.close()


@pytest.fixture(scope="session")
async def emulator(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Emulator]:
    """A hub that is older than every event of the tests."""
    created = Clock.standing(datetime(2026, 1, 1, tzinfo=UTC))
    async with Emulator(CONFIG, tmp_path_factory.mktemp("hub"), clock=created) as running:
        yield running


@pytest.fixture(scope="session")
async def hub(emulator: Emulator) -> AsyncIterator[Hub]:
    """The client of the hub, as the app has it; it takes a second to connect."""
    made = Hub(producer(emulator.connection_string(), namespace="", hub=HUB))
    yield made
    await made.close()


@pytest.fixture
async def registry(blobs: Blobs, clock: Clock) -> Registry:
    """A registry that has version 1 of the model ``flights``."""
    made = Registry(blobs, clock)
    await made.register(manifest("flights", "1"), files={})
    return made


@pytest.fixture
def make_capturing(blobs: Blobs, hub: Hub, emulator: Emulator, clock: Clock) -> Callable[..., Capturing]:
    """Return what makes a capture that remembers nothing, as a new process does; its logs may be in other hands."""

    def make(logs: Blobs = blobs) -> Capturing:
        return Capturing(
            hub,
            HourLogs(logs),
            Cursors(blobs, clock),
            Registry(blobs, clock),
            Telemetry.to("", clock=clock),
            reading_back(emulator),
        )

    return make


def reading_back(emulator: Emulator, **times: float) -> ReadingBack:
    """Return what reads back from a hub, which may have another port by the time it does."""
    return ReadingBack(lambda: consumer(emulator.connection_string(), namespace="", hub=HUB), **times)

"""A hub, storage and a registered version, and what captures and seals."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NoReturn

import pytest

from infra.local.eventhubs.emulator import Emulator
from infra.local.eventhubs.entities import Config, HubConfig, NamespaceConfig, UserConfig
from shared.blobs import Blobs
from shared.capture.capturing import Capturing
from shared.capture.cursor import Cursors
from shared.capture.hour_log import HourLogs
from shared.capture.hub import Hub, Partition, producer
from shared.capture.reading_back import ReadingBack
from shared.registry.baselines import Baselines
from shared.registry.store import Registry
from shared.sealing.days.rolling import Rolling
from shared.sealing.hours.chaining import MOST_GENERATION_BYTES
from shared.sealing.hours.doubles import Doubles
from shared.sealing.hours.generations import Generations
from shared.sealing.hours.manifests import Manifests
from shared.sealing.retention import Periods, Retention
from shared.sealing.sealing import Sealing
from shared.telemetry import Telemetry
from tests.integration.models import registered
from tests.integration.stored import Calendar, own_storage

HUB = "driftline"
CONFIG = Config(UserConfig((NamespaceConfig("emulatorNs1", (HubConfig(HUB, 2),)),)))
NINE = datetime(2026, 3, 1, 9, tzinfo=UTC)


class AskedOnce(Hub):
    """A hub whose answers are kept: each takes the client four tenths of a second, most of it waiting."""

    _partitions: list[Partition] | None = None
    _incarnation: str | None = None

    async def incarnation(self, *, timeout_s: float = 30.0) -> str:
        if self._incarnation is None:
            self._incarnation = await super().incarnation(timeout_s=timeout_s)
        return self._incarnation

    async def partitions(self, *, timeout_s: float = 30.0) -> list[Partition]:
        if self._partitions is None:
            self._partitions = await super().partitions(timeout_s=timeout_s)
        return self._partitions


def _unheard() -> NoReturn:
    raise AssertionError("nothing that these tests deliver is missing")


@dataclass
class Stages:
    """Capture and sealing around one storage and one hub; every call makes new ones, as new processes do."""

    blobs: Blobs
    hub: Hub
    calendar: Calendar
    periods: Periods = field(default_factory=lambda: Periods(logs=14, hours=0, dead=90))

    def registry(self, blobs: Blobs | None = None) -> Registry:
        return Registry(blobs or self.blobs, self.calendar)

    def capturing(self) -> Capturing:
        telemetry = Telemetry.to("", clock=self.calendar)
        cursors = Cursors(self.blobs, self.calendar)
        return Capturing(self.hub, HourLogs(self.blobs), cursors, self.registry(), telemetry, ReadingBack(_unheard))

    def sealing(self, blobs: Blobs | None = None, *, most_bytes: int = MOST_GENERATION_BYTES) -> Sealing:
        ours = blobs or self.blobs
        registry = self.registry(ours)
        telemetry = Telemetry.to("", clock=self.calendar)
        return Sealing(
            ours,
            self.hub,
            Cursors(ours, self.calendar),
            Manifests(ours),
            Generations(ours, registry, Baselines(ours, registry), Doubles(ours), telemetry),
            self.calendar,
            telemetry,
            grace=timedelta(minutes=15),
            logs_kept=timedelta(days=14),
            rolling=Rolling(ours, Manifests(ours), telemetry),
            retention=Retention(ours, Manifests(ours), self.calendar, telemetry, self.periods),
            most_bytes=most_bytes,
        )


@pytest.fixture
def calendar() -> Calendar:
    return Calendar(NINE)


@pytest.fixture
async def emulator(tmp_path: Path, calendar: Calendar) -> AsyncIterator[Emulator]:
    """A hub of the test's own, to send to."""
    async with Emulator(CONFIG, tmp_path / "hub", clock=calendar) as running:
        yield running


@pytest.fixture(scope="session")
async def quiet_hub(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[AskedOnce]:
    """A hub that nothing was ever sent to, so that no partition lags."""
    async with Emulator(CONFIG, tmp_path_factory.mktemp("quiet"), clock=Calendar(NINE)) as running:
        hub = AskedOnce(producer(running.connection_string(), namespace="", hub=HUB))
        yield hub
        await hub.close()


@pytest.fixture
async def stages(azurite: str, quiet_hub: AskedOnce, calendar: Calendar) -> AsyncIterator[Stages]:
    """Everything for version 1 of ``flights``, which is registered."""
    async with own_storage(azurite) as blobs:
        made = Stages(blobs, quiet_hub, calendar)
        version = registered("flights", "1")
        await made.registry().register(version.manifest, files=version.files)
        yield made

"""A champion whose predictions turn out, hour by hour, and what plans datasets of them."""

import io
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from shared import documents
from shared.blobs import Blobs, service
from shared.datasets.building import Building, Machine
from shared.datasets.engines import open_engine
from shared.datasets.faults import FaultyHours
from shared.datasets.finalising import Checking
from shared.datasets.manifest import Check, DatasetManifest
from shared.datasets.originals import Originals
from shared.datasets.paths import dataset_folder, manifest_path
from shared.datasets.planning import Planning
from shared.datasets.recipe import Recipe
from shared.hours import Hour
from shared.monitoring.evaluation import Evaluations
from shared.registry.baselines import Baselines
from shared.registry.manifest import CHAMPION
from shared.registry.store import Registry
from shared.sealing.hours.manifests import Manifests
from shared.sealing.hours.watermark import WATERMARK_PATH, Watermark
from tests.integration.actuals.conftest import world
from tests.integration.actuals.world import NINE, World, actual, prediction
from tests.integration.command_line import environment_of
from tests.integration.models import answer
from tests.integration.stored import Calendar
from tests.storage import running_azurite

__all__ = ["world"]

ROWS = 20


def _unchecked(*_: object) -> tuple[Check, ...]:
    """Find nothing: twenty rows of one customer say little."""
    return ()


@dataclass
class Kept:
    """What was captured of ``flights``; every call makes what plans anew, as a new process does."""

    world: World
    scratch: Path
    made: list[bytes] = field(default_factory=list)

    @property
    def blobs(self) -> Blobs:
        return self.world.blobs

    def planning(self, blobs: Blobs | None = None) -> Planning:
        ours = blobs or self.blobs
        registry, manifests = Registry(ours, self.world.calendar), Manifests(ours)
        return Planning(
            ours,
            registry,
            manifests,
            self.world.joins,
            Baselines(ours, registry),
            FaultyHours(ours, Evaluations(ours)),
            Originals(ours),
            self.world.calendar,
        )

    def building(self, blobs: Blobs | None = None, check: Checking = _unchecked) -> Building:
        engine = partial(open_engine, "duckdb", memory_mib=256, threads=1)
        machine = Machine(engine=engine, place=self.scratch, kept_bytes=1 << 20)
        return Building(blobs or self.blobs, self.planning(blobs), self.world.calendar, machine, check)

    async def dataset(self, name: str | None) -> DatasetManifest:
        assert name is not None
        found, _ = await documents.read(self.blobs, manifest_path("flights", name), DatasetManifest)
        return found

    async def rows(self, name: str | None) -> pa.Table:
        """Return the rows of a dataset, its parts in the order they are named in."""
        made = await self.dataset(name)
        parts = [
            (await self.blobs.read(f"{dataset_folder('flights', made.dataset)}{one.file}")).data for one in made.parts
        ]
        return pa.concat_tables([pq.ParquetFile(io.BytesIO(data)).read() for data in parts])

    async def hour(self, number: int, *, rows: int = ROWS, known: int = ROWS, version: str = "1") -> None:
        """Have a version answer in an hour after nine; of so many rows it turns out, an hour later, what version 3 says."""
        hour = NINE.plus(number)
        made = [
            prediction(
                hour,
                version=version,
                distance=float(row * 7 % 100),
                answer=answer(row * 7 % 100, version=version),
                request_id=f"request {number}-{row // 2}",
                external_id=f"order {number}-{row % 5}",
            )
            for row in range(rows)
        ]
        await self.world.deliver(hour, b"\n".join(made))
        truths = [
            actual(made[row], answer(row * 7 % 100, version="3"), at=hour.plus(1)) for row in range(min(rows, known))
        ]
        await self.world.deliver(hour.plus(1), *([b"\n".join(truths)] if truths else []))
        self.made += made

    async def sealed(self, before: int, *, joined: bool = True) -> None:
        """Seal what was delivered, up to so many hours after nine, and join it."""
        self.world.calendar.set(max(self.world.calendar.now(), NINE.plus(before).start))
        await self.world.seal()
        if joined:
            await self.world.join()
        await self.watermark(NINE.plus(before))

    async def watermark(self, before: Hour) -> None:
        await documents.swap(self.blobs, WATERMARK_PATH, Watermark, lambda _: Watermark(before=before.key))


def recipe(**said: Any) -> Recipe:  # noqa: ANN401 - whatever a recipe takes
    return msgspec.convert({"model": "flights", **said}, Recipe)


@pytest.fixture
async def kept(world: World, tmp_path: Path) -> Kept:
    """Three hours of version 1, the champion, from nine on; what is before one o'clock is sealed and joined."""
    await Registry(world.blobs, world.calendar).promote("flights", "1", alias=CHAMPION)
    made = Kept(world, tmp_path / "scratch")
    for number in range(3):
        await made.hour(number)
    await made.sealed(4)
    return made


@pytest.fixture(scope="module")
def storage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Storage of a module's own, for commands: its containers are called as the app calls them."""
    with running_azurite(tmp_path_factory.mktemp("storage")) as connection:
        yield connection


@pytest.fixture
def environment(storage: str, tmp_path: Path) -> dict[str, str]:
    """The settings of a command, with scratch folders of a test's own."""
    return environment_of(storage) | {
        "TMPDIR": str(tmp_path),
        "CLOCK": f"{datetime(2026, 3, 3, tzinfo=UTC).isoformat()}@0@0",
        "CAPTURE_TIMEOUT_S": "2",
    }


@asynccontextmanager
async def kept_in(storage: str, scratch: Path) -> AsyncIterator[Kept]:
    """Give storage in which version 1 is the champion, and nothing was captured yet."""
    blobs = Blobs(service(storage))
    await blobs.create_containers()
    world = World(blobs, Calendar(NINE.plus(24).start))
    await world.register("1")
    await Registry(blobs, world.calendar).promote("flights", "1", alias=CHAMPION)
    yield Kept(world, scratch)
    await blobs.close()

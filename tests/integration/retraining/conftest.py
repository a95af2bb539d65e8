"""A model that answers hour after hour, challengers beside it, and what turned out, as far as it is known."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec
import pyarrow as pa
import pytest

from shared.alerts.outbox import Outbox
from shared.blobs import Blobs
from shared.capture.records import Kind, Shelf
from shared.hours import Hour
from shared.monitoring.evaluation import Evaluations
from shared.registry.manifest import Alias, Manifest
from shared.retraining.challenging import Challenging
from shared.retraining.deciding import Deciding
from shared.retraining.decision import Decisions
from shared.retraining.faults import Faults
from shared.retraining.measuring import Measuring
from shared.retraining.period_store import PeriodStore
from shared.sealing.hours.hour import read
from shared.sealing.hours.manifests import Manifests
from shared.telemetry import Telemetry
from tests.integration.models import answer, registered
from tests.integration.monitoring.conftest import Watched
from tests.integration.sealing.conftest import Stages, calendar, quiet_hub, stages

__all__ = ["calendar", "quiet_hub", "stages"]

CONFIG = b"retraining: {period: PT2H, rows_a_period: 100}\nactuals_delay: PT0H\nretrain_cost: 120\n"
"""A retrain is worth 120 units of loss: with 60 predictions a period, two units a row for a period."""
ROWS = 30
WEBHOOK = "a" * 16


@dataclass
class Known:
    """What turned out, as far as it is known."""

    rows: pa.Table
    predictions: int
    inputs: dict[str, str]


@dataclass
class Truth:
    """A world in which what one version says is true; of every ``one_in`` predictions the actual is known, of 0 none.

    From the hour ``rises_at`` on everything is larger by 5.
    """

    blobs: Blobs
    version: str = "3"
    one_in: int = 1
    rises_at: str = "9999"

    async def between(
        self,
        manifest: Manifest,
        first: Hour,
        end: Hour,
        *,
        as_of: datetime | None = None,  # noqa: ARG002 - nobody here asks for it
        columns: Sequence[str] | None = None,
    ) -> Known:
        shelf = Shelf(Kind.PREDICTION, manifest.model, manifest.version)
        tables, predictions = [], 0
        for hour in await Manifests(self.blobs).between(shelf, first, end):
            for generation in hour.manifest.generations:
                path = hour.path.replace("_manifest.json", generation.rows_file)
                rows, _ = read((await self.blobs.read(path)).data)
                predictions += rows.num_rows
                known = rows.slice(0, 0) if not self.one_in else rows.take(list(range(0, rows.num_rows, self.one_in)))
                more = 5.0 * (hour.hour.key >= self.rises_at)
                distances = known.column("distance").to_pylist()
                actual = [answer(distance, version=self.version) + more for distance in distances]
                table = known.append_column("actual", pa.array(actual, pa.float64()))
                tables.append(table.append_column("hour", pa.array([hour.hour.key] * len(actual), pa.string())))
        assert columns is not None
        wanted = [table.select(columns).replace_schema_metadata(None) for table in tables]
        empty = pa.table({name: pa.array([], pa.null()) for name in columns})
        rows = pa.concat_tables(wanted) if wanted else empty
        return Known(rows, predictions, await self.inputs(manifest, first, end))

    async def inputs(self, _: Manifest, first: Hour, end: Hour, /) -> dict[str, str]:
        return {f"truth/{hour.key}": f"{self.version} {self.one_in}" for hour in first.until(end)}

    async def is_joined(self, _model: str, _first: Hour, _end: Hour, /) -> bool:
        return True

    async def delay(self, _: Manifest, _first: Hour, _end: Hour, /) -> timedelta | None:
        return None


@dataclass
class Decided:
    """A champion ``1`` of ``flights``, and what is decided about it."""

    stages: Stages
    watched: Watched
    truth: Truth

    def deciding(self, blobs: Blobs | None = None) -> Deciding:
        """Return what decides, as a new process does."""
        ours = blobs or self.stages.blobs
        registry = self.stages.registry(ours)
        return Deciding(
            ours,
            registry,
            self.truth,
            Measuring(Manifests(ours), self.truth, Challenging(ours, registry)),
            PeriodStore(ours),
            Faults(ours, Evaluations(ours)),
            Decisions(ours, Outbox(ours, self.stages.calendar, (WEBHOOK,))),
            Telemetry.to("", clock=self.stages.calendar),
        )

    async def configure(self, config: bytes) -> None:
        await self.watched.monitoring().configure("flights", config)

    async def register(
        self,
        version: str,
        alias: Alias | None = "challenger",
        *,
        at: datetime | None = None,
        trained_until: datetime | None = None,
    ) -> None:
        """Register a version, long ago or at a moment, and name it."""
        made = registered("flights", version)
        manifest = msgspec.structs.replace(
            made.manifest, registered_at=at or made.manifest.registered_at, trained_until=trained_until
        )
        await self.stages.registry().register(manifest, files=made.files)
        if alias is not None:
            await self.stages.registry().promote("flights", version, alias=alias)

    async def hours(self, first: int, end: int, *, version: str = "1") -> None:
        """Have a version answer from one hour after nine o'clock up to another, and seal them."""
        for hour in range(first, end):
            await self.watched.capture(hour, [float(row * 7 % 100) for row in range(ROWS)], version=version)
        await self.watched.seal_up_to(end)


@pytest.fixture
async def decided(stages: Stages) -> Decided:
    await stages.registry().promote("flights", "1", alias="champion")
    made = Decided(stages, Watched(stages), Truth(stages.blobs))
    await made.configure(CONFIG)
    return made

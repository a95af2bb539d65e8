"""Predictions and actuals that are captured, sealed and joined when a test says so, hour by hour and in any order."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
import pandas as pd

from shared.actuals.joining import Joining
from shared.actuals.reading import Joins
from shared.actuals.sources import MOST_ACTUALS, MOST_GENERATIONS
from shared.actuals.stepping import Stepping
from shared.blobs import Blobs
from shared.capture.hour_log import HourLogs
from shared.capture.reading import read_event
from shared.capture.records import Event, Kind, Shelf, log_folder
from shared.hours import Hour
from shared.ids import NONE, uuid7
from shared.registry.baselines import Baselines
from shared.registry.manifest import Manifest
from shared.registry.store import Registry
from shared.schema import Output
from shared.sealing.hours.chaining import Chaining
from shared.sealing.hours.doubles import Doubles
from shared.sealing.hours.generations import Generations
from shared.sealing.hours.manifests import Manifests
from shared.sealing.tables.logs import Logs
from shared.telemetry import Telemetry
from tests.integration.models import registered
from tests.integration.sealing.batches import prediction as record_of
from tests.integration.stored import Calendar

MODEL: Final = "flights"
ACTUALS: Final = Shelf(Kind.ACTUAL, MODEL, NONE)
NINE: Final = Hour.parse("2026-03-01T09")
END: Final = Hour.parse("2027-01-01T00")


def predictions_of(version: str) -> Shelf:
    return Shelf(Kind.PREDICTION, MODEL, version)


def prediction(hour: Hour, *, version: str = "1", answer: object = 0.5, **members: object) -> bytes:
    """Return a prediction that was made in the middle of an hour."""
    at = hour.start + timedelta(minutes=30)
    return record_of(at, version=version, outputs={"prediction": answer}, **members)


def actual(about: bytes | str | None, value: object, *, external_id: str | None = None, at: Hour = NINE) -> bytes:
    """Return an actual about a prediction, given as a record or an id, or about an external id."""
    return msgspec.json.encode(
        {
            "format": 1,
            "id": uuid7(at.start),
            "kind": "actual",
            "model": MODEL,
            "prediction_id": json.loads(about)["id"] if isinstance(about, bytes) else about,
            "external_id": external_id,
            "at": at.start.isoformat(),
            "value": value,
        }
    )


@dataclass
class World:
    """Storage with registered versions; every call makes what captures, seals and joins anew, as new processes do."""

    blobs: Blobs
    calendar: Calendar
    most_actuals: int = MOST_ACTUALS
    most_generations: int = MOST_GENERATIONS
    sequence: int = 0
    delivered: dict[tuple[Shelf, Hour], None] = field(default_factory=dict)

    async def register(self, version: str, *, answer: Output | None = None) -> None:
        made = registered(MODEL, version)
        manifest = made.manifest
        if answer is not None:
            schema = msgspec.structs.replace(manifest.schema, outputs=(answer,))
            manifest = msgspec.structs.replace(manifest, schema=schema)
        await Registry(self.blobs, self.calendar).register(manifest, files=made.files)

    async def manifest(self, version: str = "1") -> Manifest:
        return await Registry(self.blobs, self.calendar).manifest(MODEL, version)

    async def deliver(self, hour: Hour, *records: bytes, enqueued_at: datetime | None = None) -> None:
        """Append records to the logs of an hour, in an event of their own each."""
        for record in records:
            at = enqueued_at or hour.start + timedelta(seconds=self.sequence % 3_600)
            found = read_event(Event(self.sequence, at, record), "0")
            assert found.shelf is not None
            log = f"{log_folder(found.shelf, hour)}20260301T080000000-p0-r0.jsonl"
            await HourLogs(self.blobs).append(log, [found.entry])
            self.sequence += 1
            self.delivered[found.shelf, hour] = None

    async def seal(self, *of: tuple[Shelf, Hour], blobs: Blobs | None = None) -> None:
        """Seal hours in the order they are given; everything that was delivered, in the order of hours, by default."""
        ours = blobs or self.blobs
        registry, telemetry = Registry(ours, self.calendar), Telemetry.to("", clock=self.calendar)
        generations = Generations(ours, registry, Baselines(ours, registry), Doubles(ours), telemetry)
        for shelf, hour in of or sorted(self.delivered, key=lambda one: (one[1], one[0])):
            sizes = {one.path: one.size_bytes async for one in self.blobs.under(log_folder(shelf, hour))}
            await Chaining(shelf, ours, Manifests(ours), generations).seal(Logs(shelf, hour, sizes))

    def joining(self, blobs: Blobs | None = None) -> Joining:
        ours = blobs or self.blobs
        telemetry = Telemetry.to("", clock=self.calendar)
        stepping = Stepping(
            ours,
            Manifests(ours),
            Registry(ours, self.calendar),
            self.calendar,
            telemetry,
            standing_days=14,
            most_actuals=self.most_actuals,
            most_generations=self.most_generations,
        )
        return Joining(ours, stepping, telemetry)

    async def join(self, blobs: Blobs | None = None) -> int:
        return await self.joining(blobs).join()

    @property
    def joins(self) -> Joins:
        return Joins(self.blobs, Manifests(self.blobs))

    async def joined(
        self,
        version: str = "1",
        *,
        as_of: datetime | None = None,
        within: timedelta | None = None,
        columns: Sequence[str] | None = None,
    ) -> list[dict[str, Any]]:
        """Return the rows that count."""
        manifest = await self.manifest(version)
        found = await self.joins.between(manifest, NINE.plus(-24), END, as_of=as_of, within=within, columns=columns)
        rows: list[dict[str, Any]] = found.rows.to_pylist()
        return rows

    async def values(self, version: str = "1", *, as_of: datetime | None = None) -> dict[str, Any]:
        """Return the actual that counts of each prediction."""
        rows = await self.joined(version, as_of=as_of)
        found = {row["_id"]: row["actual"] for row in rows}
        assert len(found) == len(rows), "a prediction has one actual that counts"
        return found


def merged(predictions: Sequence[bytes], actuals: Sequence[tuple[bytes, datetime, int]]) -> dict[str, float]:
    """Return what the join comes to, by the plainest merge there is.

    Args:
        predictions: records.
        actuals: each with when it was enqueued, and its sequence number.
    """
    made = pd.DataFrame(
        [(one["id"], one["external_id"]) for one in map(json.loads, predictions)], columns=["id", "external_id"]
    )
    told = pd.DataFrame(
        [
            (one["prediction_id"], one["external_id"], one["value"], at, sequence)
            for one, at, sequence in ((json.loads(record), at, sequence) for record, at, sequence in actuals)
        ],
        columns=["prediction_id", "external_id", "value", "at", "sequence"],
    )
    by_id = made.merge(told[told["prediction_id"].notna()], left_on="id", right_on="prediction_id")
    named = told["external_id"].notna() & told["prediction_id"].isna()
    by_key = made[made["external_id"].notna()].merge(told[named], on="external_id")
    both = pd.concat([one[["id", "value", "at", "sequence"]] for one in (by_id, by_key)])
    last = both.sort_values(["at", "sequence"]).groupby("id").last()
    return {str(one): float(value) for one, value in last["value"].items()}

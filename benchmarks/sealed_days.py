"""Models with a month of days as sealing leaves them: ``python -m benchmarks.sealed_days STORAGE [--models N] [--rows N]``.

The same rows for every model, since what a look costs does not depend on what the rows are. Prints one JSON object.
"""

import argparse
import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import pyarrow as pa

from benchmarks.columns import schema_of, table
from shared import documents
from shared.blobs import Blobs, service
from shared.bounded import each
from shared.capture.records import Kind, Shelf
from shared.clock import Clock
from shared.hours import Hour
from shared.monitor_config import monitor_config_path
from shared.profiles import encoding
from shared.profiles.cutting import cut
from shared.profiles.hourly import encode_hours
from shared.profiles.profile import Profile, profile
from shared.profiles.segments import segmented
from shared.registry.baselines import BINS_FILE, HOURS_FILE, PROFILE_FILE, ROWS_FILE, rows_file
from shared.registry.manifest import CHAMPION, Manifest, Source, Task, baseline_name
from shared.registry.store import Registry
from shared.schema import Schema
from shared.sealing.days.day import Day, profile_file
from shared.sealing.hours.hour import HourManifest
from shared.sealing.hours.watermark import WATERMARK_PATH, Watermark
from shared.sealing.paths import day_folder, day_path, manifest_path

VERSION: Final = "1"
DAYS: Final = 30
TRAINING_DAYS: Final = 90
END: Final = datetime(2026, 4, 1, tzinfo=UTC)

HOURS: Final = 24


@dataclass(frozen=True, slots=True)
class Version:
    """A version with its baseline's files by name, and the profile of each day since."""

    schema: Schema
    files: dict[str, bytes]
    days: Sequence[bytes]

    @classmethod
    def of(cls, training: Sequence[pa.Table], days: Sequence[pa.Table], *, segments: tuple[str, ...] = ()) -> "Version":
        """Return a version.

        Args:
            training: its training data, an hour each; the hours are those before ``END`` and the days.
            days: the rows of each day since, up to ``END``.
            segments: categories whose values days are profiled by.
        """
        whole = pa.concat_tables(training)
        schema = schema_of(whole)
        bins = cut(whole, schema)
        baseline = profile(whole, bins)
        start = Hour(END).plus(-len(days) * HOURS - len(training))
        hours = [(start.plus(at), profile(rows, bins)) for at, rows in enumerate(training) if rows.num_rows]
        files = {
            BINS_FILE: encoding.encode(bins),
            PROFILE_FILE: encoding.encode(baseline),
            HOURS_FILE: encode_hours(hours),
            ROWS_FILE: rows_file(whole),
        }
        split = segmented(bins, baseline.features, segments)
        return cls(
            schema,
            {"model.onnx": b""} | {f"{baseline_name(1)}{name}": data for name, data in files.items()},
            [encoding.encode(profile(day, split)) for day in days],
        )

    async def seal(self, blobs: Blobs, model: str, config: bytes) -> None:
        """Write it to storage, as the champion of a model with this ``monitor.yaml``."""
        registry = Registry(blobs, Clock.standing(END))
        manifest = Manifest(
            model=model,
            version=VERSION,
            task=Task.REGRESSION,
            schema=self.schema,
            sources=(Source(tensor="score"),),
            flavour="onnx",
            files=dict.fromkeys(self.files, ""),
            actual="actual",
            training_data="",
            training_rows=0,
            registered_at=END,
        )
        await registry.register(manifest, files=self.files)
        await registry.promote(model, VERSION, alias=CHAMPION)
        await blobs.create(monitor_config_path(model), config)
        shelf = Shelf(Kind.PREDICTION, model, VERSION)
        first = END - timedelta(days=len(self.days))
        dates = [f"{first + timedelta(days=number):%Y-%m-%d}" for number in range(len(self.days))]
        await each(zip(dates, self.days, strict=True), lambda day: _seal(blobs, shelf, *day))


async def fill(storage: str, *, models: int, training_days: int, rows: int, seed: int) -> dict[str, int]:
    """Write so many models, of ``rows`` rows an hour, to a storage account."""
    blobs = Blobs(service(storage))
    training = table(training_days * HOURS * rows, seed=seed, moved=False)
    month = table(DAYS * HOURS * rows, seed=seed + 1, moved=False)
    version = Version.of(
        [training.slice(at, rows) for at in range(0, training.num_rows, rows)],
        [month.slice(at, HOURS * rows) for at in range(0, month.num_rows, HOURS * rows)],
    )
    for number in range(models):
        await version.seal(blobs, model_named(number), f"lookback_window_size: P{DAYS}D\n".encode())
    await blobs.create(WATERMARK_PATH, documents.encode(Watermark(before=Hour(END).key)))
    await blobs.close()
    return {"models": models, "baseline_bytes": sum(map(len, version.files.values()))}


def model_named(number: int) -> str:
    """Return the name of one of the models."""
    return f"model-{number:02}"


async def roll_up(blobs: Blobs, shelf: Shelf, date: str, data: bytes) -> None:
    """Write a day's profile and document, as it was rolled up."""
    found = encoding.decode(data, Profile, path=date)
    name = profile_file(found.bins, data)
    await blobs.create(f"{day_folder(shelf, date)}{name}", data)
    day = Day(
        kind=shelf.kind,
        model=shelf.model,
        version=shelf.version,
        date=date,
        hours=(),
        account=(),
        rows=found.rows,
        doubles=0,
        unreadable=0,
        imported=0,
        profile=name,
    )
    await blobs.create(day_path(shelf, date), documents.encode(day))


async def _seal(blobs: Blobs, shelf: Shelf, date: str, data: bytes) -> None:
    """Write a day; of its hours only the first is there, to be listed."""
    first = Hour.parse(f"{date}T00")
    hour = HourManifest(kind=shelf.kind, model=shelf.model, version=shelf.version, hour=first.key, generations=())
    await blobs.create(manifest_path(shelf, first), documents.encode(hour))
    await roll_up(blobs, shelf, date, data)


def main(arguments: Sequence[str] | None = None) -> None:
    """Fill a storage account."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.sealed_days", description=__doc__)
    parser.add_argument("storage", help="its connection string")
    parser.add_argument("--models", type=int, default=20)
    parser.add_argument("--training-days", type=int, default=TRAINING_DAYS)
    parser.add_argument("--rows", type=int, default=40, help="an hour")
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args(arguments)
    how = {"models": asked.models, "training_days": asked.training_days, "rows": asked.rows, "seed": asked.seed}
    print(json.dumps(asyncio.run(fill(asked.storage, **how))))


if __name__ == "__main__":
    main()

"""Models with a month of days as sealing leaves them: ``python -m benchmarks.sealed_days STORAGE [--models N] [--rows N]``.

The same rows for every model, since what a look costs does not depend on what the rows are. Prints one JSON object.
"""

import argparse
import asyncio
import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from benchmarks.columns import table
from benchmarks.windows import schema_of
from shared import documents
from shared.blobs import Blobs, service
from shared.bounded import each
from shared.capture.records import Kind, Shelf
from shared.clock import Clock
from shared.hours import Hour
from shared.monitor_config import monitor_config_path
from shared.profiles import encoding
from shared.profiles.bins import Bins
from shared.profiles.cutting import cut
from shared.profiles.hourly import encode_hours
from shared.profiles.profile import Profile, profile
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

_HOURS: Final = 24


async def fill(storage: str, *, models: int, training_days: int, rows: int, seed: int) -> dict[str, int]:
    """Write so many models, of ``rows`` rows an hour."""
    blobs = Blobs(service(storage))
    schema, bins, files = _baseline(training_days * _HOURS, rows, seed=seed)
    days = list(_days(bins, rows, seed=seed))
    for number in range(models):
        await _model(blobs, model_named(number), schema, files, days)
    await blobs.create(WATERMARK_PATH, documents.encode(Watermark(before=Hour(END).key)))
    await blobs.close()
    return {"models": models, "baseline_bytes": sum(map(len, files.values()))}


def model_named(number: int) -> str:
    """Return the name of one of the models."""
    return f"model-{number:02}"


def _baseline(hours: int, rows: int, *, seed: int) -> tuple[Schema, Bins, dict[str, bytes]]:
    """Return what so many hours of training data leave in storage, of so many rows each."""
    training = table(hours * rows, seed=seed, moved=False)
    schema = schema_of(training)
    bins = cut(training, schema)
    start = Hour(END).plus(-(DAYS * _HOURS + hours))
    by_hour = [(start.plus(at), profile(training.slice(at * rows, rows), bins)) for at in range(hours)]
    files = {
        BINS_FILE: encoding.encode(bins),
        PROFILE_FILE: encoding.encode(profile(training, bins)),
        HOURS_FILE: encode_hours(by_hour),
        ROWS_FILE: rows_file(training),
    }
    return schema, bins, {"model.onnx": b""} | {f"{baseline_name(1)}{name}": data for name, data in files.items()}


def _days(bins: Bins, rows: int, *, seed: int) -> Iterator[tuple[str, bytes]]:
    """Yield each day's date and profile."""
    month = table(DAYS * _HOURS * rows, seed=seed + 1, moved=False)
    for number in range(DAYS):
        date = f"{END - timedelta(days=DAYS - number):%Y-%m-%d}"
        yield date, encoding.encode(profile(month.slice(number * _HOURS * rows, _HOURS * rows), bins))


async def _model(
    blobs: Blobs, model: str, schema: Schema, files: dict[str, bytes], days: Sequence[tuple[str, bytes]]
) -> None:
    registry = Registry(blobs, Clock.standing(END))
    manifest = Manifest(
        model=model,
        version=VERSION,
        task=Task.REGRESSION,
        schema=schema,
        sources=(Source(tensor="score"),),
        flavour="onnx",
        files=dict.fromkeys(files, ""),
        actual="actual",
        training_data="",
        training_rows=0,
        registered_at=END,
    )
    await registry.register(manifest, files=files)
    await registry.promote(model, VERSION, alias=CHAMPION)
    await blobs.create(monitor_config_path(model), f"lookback_window_size: P{DAYS}D\n".encode())
    await each(days, lambda day: _day(blobs, Shelf(Kind.PREDICTION, model, VERSION), *day))


async def _day(blobs: Blobs, shelf: Shelf, date: str, data: bytes) -> None:
    """Write a day as it was rolled up; of its hours only the first is there, to be listed."""
    found = encoding.decode(data, Profile, path=date)
    name = profile_file(found.bins, data)
    first = Hour.parse(f"{date}T00")
    hour = HourManifest(kind=shelf.kind, model=shelf.model, version=shelf.version, hour=first.key, generations=())
    await blobs.create(manifest_path(shelf, first), documents.encode(hour))
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

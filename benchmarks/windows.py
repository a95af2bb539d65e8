"""Judging from profiles: ``python -m benchmarks.windows looks|accuracy [--rows N ...] [--rounds N] [--seed S]``.

A version has 50 features, ninety days of training data by the hour, and a month of days as sealing leaves them. The days are
the profiles of rows that were drawn, added up until the month holds N rows: no more rows than that need exist.

* **looks** has production's own code look at the month at once, of which ninety days say too little to calibrate, and at its
  last day by itself, as calibrated as looks each day and each hour are; with storage in memory. Prints the CPU seconds of a
  look, and of decoding the days, which is a part of it; and what a process spends once on learning what the training data is
  like by the hour.
* **accuracy** prints what a feature takes of an hour's profile, and how far the metrics of profiles are from those of the
  rows, at worst.
"""

import argparse
import asyncio
import json
import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, TypeAlias

import msgspec
import pyarrow as pa

from benchmarks.columns import schema_of, table
from benchmarks.in_memory import MemoryBlobs
from benchmarks.records import HOUR
from benchmarks.sealed_days import roll_up
from shared.capture.records import Kind, Shelf
from shared.clock import Clock
from shared.hours import Hour
from shared.ids import uuid7
from shared.monitor_config import Frequency, MonitorConfig, Schedule
from shared.monitoring.evaluating import Evaluating
from shared.monitoring.evaluation import Evaluation
from shared.monitoring.histories import Histories
from shared.monitoring.performing import Performing
from shared.monitoring.refusals import Refusals
from shared.monitoring.standing import Standing
from shared.monitoring.window import Window
from shared.monitoring.windows import Windows
from shared.profiles import encoding
from shared.profiles.cutting import cut
from shared.profiles.hourly import encode_hours
from shared.profiles.profile import Profile, merge, profile
from shared.registry.baselines import HOURS_FILE, Baseline, Baselines
from shared.registry.manifest import Manifest, Source, Task
from shared.registry.store import Registry
from shared.signals import measuring
from shared.signals.exact.comparing import compare
from shared.signals.exact.files import TableColumns

DAYS: Final = 30
TRAINING_DAYS: Final = 90
FEWEST_TRAINING_DAYS: Final = 42
END: Final = datetime(2026, 4, 1, tzinfo=UTC)

_DRAWN_A_DAY = 10_000
_BASELINE_ROWS = 100_000
_METRICS = ("ks", "wasserstein_normalised", "jensen_shannon_distance", "psi", "mean_shift")
Look: TypeAlias = dict[str, str | int | float]

_FOLDER = "models/windows/versions/1/baselines/00001/"


@dataclass(frozen=True, slots=True)
class Version:
    """A version that is registered and has not been asked yet: what it is compared with, and its training data by the hour."""

    manifest: Manifest
    baseline: Baseline
    hours: bytes

    @classmethod
    def trained(cls, days: int, *, seed: int) -> "Version":
        """Draw its training data, of so many days."""
        a_day = _BASELINE_ROWS // days // 24 * 24
        rows = table(a_day * days, seed=seed, moved=False)
        schema = schema_of(rows)
        bins = cut(rows, schema)
        first, size = Hour(END).plus(-(DAYS + days) * 24), a_day // 24
        by_hour = [(first.plus(at), profile(rows.slice(at * size, size), bins)) for at in range(days * 24)]
        manifest = Manifest(
            model="windows",
            version="1",
            task=Task.REGRESSION,
            schema=schema,
            sources=(Source(tensor="score"),),
            flavour="onnx",
            files={},
            actual="actual",
            training_data="",
            training_rows=len(rows),
            registered_at=END,
        )
        return cls(manifest, Baseline(_FOLDER, bins, profile(rows, bins), {}), encode_hours(by_hour))

    def month(self, rows: int, *, seed: int) -> dict[str, bytes]:
        """Return the days of a month of so many rows, by their dates, as sealing leaves them."""
        drawn = min(_DRAWN_A_DAY, rows // DAYS)
        days: dict[str, bytes] = {}
        for number in range(DAYS):
            date = f"{END - timedelta(days=DAYS - number):%Y-%m-%d}"
            day = profile(identified(table(drawn, seed=seed + 1 + number, moved=True)), self.baseline.bins)
            days[date] = encoding.encode(times(day, rows // DAYS // drawn))
        return days


async def looked(version: Version, days: dict[str, bytes], *, hours: int, frequency: Frequency, rounds: int) -> Look:
    """Return what looking at so many of the last hours costs, in CPU seconds, and what it is made of."""
    blobs = MemoryBlobs()
    await blobs.create(f"{version.baseline.folder}{HOURS_FILE}", version.hours)
    shelf = Shelf(Kind.PREDICTION, version.manifest.model, version.manifest.version)
    for date, data in days.items():
        await roll_up(blobs, shelf, date, data)
    baselines = Baselines(blobs, Registry(blobs, Clock.standing(END)))
    evaluating = Evaluating(Windows(blobs), Refusals(blobs), Histories(blobs, baselines), Performing.of(blobs))
    window = Window.before(Hour(END), hours=hours)
    config = MonitorConfig(lookback_window_size=timedelta(hours=hours), schedule=Schedule(frequency=frequency))
    began = time.process_time()
    await evaluating.histories.watched(version.baseline)
    learning_s = time.process_time() - began
    reading, looking = [], []
    for _ in range(rounds):
        began = time.process_time()
        for data in list(days.values())[-(hours // 24) :]:
            encoding.decode(data, Profile, path="day")
        read = time.process_time()
        evaluation = await _look(evaluating, version, window, config)
        reading.append(read - began)
        looking.append(time.process_time() - read)
    return {
        "days": hours // 24,
        "each": frequency.value,
        "rows": evaluation.rows,
        "calibrated": "no" if evaluation.is_calibrating else "yes",
        "cpu_s": statistics.median(looking),
        "reading_s": statistics.median(reading),
        "learning_s": learning_s,
    }


async def _look(evaluating: Evaluating, version: Version, window: Window, config: MonitorConfig) -> Evaluation:
    found = await evaluating.evaluate(
        version.manifest, version.baseline, window, config, looks=(), standing=Standing(versions=1, is_champion=True)
    )
    return found.evaluation


async def looks(version: Version, months: Sequence[int], *, rounds: int, seed: int) -> list[Look]:
    """Return what it costs to look at months of so many rows, and at the last day of the last of them."""
    found = []
    days: dict[str, bytes] = {}
    for rows in months:
        days = version.month(rows, seed=seed)
        found.append(await looked(version, days, hours=DAYS * 24, frequency=Frequency.HOUR, rounds=rounds))
    each = (Frequency.DAY, Frequency.HOUR)
    return found + [await looked(version, days, hours=24, frequency=one, rounds=rounds) for one in each]


def sizes(*, seed: int) -> Iterator[dict[str, float]]:
    """Yield the bytes a feature takes of an hour's profile, for hours of few and of many rows.

    Of rows with ids, as sealing has them: only those are sampled.
    """
    baseline = table(_BASELINE_ROWS, seed=seed, moved=False)
    bins = cut(baseline, schema_of(baseline))
    for rows in (1_000, 10_000, 100_000):
        hour = profile(identified(table(rows, seed=seed + 1, moved=True)), bins)
        yield {"rows": rows, "bytes_a_feature": len(encoding.encode(hour)) / len(bins.features)}


def errors(*, seed: int) -> Iterator[dict[str, str | float]]:
    """Yield by how much each metric of profiles differs from that of the rows, at most over all numbers."""
    before, now = (table(_BASELINE_ROWS, seed=seed, moved=moved) for moved in (False, True))
    bins = cut(before, schema_of(before))
    profiles = profile(before, bins), profile(now, bins)
    worst = dict.fromkeys(_METRICS, 0.0)
    for exact in compare(TableColumns(before), TableColumns(now)):
        if exact.kind == "number":
            sides = [one.features[exact.feature] for one in profiles]
            found = measuring.drift(exact.feature, bins.features[exact.feature], *sides, design_effect=1.0)
            assert found is not None  # noqa: S101 - it is a number
            metrics = {"ks": found.value or 0.0, **found.also}
            for metric in _METRICS:
                worst[metric] = max(worst[metric], abs(metrics[metric] - exact.metrics[metric]))
    for metric, error in worst.items():
        yield {"metric": metric, "largest_error": error}


def identified(rows: pa.Table) -> pa.Table:
    """Return rows with an id each."""
    return rows.append_column("_id", pa.array([uuid7(HOUR) for _ in range(len(rows))]))


def times(day: Profile, number: int) -> Profile:
    """Return the profile of every row so many times over; the sample is that of the rows once."""
    if number == 1:
        return day
    half = times(day, number // 2)
    twice = merge(half, half)
    return msgspec.structs.replace(merge(twice, day) if number % 2 else twice, sample=day.sample)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.windows", description=__doc__)
    parser.add_argument("what", choices=("looks", "accuracy"))
    parser.add_argument("--rows", type=int, nargs="+", default=[10_000], help="of each month")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument(
        "--quick", action="store_true", help="as few days of training data as calibrate a look at a day"
    )
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args(arguments)
    if asked.what == "looks":
        version = Version.trained(FEWEST_TRAINING_DAYS if asked.quick else TRAINING_DAYS, seed=asked.seed)
        found = asyncio.run(looks(version, asked.rows, rounds=asked.rounds, seed=asked.seed))
        print(json.dumps({"looks": found}))
    else:
        print(json.dumps({"sizes": list(sizes(seed=asked.seed)), "errors": list(errors(seed=asked.seed))}))


if __name__ == "__main__":
    main()

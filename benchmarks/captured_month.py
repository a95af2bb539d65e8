"""Thirty days of predictions that have turned out, as sealing and joining leave them, in a folder.

Thirty features are those of ``benchmarks.records``: eighteen floats rounded as measurements are, six counts, three categories
and three flags, of which one value in a hundred is missing. Every row is drawn afresh and has an id of its own; four make a
request, and none has an external id. In the last sixth of the time four features are elsewhere than in the baseline. Of the
predictions 95 % have an actual, some hours later, and one in a hundred of those is corrected after another day: it stands in a
file of its own, because another step has joined it.

A month that was begun is gone on with, and one that is whole is left as it is. Every hour has its own random numbers, so that
it does not matter how many processes make them.
"""

import asyncio
import multiprocessing
import shutil
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from benchmarks.in_folder import FolderBlobs
from benchmarks.records import CATEGORIES, COUNTS, DIGITS, MISSING, schema, version
from benchmarks.sealed_hours import ids, seal, table
from benchmarks.weighted_means import Sums, numeric, sums
from shared import documents
from shared.actuals.columns import matched
from shared.actuals.hours import JoinedHours
from shared.actuals.paths import joined_folder
from shared.capture.records import Kind, Shelf
from shared.clock import Clock
from shared.hours import Hour
from shared.registry.manifest import CHAMPION, Manifest
from shared.registry.store import Registry
from shared.schema import Feature, FeatureType
from shared.sealing.hours.watermark import WATERMARK_PATH, Watermark
from shared.sealing.paths import hour_folder
from shared.sealing.tables.columns import TIME, arrow_schema

FEATURES: Final = 30
DAYS: Final = 30
FIRST: Final = Hour(datetime(2026, 3, 1, tzinfo=UTC))

SCHEMA: Final = schema(FEATURES)
DRIFTED: Final = ("feature_00", "feature_13", "feature_07", "feature_28")

_DRIFTED_SHARE: Final = 1 / 6
_UNTIL_ALL_IS_KNOWN_H: Final = 96
_GENERATION_ROWS: Final = 131_072
"""About what 128 MB of logs hold, which is what becomes one generation."""
_ROWS_OF_A_REQUEST: Final = 4
_TOLD: Final = 0.95
_CORRECTED: Final = 0.01
_MOST_DELAY_S: Final = 24 * 3_600 - 1
_TRAINING_ROWS: Final = 50_000


@dataclass(frozen=True, slots=True)
class Month:
    """A month in a folder, or as many days as are said."""

    folder: Path
    rows: int
    seed: int
    days: int = DAYS

    @property
    def hours(self) -> int:
        """Return how many hours it has."""
        return 24 * self.days

    @property
    def end(self) -> Hour:
        """Return the first hour after it."""
        return FIRST.plus(self.hours)

    @property
    def now(self) -> datetime:
        """Return when everything that was told of it is sealed and joined."""
        return self.end.plus(_UNTIL_ALL_IS_KNOWN_H).start

    @property
    def blobs(self) -> FolderBlobs:
        """Return the storage that it is in."""
        return FolderBlobs(self.folder / "blobs")

    @property
    def is_whole(self) -> bool:
        """Whether everything of it is there."""
        return all(self._about(number).exists() for number in range(self.hours))

    @property
    def population(self) -> Sums:
        """Return the sums over every row that has an actual."""
        return sums(msgspec.json.decode(self._about(number).read_bytes(), type=Sums) for number in range(self.hours))

    def make(self, *, processes: int, told: Callable[[int, int], None]) -> None:
        """Make what is not there yet; ``told`` is called with how many hours are, and of how many."""
        manifest = asyncio.run(self.register())
        left = [number for number in range(self.hours) if not self._about(number).exists()]
        told(self.hours - len(left), self.hours)
        # No process that was forked from one with threads is sure to get far.
        with ProcessPoolExecutor(processes, mp_context=multiprocessing.get_context("spawn")) as pool:
            made = [pool.submit(self.make_hour, number, manifest) for number in left]
            for done, one in enumerate(as_completed(made), start=self.hours - len(left) + 1):
                one.result()
                told(done, self.hours)

    def make_hour(self, number: int, manifest: Manifest) -> None:
        """Make an hour, its joined hour, and what its rows come to."""
        rng = np.random.default_rng([self.seed, number])
        hour, rows = FIRST.plus(number), (number + 1) * self.rows // self.hours - number * self.rows // self.hours
        predictions = _predictions(hour, rows, rng, drifted=number >= self.hours * (1 - _DRIFTED_SHARE))
        is_told = pa.array(rng.random(rows) < _TOLD)
        asyncio.run(self._store(hour, manifest, predictions, predictions.filter(is_told), rng))
        about = sums([Sums.of(numeric(predictions.filter(is_told), SCHEMA))])
        self._about(number).parent.mkdir(exist_ok=True)
        self._about(number).write_bytes(msgspec.json.encode(about))

    async def _store(
        self, hour: Hour, manifest: Manifest, predictions: pa.Table, told: pa.Table, rng: np.random.Generator
    ) -> None:
        shelf, blobs = Shelf(Kind.PREDICTION, manifest.model, manifest.version), self.blobs
        for begun in (hour_folder(shelf, hour), joined_folder(manifest.model, manifest.version, hour)):
            shutil.rmtree(self.folder / "blobs" / begun, ignore_errors=True)
        await seal(blobs, shelf, hour, predictions, generation_rows=_GENERATION_ROWS)
        corrected = told.filter(pa.array(rng.random(told.num_rows) < _CORRECTED))
        hours = JoinedHours(blobs)
        for step, (some, later_s) in enumerate(((told, 0), (corrected, 24 * 3_600)), start=1):
            if some.num_rows:
                found = matched(some, _actuals(some, rng, later_s=later_s), SCHEMA, hour=hour.key, early=False)
                await hours.add(manifest, hour, found, step=step)

    async def register(self) -> Manifest:
        """Register the champion, whose baseline knows nothing of the drift, and say that everything is sealed."""
        registry = Registry(self.blobs, Clock.standing(self.now))
        training = _predictions(FIRST, _TRAINING_ROWS, np.random.default_rng(self.seed), drifted=False)
        manifest, files = version(SCHEMA, training)
        if not await self.blobs.folders("models/"):
            await registry.register(manifest, files=files)
            await registry.promote(manifest.model, manifest.version, alias=CHAMPION)
            await self.blobs.create(WATERMARK_PATH, documents.encode(Watermark(before=Hour(self.now).key)))
        return await registry.manifest(manifest.model, manifest.version)

    def _about(self, number: int) -> Path:
        return self.folder / "population" / f"{FIRST.plus(number).key}.json"


def _predictions(hour: Hour, rows: int, rng: np.random.Generator, *, drifted: bool) -> pa.Table:
    """Return the predictions of an hour in the order they were made in, as a hub's partition holds them."""
    start_us = int(hour.start.timestamp()) * 1_000_000
    at = start_us + np.sort(rng.integers(0, 3_600_000_000, rows))
    request, row = np.divmod(np.arange(rows), _ROWS_OF_A_REQUEST)
    at = at[request * _ROWS_OF_A_REQUEST]
    probabilities = rng.beta(2, 5, rows).astype(np.float32).astype(np.float64)
    columns: dict[str, Any] = {
        "_id": ids(at // 1_000, rng),
        "_at": pa.array(at, TIME),
        "_enqueued_at": pa.array(at, TIME),
        "_partition": np.zeros(rows, np.int32),
        "_sequence": request,
        "_index": row.astype(np.int32),
        "_request_id": ids(at[::_ROWS_OF_A_REQUEST] // 1_000, rng).take(pa.array(request)),
        "_row": row.astype(np.int32),
        "_latency_ms": (0.3 + rng.gamma(2.0, 0.1, rows)).round(3),
        "_weight": np.ones(rows, np.int32),
        "prediction": (probabilities > 0.5).astype(np.int64),
        "prediction.probability": probabilities,
        **{
            feature.name: _values(feature, place % 10, rows, rng, drifted=drifted and feature.name in DRIFTED)
            for place, feature in enumerate(SCHEMA.features)
        },
    }
    return table(columns, arrow_schema(Kind.PREDICTION, SCHEMA))


def _values(feature: Feature, place: int, rows: int, rng: np.random.Generator, *, drifted: bool) -> pa.Array:
    """Return values of a feature as ``benchmarks.records`` has them; ``place`` is its place among ten."""
    missing = rng.random(rows) < MISSING
    match feature.type:
        case FeatureType.FLOAT:
            return pa.array((rng.gamma(3.0, 5.0, rows) * (1.5 if drifted else 1.0)).round(DIGITS[place]), mask=missing)
        case FeatureType.INTEGER:
            return pa.array(rng.poisson(COUNTS[place] * (1.2 if drifted else 1.0), rows), mask=missing)
        case FeatureType.BOOLEAN:
            return pa.array(rng.random(rows) < 0.2, mask=missing)
        case _:
            ranks = np.minimum(rng.geometric(0.1 if drifted else 0.3, rows), len(CATEGORIES)) - 1
            return pa.array(CATEGORIES).take(pa.array(ranks, mask=missing))


def _actuals(predictions: pa.Table, rng: np.random.Generator, *, later_s: int) -> pa.Table:
    """Return what is told of each of some predictions, as it was sealed."""
    rows = predictions.num_rows
    delays_s = np.minimum(rng.lognormal(np.log(3 * 3_600), 1.0, rows), _MOST_DELAY_S) + later_s
    at = _microseconds(predictions.column("_at")) + (delays_s * 1_000_000).astype(np.int64)
    columns: dict[str, Any] = {
        "_id": ids(at // 1_000, rng),
        "_at": pa.array(at, TIME),
        "_enqueued_at": pa.array(at, TIME),
        "_partition": np.zeros(rows, np.int32),
        "_sequence": np.arange(rows),
        "_index": np.zeros(rows, np.int32),
        "_prediction_id": predictions.column("_id"),
        "value": (rng.random(rows) < predictions.column("prediction.probability").to_numpy()).astype(np.float64),
    }
    return table(columns, arrow_schema(Kind.ACTUAL, None))


def _microseconds(moments: pa.ChunkedArray) -> NDArray[np.int64]:
    found: NDArray[np.int64] = moments.cast(pa.int64()).to_numpy()
    return found

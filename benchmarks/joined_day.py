"""A day of predictions and their actuals, as sealing leaves them: ``python -m benchmarks.joined_day WHAT STORAGE``.

``fill`` writes them, ``join`` joins them, ``digest`` reads what came out, and ``forget`` brings back the state before the
join. Each prints one JSON object. Every prediction has an actual, which comes after some hours: half of them within three, all
within a day. It says what the prediction said, so that a wrong pair is seen.
"""

import argparse
import asyncio
import hashlib
import json
import resource
import time
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

import numpy as np
import pyarrow as pa

from benchmarks.records import schema, version
from benchmarks.sealed_hours import ids, seal, table
from shared.actuals.joining import Joining
from shared.actuals.paths import JOINS
from shared.actuals.reading import Joins
from shared.actuals.stepping import Stepping
from shared.blobs import Blobs, service
from shared.bounded import each
from shared.capture.records import Kind, Shelf
from shared.clock import Clock
from shared.hours import Hour
from shared.ids import NONE
from shared.registry.manifest import Manifest
from shared.registry.store import Registry
from shared.sealing.hours.manifests import Manifests
from shared.sealing.paths import UNJOINED, unjoined_path
from shared.sealing.tables.columns import TIME, arrow_schema
from shared.telemetry import Telemetry

FEATURES: Final = 4
FIRST: Final = Hour(datetime(2026, 3, 1, tzinfo=UTC))
HOURS: Final = 24
NOW: Final = FIRST.plus(4 * HOURS).start

_GENERATION_ROWS: Final = 131_072
"""About what 128 MB of logs hold, which is what becomes one generation."""
_MOST_DELAY_S: Final = 24 * 3_600 - 1
_TRAINING_ROWS: Final = 1_000
_SCHEMA: Final = schema(FEATURES, full_precision=True)


async def fill(storage: str, *, predictions: int, seed: int) -> dict[str, Any]:
    """Write a day of so many predictions, and their actuals."""
    blobs = Blobs(service(storage))
    rng = np.random.default_rng(seed)
    manifest, files = version(_SCHEMA, _predictions(FIRST, _TRAINING_ROWS, rng)[0])
    await Registry(blobs, Clock.standing(NOW)).register(manifest, files=files)
    told: defaultdict[int, list[pa.Table]] = defaultdict(list)
    for number in range(HOURS):
        hour = FIRST.plus(number)
        rows, actuals = _predictions(hour, _share(predictions, number), rng)
        await _seal(blobs, Shelf(Kind.PREDICTION, manifest.model, manifest.version), hour, rows)
        at = (
            actuals.column("_enqueued_at").cast(pa.int64()).to_numpy() // 1_000_000 - int(FIRST.start.timestamp())
        ) // 3_600
        for come in np.unique(at).tolist():
            told[come].append(actuals.filter(pa.array(at == come)))
    for come in sorted(told):
        rows = pa.concat_tables(told.pop(come))
        order = rng.permutation(rows.num_rows)
        await _seal(blobs, Shelf(Kind.ACTUAL, manifest.model, NONE), FIRST.plus(come), rows.take(pa.array(order)))
    await blobs.close()
    return {"predictions": predictions}


async def join(storage: str) -> dict[str, Any]:
    """Join everything, and say what that took of this process."""
    blobs = Blobs(service(storage))
    clock = Clock.standing(NOW)
    telemetry = Telemetry.to("", clock=clock)
    stepping = Stepping(blobs, Manifests(blobs), Registry(blobs, clock), clock, telemetry, standing_days=14)
    began, cpu = time.monotonic(), time.process_time()
    steps = 0
    while done := await Joining(blobs, stepping, telemetry).join():
        steps += done
    spent = {"seconds": time.monotonic() - began, "cpu_s": time.process_time() - cpu}
    await blobs.close()
    peak_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {"steps": steps, **spent, "peak_gib": peak_kib / 2**20}


async def digest(storage: str) -> dict[str, Any]:
    """Read what is joined: how many rows, how many of them wrong, and a digest of all."""
    blobs = Blobs(service(storage))
    manifest = await _registered(blobs)
    joins = Joins(blobs, Manifests(blobs))
    sha256 = hashlib.sha256()
    rows = wrong = 0
    for hour in FIRST.until(FIRST.plus(HOURS)):
        columns = ["_id", "_actual_id", "actual", "prediction"]
        found = (await joins.between(manifest, hour, hour.plus(1), columns=columns)).rows
        rows += found.num_rows
        said, told = found.column("prediction").to_numpy(), found.column("actual").to_numpy()
        wrong += int((said != told).sum())
        for name in columns[:2]:
            sha256.update("".join(found.column(name).to_pylist()).encode())
        sha256.update(told.tobytes())
    await blobs.close()
    return {"rows": rows, "wrong": wrong, "sha256": sha256.hexdigest()}


async def forget(storage: str) -> dict[str, Any]:
    """Bring back the state before the join."""
    blobs = Blobs(service(storage))
    joined = [one.path async for one in blobs.under(JOINS)]
    marks = [one async for one in blobs.under(UNJOINED)]
    await each(joined, blobs.delete)
    await each(marks, lambda one: blobs.replace(one.path, b"", etag=one.etag))
    await blobs.close()
    return {"deleted": len(joined), "marks": len(marks)}


async def _registered(blobs: Blobs) -> Manifest:
    (model,) = await Registry(blobs, Clock.standing(NOW)).models()
    return await Registry(blobs, Clock.standing(NOW)).manifest(model, str(FEATURES))


async def _seal(blobs: Blobs, shelf: Shelf, hour: Hour, rows: pa.Table) -> None:
    """Write an hour's generations, which are not joined yet."""
    for number in await seal(blobs, shelf, hour, rows, generation_rows=_GENERATION_ROWS):
        await blobs.create(unjoined_path(shelf, hour, number), b"")


def _predictions(hour: Hour, rows: int, rng: np.random.Generator) -> tuple[pa.Table, pa.Table]:
    """Return the predictions of an hour, and their actuals as they will be enqueued."""
    start_us = int(hour.start.timestamp()) * 1_000_000
    at = start_us + np.sort(rng.integers(0, 3_600_000_000, rows))
    asked = ids(at // 1_000, rng)
    answers = (rng.random(rows) < 0.3).astype(np.int64)
    # A hub's partition holds them in the order they were made in.
    columns: dict[str, Any] = {
        "_id": asked,
        "_at": pa.array(at, TIME),
        "_enqueued_at": pa.array(at, TIME),
        "_partition": np.zeros(rows, np.int32),
        "_sequence": np.arange(rows),
        "_index": np.zeros(rows, np.int32),
        "_request_id": asked,
        "_row": np.zeros(rows, np.int32),
        "_latency_ms": np.ones(rows),
        "_weight": np.ones(rows, np.int32),
        "prediction": answers,
        "prediction.probability": rng.random(rows),
        **{feature.name: rng.normal(size=rows).round(2) for feature in _SCHEMA.features},
    }
    delays_s = np.minimum(rng.lognormal(np.log(3 * 3_600), 1.0, rows), _MOST_DELAY_S)
    enqueued = at + (delays_s * 1_000_000).astype(np.int64)
    told: dict[str, Any] = {
        "_id": ids(enqueued // 1_000, rng),
        "_at": pa.array(enqueued, TIME),
        "_enqueued_at": pa.array(enqueued, TIME),
        "_partition": np.zeros(rows, np.int32),
        "_sequence": np.arange(rows),
        "_index": np.zeros(rows, np.int32),
        "_prediction_id": asked,
        "value": answers.astype(np.float64),
    }
    return table(columns, arrow_schema(Kind.PREDICTION, _SCHEMA)), table(told, arrow_schema(Kind.ACTUAL, None))


def _share(predictions: int, hour: int) -> int:
    return (hour + 1) * predictions // HOURS - hour * predictions // HOURS


def main(arguments: Sequence[str] | None = None) -> None:
    """Do what was asked, and say what it took."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.joined_day", description=__doc__)
    parser.add_argument("what", choices=("fill", "join", "digest", "forget"))
    parser.add_argument("storage", help="its connection string")
    parser.add_argument("--predictions", type=int, default=200_000)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args(arguments)
    if asked.what == "fill":
        found = asyncio.run(fill(asked.storage, predictions=asked.predictions, seed=asked.seed))
    else:
        found = asyncio.run({"join": join, "digest": digest, "forget": forget}[asked.what](asked.storage))
    print(json.dumps(found))


if __name__ == "__main__":
    main()

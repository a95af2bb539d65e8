"""Sealing an hour, in a process of its own: ``python -m benchmarks.sealing``.

``speed`` seals a log from memory into memory, with the profile and the manifest, and again stage by stage, which says
where the time goes. ``fill`` writes the logs of an hour to storage, and ``seal`` seals that hour and says how much memory
the process took at its peak. Each prints one JSON object; CPU is that of the process.
"""

import argparse
import asyncio
import hashlib
import json
import resource
import statistics
import time
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, Final, TypeVar

from benchmarks.in_memory import MemoryBlobs
from benchmarks.records import HOUR, MODEL, bodies, log, schema, version
from shared.blobs import Blobs, service
from shared.capture.hour_log import MOST_APPEND_BYTES
from shared.capture.records import Kind, Shelf, log_folder
from shared.clock import Clock
from shared.hours import Hour
from shared.profiles import encoding
from shared.profiles.cutting import cut
from shared.profiles.profile import profile
from shared.registry.baselines import Baselines
from shared.registry.store import Registry
from shared.sealing.hours.chaining import Chaining
from shared.sealing.hours.doubles import Doubles
from shared.sealing.hours.generations import Generations
from shared.sealing.hours.hour import Consumed, HourManifest, footer, write
from shared.sealing.hours.manifests import Manifests
from shared.sealing.tables import rows
from shared.sealing.tables.logs import Logs
from shared.sealing.tables.packed import first_ones, pack
from shared.telemetry import Telemetry

FEATURES: Final = 50

_RECORDS_AN_EVENT = 20
_TRAINING_ROWS = 10_000
_FILLED_AT_ONCE = 50_000
_SHELF = Shelf(Kind.PREDICTION, MODEL, str(FEATURES))
_LOG = f"{log_folder(_SHELF, Hour(HOUR))}20260301T000000000-p0-r0.jsonl"

T = TypeVar("T")


def speed(records: int, *, full_precision: bool, rounds: int, seed: int) -> dict[str, Any]:
    """Return CPU seconds of sealing so many records, of each stage of it, and the sizes of what was made."""
    sent = bodies(records, FEATURES, an_event=_RECORDS_AN_EVENT, seed=seed, full_precision=full_precision)
    data = log(sent)
    asyncio.run(_sealed(log(sent[:10]), full_precision=full_precision, seed=seed))  # libraries are loaded
    spent: dict[str, list[float]] = {}
    for _ in range(rounds):
        whole_s, manifest = asyncio.run(_sealed(data, full_precision=full_precision, seed=seed))
        for stage, stage_s in {"whole": whole_s, **_stages(data, full_precision=full_precision, seed=seed)}.items():
            spent.setdefault(stage, []).append(stage_s)
    return {
        "spent_s": {stage: statistics.median(some) for stage, some in spent.items()},
        "log_bytes": len(data),
        "rows_bytes": sum(generation.size_bytes for generation in manifest.generations),
    }


async def fill(storage: str, *, records: int, seed: int) -> dict[str, Any]:
    """Write the log of an hour of so many records to storage."""
    blobs = Blobs(service(storage))
    await _register(blobs, full_precision=False, seed=seed)
    await blobs.create_log(_LOG)
    size_bytes = events = 0
    for begin in range(0, records, _FILLED_AT_ONCE):
        some = bodies(min(_FILLED_AT_ONCE, records - begin), FEATURES, an_event=_RECORDS_AN_EVENT, seed=seed + begin)
        data = log(some, first=events)
        for at in range(0, len(data), MOST_APPEND_BYTES):
            size_bytes = (await blobs.append(_LOG, data[at : at + MOST_APPEND_BYTES], position=size_bytes)).size_bytes
        events += len(some)
    await blobs.close()
    return {"log_bytes": size_bytes}


async def seal(storage: str) -> dict[str, Any]:
    """Seal the hour that ``fill`` wrote."""
    blobs = Blobs(service(storage))
    (found,) = [one async for one in blobs.under(log_folder(_SHELF, Hour(HOUR)))]
    began = time.process_time()
    generations = await _chaining(blobs).seal(Logs(_SHELF, Hour(HOUR), {_LOG: found.size_bytes}))
    spent_s = time.process_time() - began
    manifest = (await Manifests(blobs).of(_SHELF))[Hour(HOUR)]
    await blobs.close()
    peak_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {
        "records": manifest.rows,
        "generations": generations,
        "spent_s": spent_s,
        "peak_mib": peak_kib / 1024,
        "rows_bytes": sum(generation.size_bytes for generation in manifest.generations),
    }


async def _sealed(data: bytes, *, full_precision: bool, seed: int) -> tuple[float, HourManifest]:
    blobs = MemoryBlobs()
    await _register(blobs, full_precision=full_precision, seed=seed)
    await blobs.create(_LOG, data)
    began = time.process_time()
    await _chaining(blobs).seal(Logs(_SHELF, Hour(HOUR), {_LOG: len(data)}))
    spent_s = time.process_time() - began
    return spent_s, (await Manifests(blobs).of(_SHELF))[Hour(HOUR)]


def _stages(data: bytes, *, full_precision: bool, seed: int) -> dict[str, float]:
    """Return the CPU seconds of what sealing does with a log, one after the other."""
    features = schema(FEATURES, full_precision=full_precision)
    bins = cut(_training(full_precision=full_precision, seed=seed), features)
    spent: dict[str, float] = {}

    def timed(stage: str, work: Callable[[], T]) -> T:
        began = time.process_time()
        done = work()
        spent[stage] = time.process_time() - began
        return done

    read = timed("decode", lambda: rows.read(data, Kind.PREDICTION, features, path=""))
    table = timed("order", lambda: rows.table({_LOG: read.rows}))
    timed("doubles", lambda: first_ones(pack(table.column("_id")), []))
    digest = timed("digest", lambda: hashlib.sha256(data).hexdigest())
    consumed = [Consumed(log=_LOG, start=0, end=len(data), sha256=digest)]
    about = timed(
        "account",
        lambda: footer(table, consumed=consumed, places_by_log={_LOG: read.places}, doubles=0, unreadable=0),
    )
    timed("parquet", lambda: write(table, about))
    timed("profile", lambda: encoding.encode(profile(table, bins)))
    return spent


def _chaining(blobs: Blobs) -> Chaining:
    clock = Clock.standing(HOUR)
    registry = Registry(blobs, clock)
    baselines, telemetry = Baselines(blobs, registry), Telemetry.to("", clock=clock)
    generations = Generations(blobs, registry, baselines, Doubles(blobs), telemetry)
    return Chaining(_SHELF, blobs, Manifests(blobs), generations)


async def _register(blobs: Blobs, *, full_precision: bool, seed: int) -> None:
    training = _training(full_precision=full_precision, seed=seed)
    manifest, files = version(schema(FEATURES, full_precision=full_precision), training)
    await Registry(blobs, Clock.standing(HOUR)).register(manifest, files=files)


@cache
def _training(*, full_precision: bool, seed: int) -> Any:  # noqa: ANN401 - a pyarrow.Table
    """Return rows of the same kind to cut bins from."""
    sent = bodies(_TRAINING_ROWS, FEATURES, an_event=1, seed=seed + 1, full_precision=full_precision)
    return rows.read(log(sent), Kind.PREDICTION, schema(FEATURES, full_precision=full_precision), path="").rows


def main(arguments: Sequence[str] | None = None) -> None:
    """Do what was asked, and say what it took."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.sealing", description=__doc__)
    parser.add_argument("what", choices=("speed", "fill", "seal"))
    parser.add_argument("--records", type=int, default=50_000)
    parser.add_argument("--full-precision", action="store_true")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--storage")
    asked = parser.parse_args(arguments)
    if asked.what == "speed":
        found = speed(asked.records, full_precision=asked.full_precision, rounds=asked.rounds, seed=asked.seed)
    elif asked.what == "fill":
        found = asyncio.run(fill(asked.storage, records=asked.records, seed=asked.seed))
    else:
        found = asyncio.run(seal(asked.storage))
    print(json.dumps(found))


if __name__ == "__main__":
    main()

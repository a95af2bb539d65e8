"""Building a drift-aware sample of a month, in a process of its own: ``python -m benchmarks.dataset_build FOLDER``.

``FOLDER`` is what ``benchmarks.captured_month`` filled. The path is that of ``manage.py dataset build``: the plan is made from
the registry and the manifests of hours, files are fetched from storage for every step and checked by their hashes, every step
leaves its blob, and the dataset is published. Only storage is a folder. ``--plan`` forgets all that a build has left but its
plan, and builds again from that. Prints one JSON object: seconds by step, of which CPU, and the dataset.
"""

import argparse
import asyncio
import json
import time
from collections import defaultdict
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

from benchmarks.captured_month import DAYS, Month
from benchmarks.in_folder import FolderBlobs
from benchmarks.records import MODEL
from shared import documents
from shared.actuals.reading import Joins
from shared.clock import Clock
from shared.datasets.building import Building, Machine
from shared.datasets.engines import open_engine
from shared.datasets.faults import FaultyHours
from shared.datasets.manifest import DatasetManifest, Plan
from shared.datasets.originals import Originals
from shared.datasets.paths import manifest_path, model_folder, plan_path
from shared.datasets.planning import Planning
from shared.datasets.recipe import Recipe, Sample, Sampling
from shared.datasets.steps import tasks
from shared.monitoring.evaluation import Evaluations
from shared.registry.baselines import Baselines
from shared.registry.store import Registry
from shared.sealing.hours.manifests import Manifests

MEMORY_MIB: Final = 2_048
"""What the engine may take, as is the default of ``manage.py dataset build``; this process needs some beside it."""
SCRATCH: Final = "scratch"

_KEPT_BYTES: Final = 256 * 1024 * 1024
_FINISH: Final = "finish"


async def build(month: Month, *, sample: int, plan: str | None, threads: int) -> dict[str, Any]:
    """Build the sample, and say what each step took."""
    blobs = month.blobs
    await _forget(blobs, plan)
    spent = _Spent()
    drawn = Sample(rows=sample, by=Sampling.DRIFT_AWARE, seed=month.seed)
    recipe = Recipe(model=MODEL, end=month.end.key, sample=drawn)
    done = await _building(month, threads).advance(recipe, build=plan, told=spent.told)
    if done.dataset is None or done.build is None:
        raise RuntimeError(f"no dataset: {done.waits_for or done.checks}")
    made, _ = await documents.read(blobs, manifest_path(MODEL, done.dataset), DatasetManifest)
    planned, _ = await documents.read(blobs, plan_path(MODEL, done.build), Plan)
    return {
        "build": done.build,
        "dataset": done.dataset,
        "rows_in": made.rows_in,
        "rows": sum(made.rows.values()),
        "excluded": made.excluded,
        "steps": spent.by_step([str(task.step) for task in tasks(planned)] + [_FINISH]),
    }


class _Spent:
    """Takes the time at which each step begins."""

    def __init__(self) -> None:
        self._moments: list[tuple[float, float]] = []

    def told(self, _done: int, _steps: int) -> None:
        self._moments.append((time.monotonic(), time.process_time()))

    def by_step(self, steps: Sequence[str]) -> dict[str, dict[str, float]]:
        """Return seconds and CPU seconds by what was done; ``steps`` are those that were taken, in their order."""
        found: defaultdict[str, dict[str, float]] = defaultdict(lambda: {"seconds": 0.0, "cpu_s": 0.0})
        for step, began, ended in zip(steps, self._moments[:-1], self._moments[1:], strict=True):
            found[step]["seconds"] += ended[0] - began[0]
            found[step]["cpu_s"] += ended[1] - began[1]
        return dict(found)


def _building(month: Month, threads: int) -> Building:
    blobs, clock = month.blobs, Clock.standing(month.now)
    registry, manifests = Registry(blobs, clock), Manifests(blobs)
    planning = Planning(
        blobs,
        registry,
        manifests,
        Joins(blobs, manifests),
        Baselines(blobs, registry),
        FaultyHours(blobs, Evaluations(blobs)),
        Originals(blobs),
        clock,
    )
    engine = partial(open_engine, "duckdb", memory_mib=MEMORY_MIB, threads=threads)
    machine = Machine(engine=engine, place=month.folder / SCRATCH, kept_bytes=_KEPT_BYTES)
    return Building(blobs, planning, clock, machine)


async def _forget(blobs: FolderBlobs, plan: str | None) -> None:
    """Delete everything that builds have left, but one plan."""
    kept = None if plan is None else plan_path(MODEL, plan)
    for path in [stored.path async for stored in blobs.under(model_folder(MODEL))]:
        if path != kept:
            await blobs.delete(path)


def main(arguments: Sequence[str] | None = None) -> None:
    """Build it, and say what that took."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.dataset_build", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--sample", type=int, required=True, help="rows of the sample")
    parser.add_argument("--plan", help="the build whose plan is to be built again")
    parser.add_argument("--rows", type=int, required=True, help="of all")
    parser.add_argument("--days", type=int, default=DAYS)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    asked = parser.parse_args(arguments)
    month = Month(asked.folder, asked.rows, asked.seed, asked.days)
    print(json.dumps(asyncio.run(build(month, sample=asked.sample, plan=asked.plan, threads=asked.threads))))


if __name__ == "__main__":
    main()

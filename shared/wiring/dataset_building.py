"""What makes datasets of what was captured."""

import os
import tempfile
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from shared.wiring.clients import blobs, telemetry
from shared.wiring.environment import clock, settings
from shared.wiring.stores import baselines, evaluations, joins, manifests, registry

if TYPE_CHECKING:
    from shared.datasets.asking import Asking
    from shared.datasets.building import Building
    from shared.datasets.listing import Datasets
    from shared.datasets.originals import Originals
    from shared.datasets.planning import Planning

_KEPT_BYTES: Final = 256 * 1024 * 1024
"""Of what a build has fetched, for its next step, which goes through all days again: an instance's disk is small."""
_KEPT_BYTES_OF_A_MACHINE: Final = 32 * 1024**3
"""The same on the machine of whoever builds on the command line."""


@cache
def asking() -> "Asking":
    """Return what takes requests for datasets, and has them built."""
    from shared.datasets.asking import Asking
    from shared.datasets.requests import Requests

    ours = settings()
    return Asking(
        Requests(blobs()),
        registry(),
        planning,
        building,
        clock(),
        telemetry(),
        max_body_bytes=ours.max_body_bytes,
        max_depth=ours.max_depth,
        budget_s=ours.datasets_budget_s,
    )


@cache
def datasets() -> "Datasets":
    """Return what finds datasets."""
    from shared.datasets.listing import Datasets
    from shared.datasets.requests import Requests

    return Datasets(blobs(), registry(), Requests(blobs()))


@cache
def planning() -> "Planning":
    """Return what plans datasets."""
    from shared.datasets.faults import FaultyHours
    from shared.datasets.planning import Planning

    faults = FaultyHours(blobs(), evaluations())
    return Planning(blobs(), registry(), manifests(), joins(), baselines(), faults, originals(), clock())


@cache
def originals() -> "Originals":
    """Return what keeps original training data."""
    from shared.datasets.originals import Originals

    return Originals(blobs())


@cache
def building() -> "Building":
    """Return what builds datasets on a function app's instance."""
    return building_on("duckdb", memory_mib=settings().datasets_memory_mib, threads=1, kept_bytes=_KEPT_BYTES)


def building_on(
    engine: Literal["duckdb", "spark"],
    *,
    memory_mib: int,
    threads: int,
    kept_bytes: int = _KEPT_BYTES_OF_A_MACHINE,
    spark_remote: str | None = None,
    inputs_at: str | None = None,
) -> "Building":
    """Return what builds datasets with an engine of one's choice."""
    from shared.datasets.building import Building, Machine
    from shared.datasets.engines import open_engine

    machine = Machine(
        engine=partial(open_engine, engine, memory_mib=memory_mib, threads=threads, spark_remote=spark_remote),
        place=Path(tempfile.gettempdir()) / f"driftline-datasets-{os.getuid()}",
        kept_bytes=kept_bytes,
        inputs_at=inputs_at,
    )
    return Building(blobs(), planning(), clock(), machine)

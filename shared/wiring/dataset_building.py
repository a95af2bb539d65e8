"""What makes datasets of what was captured."""

from functools import cache
from typing import TYPE_CHECKING

from shared.wiring.clients import blobs, telemetry
from shared.wiring.environment import clock, settings
from shared.wiring.stores import registry

if TYPE_CHECKING:
    from shared.datasets.asking import Asking, Builds, Resolves
    from shared.datasets.listing import Datasets


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
def planning() -> "Resolves":
    """Return what plans datasets."""
    from shared.datasets.planning import Planning  # type: ignore[import-not-found]

    made: Resolves = Planning(blobs(), registry(), clock())
    return made


@cache
def building() -> "Builds":
    """Return what builds datasets."""
    from shared.datasets.building import Building  # type: ignore[import-not-found]

    made: Builds = Building(blobs(), planning(), clock(), memory_mib=settings().datasets_memory_mib)
    return made

"""What leads to datasets goes once nobody goes on with it; datasets stay."""

from datetime import UTC, datetime

import msgspec
import pytest

from shared import documents
from shared.datasets.outlived import OutlivedBuilds
from shared.datasets.paths import build_folder, manifest_path, plan_path, request_path
from shared.datasets.steps import STATUS_FILE, Status
from shared.hours import Hour
from tests.memory import Memory, MemoryBlobs
from tests.unit.datasets.finished_datasets import made

WRITTEN = Hour.containing(datetime(2026, 1, 1, tzinfo=UTC))
"""When storage in memory says that everything was written."""

BUILD = build_folder("flights", "b")


@pytest.fixture
async def outlived() -> OutlivedBuilds:
    """Storage with a build, a request, a dataset and a training set."""
    blobs = MemoryBlobs(Memory())
    for path in (
        plan_path("flights", "b"),
        f"{BUILD}cuts.json",
        f"{BUILD}rows-2025-12-31.parquet",
        request_path("flights", "r"),
        "datasets/_training/model=flights/t/train.parquet",
    ):
        await blobs.create(path, b"{}")
    await blobs.create(manifest_path("flights", "d"), documents.encode(made()))
    return OutlivedBuilds(blobs)


async def found(outlived: OutlivedBuilds, *, days: int) -> list[list[str]]:
    limit = WRITTEN.plus(24 * days)
    groups = [*[one async for one in outlived.builds(limit)], *[one async for one in outlived.requests(limit)]]
    return [[stored.path for stored in group] for group in groups]


async def test_a_build_that_was_left_goes_with_its_plan_last_and_so_do_requests(outlived: OutlivedBuilds) -> None:
    assert await found(outlived, days=1) == [
        [f"{BUILD}cuts.json", f"{BUILD}rows-2025-12-31.parquet", f"{BUILD}plan.json"],
        [request_path("flights", "r")],
    ]


async def test_what_was_written_since_stays(outlived: OutlivedBuilds) -> None:
    assert await found(outlived, days=0) == []


async def test_a_build_that_was_refused_goes_because_it_holds_rows(outlived: OutlivedBuilds) -> None:
    await outlived.blobs.create(f"{BUILD}{STATUS_FILE}", documents.encode(Status(state="refused")))

    assert len((await found(outlived, days=1))[0]) == 4


async def test_of_a_build_that_gave_a_dataset_copies_of_rows_go_and_the_plan_stays(outlived: OutlivedBuilds) -> None:
    """By the plan the dataset can be built again."""
    await outlived.blobs.create(f"{BUILD}{STATUS_FILE}", documents.encode(Status(state="ready", dataset="d")))

    assert await found(outlived, days=1) == [[f"{BUILD}rows-2025-12-31.parquet"], [request_path("flights", "r")]]


async def test_the_plan_that_a_dataset_names_stays_though_nobody_said_that_it_is_ready(
    outlived: OutlivedBuilds,
) -> None:
    """Whoever built it was killed once the dataset was there, and nobody has asked for it again."""
    manifest = msgspec.structs.replace(made(), build="b")
    await outlived.blobs.create(manifest_path("flights", "e"), documents.encode(manifest))

    assert await found(outlived, days=1) == [[f"{BUILD}rows-2025-12-31.parquet"], [request_path("flights", "r")]]

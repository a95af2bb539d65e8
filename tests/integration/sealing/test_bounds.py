"""What a run of sealing reads: not more with every month that is kept."""

from collections import Counter
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import cast

import pytest

from shared.blobs import Content, Stored
from shared.capture.hub import Hub
from shared.capture.records import Kind, Shelf, dead_folder, log_folder
from shared.hours import Hour
from tests.integration.models import registered
from tests.integration.sealing.batches import prediction
from tests.integration.sealing.conftest import Stages
from tests.integration.sealing.test_machine import QuietHub
from tests.integration.stored import Calendar
from tests.memory import Memory, MemoryBlobs
from tests.unit.sealing.logs import logged

FIRST = Hour.parse("2026-01-01T09")
SHELF = Shelf(Kind.PREDICTION, "flights", "1")
DAYS = 30
LETTER = (
    b'{"partition":0,"sequence":7,"index":0,"enqueued_at":"2026-01-01T09:00:00Z",'
    b'"reason":"why","size_bytes":1,"sha256":"0f"}\n'
)


class Watched(MemoryBlobs):
    """Storage that notes what was read of it by the last part of its path, and what was listed."""

    def __init__(self, memory: Memory) -> None:
        super().__init__(memory)
        self.read_names: Counter[str] = Counter()
        self.listed: list[str] = []

    async def read(self, path: str) -> Content:
        self.read_names[path.rsplit("/", 1)[1]] += 1
        return await super().read(path)

    async def read_end(self, path: str, *, most_bytes: int) -> Content:
        self.read_names[path.rsplit("/", 1)[1]] += 1
        return await super().read_end(path, most_bytes=most_bytes)

    async def under(self, prefix: str) -> AsyncIterator[Stored]:
        self.listed.append(prefix)
        async for one in super().under(prefix):
            yield one


@pytest.fixture
async def stages() -> Stages:
    """A month of sealed hours, one a day, with a dead letter each; logs are gone after two weeks."""
    memory = Memory()
    made = Stages(MemoryBlobs(memory), cast("Hub", QuietHub()), Calendar(FIRST.start))
    version = registered("flights", "1")
    await made.registry().register(version.manifest, files=version.files)
    for day in range(DAYS):
        hour = FIRST.plus(24 * day)
        memory.put(f"{log_folder(SHELF, hour)}life-p0-r0.jsonl", logged(prediction(hour.start)))
        memory.put(f"{dead_folder(hour)}life-p0-r0.jsonl", LETTER)
    made.calendar.set(FIRST.plus(24 * DAYS).start - timedelta(hours=20))
    await made.sealing().seal()
    for day in range(DAYS - 14):
        memory.blobs.pop(f"{log_folder(SHELF, FIRST.plus(24 * day))}life-p0-r0.jsonl", None)
    return made


def memory_of(stages: Stages) -> Memory:
    assert isinstance(stages.blobs, MemoryBlobs)
    return stages.blobs._memory


async def test_a_process_that_runs_on_reads_nothing_again(stages: Stages) -> None:
    watched = Watched(memory_of(stages))
    sealing = stages.sealing(watched)
    await sealing.seal()
    watched.read_names.clear()

    await sealing.seal()

    assert not {"_manifest.json", "_chain.json", "rows-0.parquet", "_day.json"} & set(watched.read_names)


async def test_a_new_process_reads_what_has_logs_and_not_what_was_kept(stages: Stages) -> None:
    """Whether a record was sealed before is asked of the days that may have it, and the chain says which those are."""
    memory = memory_of(stages)
    hour = FIRST.plus(24 * DAYS)
    memory.put(f"{log_folder(SHELF, hour)}life-p0-r0.jsonl", logged(prediction(hour.start)))
    stages.calendar.set(hour.plus(2).start)
    watched = Watched(memory)

    assert await stages.sealing(watched).seal() == 1

    letters = DAYS - 14
    assert watched.read_names["_manifest.json"] <= 2 * (DAYS - letters) + 5
    assert watched.read_names["rows-0.parquet"] == 0
    assert not [one for one in watched.listed if one.startswith("captures/dead/date=2026-01-01/")]

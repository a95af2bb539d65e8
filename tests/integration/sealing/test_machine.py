"""Sealing, whatever comes in whatever order: in memory, where a run takes milliseconds.

What a sealer does is told apart from what is stored. It may be killed before any write, held up before one while others
go on and woken later, or run at the same time as another.
"""

import asyncio
import copy
import hashlib
import json
import random
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import timedelta
from functools import cache
from itertools import pairwise
from typing import Any, cast

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from shared import documents
from shared.capture.hour_log import HourLogs
from shared.capture.hub import Hub
from shared.capture.reading import read_event
from shared.capture.records import (
    Entry,
    Event,
    Kind,
    Shelf,
    dead_folder,
    log_folder,
)
from shared.errors import BlobChanged
from shared.hours import Hour
from shared.sealing.days.day import Day
from shared.sealing.hours.hour import Generation, HourManifest, read
from shared.sealing.hours.tally import merged, tally
from shared.sealing.hours.watermark import WATERMARK_PATH, Watermark
from shared.sealing.tables.logs import LogName
from tests.integration.interleaving import HeldUp, at_once, dying
from tests.integration.models import registered
from tests.integration.sealing.batches import id_of, prediction
from tests.integration.sealing.conftest import Stages
from tests.integration.stored import Calendar, Killed
from tests.memory import Memory, MemoryBlobs
from tests.unit.sealing.logs import without_control_lines

FIRST = Hour.parse("2026-03-01T22")
SHELF = Shelf(Kind.PREDICTION, "flights", "1")


RECORD = st.one_of(
    st.just("new"), st.integers(1, 12), st.integers(1, 3), st.sampled_from(["new", "misfit", "malformed"])
)
"""A number says that a record comes again: how many others came since."""
EVENTS = st.lists(
    st.tuples(st.integers(0, 1), st.integers(0, 3), st.lists(RECORD, min_size=1, max_size=4)), min_size=1, max_size=5
)
Events = list[tuple[int, int, list[str | int]]]


class QuietHub:
    """A hub that has nothing that was not captured."""

    async def incarnation(self) -> str:
        return "20260301T000000000"

    async def partitions(self) -> list[Any]:
        return [Caught()]


class Caught:
    """A partition that nothing holds back."""

    id = "0"
    last_sequence = -1
    is_empty = True
    first_sequence = 0
    last_enqueued_at = None


@cache
def with_a_version() -> Memory:
    """Return storage with a registered version, which takes longer than everything else."""
    memory = Memory()
    stages = Stages(MemoryBlobs(memory), cast("Hub", QuietHub()), Calendar(FIRST.start))
    version = registered("flights", "1")
    asyncio.run(stages.registry().register(version.manifest, files=version.files))
    return memory


class Sealings(RuleBasedStateMachine):
    """What capture wrote, and what sealers made of it."""

    def __init__(self) -> None:
        super().__init__()
        self.patch = pytest.MonkeyPatch()
        self.patch.setattr(asyncio, "to_thread", at_once)
        self.runner = asyncio.Runner()
        self.memory = copy.deepcopy(with_a_version())
        self.blobs = MemoryBlobs(self.memory)
        self.calendar = Calendar(FIRST.start)
        self.stages = Stages(self.blobs, cast("Hub", QuietHub()), self.calendar)
        self.records: list[bytes] = []
        self.hours_of_ids: defaultdict[str, set[Hour]] = defaultdict(set)
        self.sequences = [0, 0]
        self.life = 1
        self.most_bytes = 0
        self.counted: dict[tuple[Shelf, Hour], tuple[Generation, ...]] = {}

    def teardown(self) -> None:
        self.runner.close()
        self.patch.undo()

    @initialize(most_bytes=st.sampled_from([600, 2_000, 1_000_000]), events=EVENTS)
    def begin(self, most_bytes: int, events: Events) -> None:
        self.most_bytes = most_bytes
        self.calendar.set(FIRST.plus(4).start)
        self.deliver(events)

    @rule(events=EVENTS)
    def deliver(self, events: Events) -> None:
        """Append events, as capture does: on time or late, with records that came before or never can be read."""
        for partition, hours, records in events:
            self._deliver(partition, FIRST.plus(hours), [self._record(one) for one in records])

    def _deliver(self, partition: int, hour: Hour, records: list[bytes]) -> None:
        at = hour.start + timedelta(minutes=1, seconds=self.sequences[partition])
        event = Event(self.sequences[partition], at, b"\n".join(records))
        self.sequences[partition] += 1
        found = read_event(event, str(partition))
        name = f"life{self.life}-p{partition}-r0.jsonl"
        logs = HourLogs(self.blobs, most_blocks=3)
        if found.shelf is not None:
            self._run(logs.append(f"{log_folder(found.shelf, hour)}{name}", [found.entry]))
        if found.dead is not None:
            self._run(logs.append(f"{dead_folder(hour)}{name}", [Entry(event.sequence, found.dead.data)]))
        for record in records:
            if record in self.records:
                self.hours_of_ids[id_of(record)].add(hour)

    @rule()
    def create_the_hub_again(self) -> None:
        """Sequence numbers begin anew."""
        self.life += 1
        self.sequences = [0, 0]

    @rule(hours=st.integers(1, 2))
    def advance(self, hours: int) -> None:
        self.calendar.set(self.calendar.now() + timedelta(hours=hours))

    @rule()
    def seal(self) -> None:
        """Everything that can be is sealed, and sealing again writes nothing."""
        self._run(self._sealer(self.blobs))
        before = self.memory.writes
        written = self._run(self._sealer(self.blobs))

        assert (written, self.memory.writes) == (0, before)
        self._everything_sealable_is_sealed()

    @rule(writes=st.integers(0, 25))
    def seal_and_be_killed(self, writes: int) -> None:
        try:
            self._run(self._sealer(MemoryBlobs(self.memory, before_write=dying(writes))))
        except Killed:
            return

    @rule(seed=st.integers(0, 2**32), sealers=st.integers(2, 3))
    def seal_at_the_same_time(self, seed: int, sealers: int) -> None:
        rng = random.Random(seed)

        async def together() -> list[Any]:
            return await asyncio.gather(
                *(self._sealer(MemoryBlobs(self.memory, pauses=lambda: rng.randrange(4))) for _ in range(sealers)),
                return_exceptions=True,
            )

        for one in self._run(together()):
            assert isinstance(one, int | BlobChanged), repr(one)

    @rule(
        events=EVENTS,
        writes=st.integers(0, 12),
        then=st.none() | st.integers(0, 3),
        meanwhile=st.lists(EVENTS, min_size=1, max_size=2),
    )
    def be_held_up_while_others_go_on(
        self, events: Events, writes: int, then: int | None, meanwhile: list[Events]
    ) -> None:
        """A zombie has read and not written yet, or has written a part."""
        self.deliver(events)
        zombie = HeldUp(writes, then=then)
        task = self._run(self._until_asleep(zombie))
        for others in meanwhile:
            self.deliver(others)
            self._run(self._sealer(self.blobs))
            self.what_counts_goes_on_counting()
        zombie.awake.set()
        (one,) = self._run(_ended(task))
        assert isinstance(one, int | BlobChanged | Killed), repr(one)

    async def _until_asleep(self, zombie: HeldUp) -> "asyncio.Task[int]":
        task = asyncio.create_task(self._sealer(MemoryBlobs(self.memory, before_write=zombie.before_write)))
        asleep = asyncio.create_task(zombie.asleep.wait())
        await asyncio.wait({task, asleep}, return_when=asyncio.FIRST_COMPLETED)
        asleep.cancel()
        return task

    @invariant()
    def no_id_is_at_rest_twice(self) -> None:
        """Not even where a sealer was killed before its manifest: people read the folder as it is."""
        twice = [one for one, times in Counter(self._ids_at_rest()).items() if times > 1]

        assert not twice

    @invariant()
    def rows_stand_in_order(self) -> None:
        for _, rows in self._rows("kind=prediction"):
            columns = (rows.column(name).to_pylist() for name in ("_partition", "_sequence", "_index"))
            places = list(zip(*columns, strict=True))
            falls = [(one[0], other[0]) for one, other in pairwise(places) if other <= one]
            assert all(one == other for one, other in falls), "partitions stand together"
            assert len(falls) <= 2 * (self.life - 1), "a partition's numbers rise, but from life to life"

    @invariant()
    def the_account_is_that_of_the_logs(self) -> None:
        """Of every byte that a manifest says it has consumed, and of no other."""
        for manifest in self._manifests():
            expected = [
                tally(name.incarnation, name.partition, _events(self.memory.blobs[log][0][:end], manifest.kind))
                for log, end in manifest.consumed.items()
                for name in [LogName.of(log)]
            ]
            assert manifest.account == merged(one for one in expected if one is not None)
            for generation in manifest.generations:
                data = self._blob(
                    f"captures/hours/{_shelf(manifest).folder}/{_hour(manifest).folder}/{generation.rows_file}"
                )
                assert generation.sha256 == hashlib.sha256(data).hexdigest()
                for part in generation.footer.consumed:
                    content = self.memory.blobs[part.log][0][part.start : part.end]
                    assert part.sha256 == hashlib.sha256(content).hexdigest()

    @invariant()
    def what_counts_goes_on_counting(self) -> None:
        """A generation that was in a manifest stays in it, at its place."""
        for manifest in self._manifests():
            where = _shelf(manifest), _hour(manifest)
            known = self.counted.get(where, ())
            assert manifest.generations[: len(known)] == known
            self.counted[where] = manifest.generations

    @invariant()
    def a_day_says_what_its_hours_say(self) -> None:
        """Readers take it for all there is."""
        for path, (data, _, _) in self.memory.blobs.items():
            if path.endswith("/_day.json") and data:
                day = documents.decode(data, Day, path=path)
                shelf = Shelf(Kind(day.kind), day.model, day.version)
                stored = {
                    Hour.at_path(path).key: hashlib.sha256(manifest).hexdigest()
                    for path, (manifest, _, _) in self.memory.blobs.items()
                    if path.startswith(f"captures/hours/{shelf.folder}/date={day.date}/")
                    and path.endswith("_manifest.json")
                }
                assert {one.hour: one.sha256 for one in day.hours} == stored

    def _everything_sealable_is_sealed(self) -> None:
        before = documents.decode(self._blob(WATERMARK_PATH), Watermark, path=WATERMARK_PATH).hour
        at_rest = set(self._ids_at_rest())
        for one, hours in self.hours_of_ids.items():
            assert one in at_rest or all(hour >= before for hour in hours)
        consumed = {log: end for manifest in self._manifests() for log, end in manifest.consumed.items()}
        for path, (data, _, _) in self.memory.blobs.items():
            if path.startswith(("captures/logs/", "captures/dead/")) and "sealing-" not in path and data:
                assert Hour.at_path(path) >= before or consumed[path] == len(data)

    def _record(self, what: str | int) -> bytes:
        if what == "malformed":
            return b"malformed"
        if what == "misfit":
            return prediction(FIRST.start, distance="far")
        if isinstance(what, int) and self.records:
            return self.records[-1 - what % len(self.records)]
        self.records.append(prediction(FIRST.start))
        return self.records[-1]

    def _sealer(self, blobs: MemoryBlobs) -> Any:  # noqa: ANN401 - a coroutine
        return self.stages.sealing(blobs, most_bytes=self.most_bytes).seal()

    def _run(self, doing: Any) -> Any:  # noqa: ANN401 - whatever is awaited
        return self.runner.run(doing)

    def _blob(self, path: str) -> bytes:
        return self.memory.blobs[path][0]

    def _rows(self, shelf: str) -> Iterator[tuple[str, pa.Table]]:
        for path, (data, _, _) in self.memory.blobs.items():
            if path.startswith(f"captures/hours/{shelf}") and path.endswith(".parquet"):
                yield path, read(data)[0]

    def _ids_at_rest(self) -> list[str]:
        return [one for _, rows in self._rows("kind=prediction") for one in rows.column("_id").to_pylist()]

    def _manifests(self) -> list[HourManifest]:
        return [
            documents.decode(data, HourManifest, path=path)
            for path, (data, _, _) in self.memory.blobs.items()
            if path.endswith("/_manifest.json") and path.startswith("captures/hours/")
        ]


def _shelf(manifest: HourManifest) -> Shelf:
    return Shelf(Kind(manifest.kind), manifest.model, manifest.version)


def _hour(manifest: HourManifest) -> Hour:
    return Hour.parse(manifest.hour)


async def _ended(task: "asyncio.Task[int]") -> list[Any]:
    return list(await asyncio.gather(task, return_exceptions=True))


def _events(lines: bytes, kind: str) -> list[int]:
    """Return the sequence numbers of a log's events, by the plainest reading there is: each stands there once."""
    assert lines.endswith(b"\n")
    found = [json.loads(line) for line in without_control_lines(lines).splitlines()]
    return sorted({line["sequence"] for line in found if not (kind == Kind.DEAD and line.get("part"))})


Sealings.TestCase.settings = settings(
    max_examples=25, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
)
TestSealings = Sealings.TestCase

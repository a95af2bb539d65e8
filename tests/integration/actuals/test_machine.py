"""Any order of capturing, sealing, joining, dying and doing so at the same time comes to what one plain merge says.

Storage is in memory, with the conditions of Blob Storage; sealing and joining are those of the app.
"""

import asyncio
import copy
import json
import random
from datetime import datetime, timedelta
from functools import cache
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from shared import documents
from shared.actuals.counting import Counts, counts_of, in_order
from shared.actuals.joined_hour import JoinedHour, read
from shared.actuals.paths import progress_path
from shared.actuals.progress import Progress
from shared.capture.records import Shelf
from shared.errors import BlobChanged
from shared.hours import Hour
from tests.integration.actuals.world import MODEL, NINE, World, actual, merged, prediction
from tests.integration.interleaving import HeldUp, at_once, dying
from tests.integration.sealing.batches import id_of
from tests.integration.stored import Calendar, Killed
from tests.memory import Memory, MemoryBlobs

ABOUT = st.one_of(st.integers(0, 12), st.sampled_from(["order 1", "order 2", "nobody's"]))
"""Which of the last predictions an actual is about, sealed or not; or the external id it says."""
HOURS = st.integers(0, 3)
VALUES = st.sampled_from([0.0, 1.0])
PREDICTIONS = st.lists(
    st.tuples(HOURS, st.sampled_from(["1", "2"]), st.sampled_from([None, None, "order 1", "order 2"])),
    min_size=1,
    max_size=4,
)
ACTUALS = st.lists(st.tuples(HOURS, ABOUT, VALUES), min_size=1, max_size=4)


@cache
def with_versions() -> Memory:
    memory = Memory()
    world = World(MemoryBlobs(memory), Calendar(NINE.start))

    async def register() -> None:
        await world.register("1")
        await world.register("2")

    asyncio.run(register())
    return memory


class Joins(RuleBasedStateMachine):
    """What was predicted and what turned out, and what sealers and joiners made of it."""

    def __init__(self) -> None:
        super().__init__()
        self.patch = pytest.MonkeyPatch()
        self.patch.setattr(asyncio, "to_thread", at_once)
        self.runner = asyncio.Runner()
        self.memory = copy.deepcopy(with_versions())
        self.blobs = MemoryBlobs(self.memory)
        self.world = World(self.blobs, Calendar(NINE.plus(24).start))
        self.predictions: list[bytes] = []
        self.actuals: list[tuple[bytes, datetime, int]] = []
        self.unsealed: list[tuple[Shelf, Hour]] = []

    def teardown(self) -> None:
        """Whatever happened, once everything is sealed and joined, it is what a merge says."""
        try:
            self.runner.run(self.world.seal())
            self.runner.run(self.world.join())
            self.it_is_what_a_merge_says()
        finally:
            self.runner.close()
            self.patch.undo()

    @initialize(most_actuals=st.sampled_from([1, 3, 1_000]), most_generations=st.sampled_from([1, 2, 1_000]))
    def begin(self, most_actuals: int, most_generations: int) -> None:
        self.world.most_actuals, self.world.most_generations = most_actuals, most_generations

    @rule(predictions=PREDICTIONS)
    def predict(self, predictions: list[tuple[int, str, str | None]]) -> None:
        for hours, version, external_id in predictions:
            made = prediction(NINE.plus(hours), version=version, external_id=external_id)
            self.predictions.append(made)
            self._deliver(NINE.plus(hours), made)

    @rule(actuals=ACTUALS)
    def tell(self, actuals: list[tuple[int, int | str, float]]) -> None:
        for hours, about, value in actuals:
            hour = NINE.plus(hours)
            if isinstance(about, str):
                told = actual(None, value, external_id=about)
            elif self.predictions:
                told = actual(self.predictions[-1 - about % len(self.predictions)], value)
            else:
                continue
            self.actuals.append((told, hour.start + timedelta(seconds=self.world.sequence), self.world.sequence))
            self._deliver(hour, told)

    @rule()
    def tell_of_what_is_predicted_next(self) -> None:
        made = prediction(NINE)
        self.actuals.append(
            (actual(made, 1.0), NINE.start + timedelta(seconds=self.world.sequence), self.world.sequence)
        )
        self._deliver(NINE, self.actuals[-1][0])
        self.predictions.append(made)
        self._deliver(NINE, made)

    def _deliver(self, hour: Hour, record: bytes) -> None:
        known = set(self.world.delivered)
        self.runner.run(self.world.deliver(hour, record))
        self.unsealed += [one for one in self.world.delivered if one not in known or one not in self.unsealed]

    @rule(data=st.data())
    def seal_one(self, data: st.DataObject) -> None:
        """In any order: an hour may be held up longer than those after it."""
        if self.world.delivered:
            one = data.draw(st.sampled_from(sorted(self.world.delivered)))
            self.runner.run(self.world.seal(one))

    @rule(writes=st.integers(0, 12))
    def seal_and_be_killed(self, writes: int) -> None:
        self._until_killed(self.world.seal(blobs=self._mortal(writes)))

    @rule()
    def join(self) -> None:
        """Everything that is sealed is joined, and joining again writes nothing."""
        self.runner.run(self.world.join())
        before = self.memory.writes

        assert self.runner.run(self.world.join()) == 0
        assert self.memory.writes == before

    @rule(writes=st.integers(0, 15))
    def join_and_be_killed(self, writes: int) -> None:
        self._until_killed(self.world.join(self._mortal(writes)))

    @rule(seed=st.integers(0, 2**32), joiners=st.integers(2, 3))
    def join_at_the_same_time(self, seed: int, joiners: int) -> None:
        """While somebody seals."""
        rng = random.Random(seed)

        def blobs() -> MemoryBlobs:
            return MemoryBlobs(self.memory, pauses=lambda: rng.randrange(4))

        async def together() -> list[Any]:
            joins = (self.world.join(blobs()) for _ in range(joiners))
            return await asyncio.gather(self.world.seal(blobs=blobs()), *joins, return_exceptions=True)

        for one in self.runner.run(together()):
            assert one is None or isinstance(one, int | BlobChanged), repr(one)

    @rule(writes=st.integers(0, 12), then=st.none() | st.integers(0, 3), predictions=PREDICTIONS, actuals=ACTUALS)
    def be_held_up_while_others_go_on(
        self,
        writes: int,
        then: int | None,
        predictions: list[tuple[int, str, str | None]],
        actuals: list[tuple[int, int | str, float]],
    ) -> None:
        """A zombie has looked and not written yet, or has written a part."""
        zombie = HeldUp(writes, then=then)
        blobs = MemoryBlobs(self.memory, before_write=zombie.before_write)
        task = self.runner.run(self._until_asleep(zombie, self.world.join(blobs)))
        self._others_go_on(zombie, task, predictions, actuals)

    @rule(writes=st.integers(0, 12), then=st.none() | st.integers(0, 3), predictions=PREDICTIONS, actuals=ACTUALS)
    def a_sealer_is_held_up_while_others_go_on(
        self,
        writes: int,
        then: int | None,
        predictions: list[tuple[int, str, str | None]],
        actuals: list[tuple[int, int | str, float]],
    ) -> None:
        zombie = HeldUp(writes, then=then)
        blobs = MemoryBlobs(self.memory, before_write=zombie.before_write)
        task = self.runner.run(self._until_asleep(zombie, self.world.seal(blobs=blobs)))
        self._others_go_on(zombie, task, predictions, actuals)

    def _others_go_on(self, zombie: HeldUp, task: "asyncio.Task[Any]", predictions: Any, actuals: Any) -> None:  # noqa: ANN401
        for _ in range(2):
            self.predict(predictions)
            self.tell(actuals)
            self.runner.run(self.world.seal())
            self.runner.run(self.world.join())
        zombie.awake.set()
        (one,) = self.runner.run(_ended(task))
        assert one is None or isinstance(one, int | BlobChanged | Killed), repr(one)

    async def _until_asleep(self, zombie: HeldUp, doing: Any) -> "asyncio.Task[Any]":  # noqa: ANN401 - a coroutine
        task = asyncio.create_task(doing)
        asleep = asyncio.create_task(zombie.asleep.wait())
        await asyncio.wait({task, asleep}, return_when=asyncio.FIRST_COMPLETED)
        asleep.cancel()
        return task

    def it_is_what_a_merge_says(self) -> None:
        self.runner.run(self._check())

    async def _check(self) -> None:
        expected = merged(self.predictions, self.actuals)
        found = {**await self.world.values("1"), **await self.world.values("2")}
        assert found == expected
        self._counts_are_those_of_the_rows()
        path = progress_path(MODEL)
        if path not in self.memory.blobs:
            assert not self.actuals
            assert not self.predictions
            return
        progress = documents.decode(self.memory.blobs[path][0], Progress, path=path)
        ids = {id_of(one) for one in self.predictions}
        keys = {json.loads(one)["external_id"] for one in self.predictions}
        missing = [
            one
            for one in (json.loads(record) for record, _, _ in self.actuals)
            if one["prediction_id"] not in ids and (one["external_id"] is None or one["external_id"] not in keys)
        ]
        assert progress.received == len(self.actuals)
        assert progress.waiting == len(missing)

    def _counts_are_those_of_the_rows(self) -> None:
        for path, (data, _, _) in self.memory.blobs.items():
            if not (path.startswith("captures/joins/") and path.endswith("_manifest.json")):
                continue
            hour = documents.decode(data, JoinedHour, path=path)
            folder = path.removesuffix("_manifest.json")
            parts = [read(self.memory.blobs[f"{folder}{one.file}"][0]) for one in hour.files]
            whole = counts_of(in_order(pa.concat_tables(parts)))
            assert hour.counts == Counts(
                joined=whole.joined,
                duplicates=whole.duplicates,
                corrected=whole.corrected,
                late=whole.late,
                delays=whole.delays,
                early=hour.counts.early,
            )

    def _mortal(self, writes: int) -> MemoryBlobs:
        return MemoryBlobs(self.memory, before_write=dying(writes))

    def _until_killed(self, doing: Any) -> None:  # noqa: ANN401 - a coroutine
        ended: Any = self.runner.run(_ended(doing))[0]
        assert ended is None or isinstance(ended, int | Killed), repr(ended)


async def _ended(doing: Any) -> list[Any]:  # noqa: ANN401 - a coroutine or a task
    """Return how something ended; what several tasks died of at once is one death."""
    ended: Any = (await asyncio.gather(doing, return_exceptions=True))[0]
    is_death = isinstance(ended, BaseExceptionGroup) and ended.split(Killed)[1] is None
    return [Killed() if is_death else ended]


Joins.TestCase.settings = settings(
    max_examples=25, stateful_step_count=20, deadline=None, suppress_health_check=list(HealthCheck)
)
TestJoins = Joins.TestCase

"""Histories that become sealed hours."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from datetime import timedelta
from typing import Any

import msgspec
import pyarrow as pa
import pytest

from shared import documents
from shared.blobs import Blobs, Content
from shared.capture.records import Kind, Shelf
from shared.documents import Reader
from shared.errors import NotSealed, UnknownModel
from shared.hours import Hour
from shared.monitoring.window import Window
from shared.monitoring.windows import Windows
from shared.profiles.profile import profile
from shared.profiles.sample import Sample
from shared.registry.baselines import Baselines
from shared.sealing import frame
from shared.sealing.accounting.asked import Asked
from shared.sealing.days.finding import rolled_up
from shared.sealing.hours.doubles import Doubles
from shared.sealing.hours.generations import Generations
from shared.sealing.hours.hour import HourManifest, read
from shared.sealing.hours.manifests import Manifests
from shared.sealing.imports.history import Columns
from shared.sealing.imports.importing import Added, Importing
from shared.sealing.paths import day_path, hour_folder, manifest_path
from shared.telemetry import Telemetry
from tests.integration.sealing.batches import event, prediction
from tests.integration.sealing.conftest import NINE, Stages
from tests.integration.sealing.verified import verify, wrong
from tests.integration.stored import Calendar, Killed, Mortal, everything

SHELF = Shelf(Kind.PREDICTION, "flights", "1")
ACTUALS = Shelf(Kind.ACTUAL, "flights", "_none")
FIRST = Hour.containing(NINE)
COLUMNS = Columns(time="scored_at", external_id="key", actual="delay", actual_time="landed_at")
NEXT_DAY = NINE + timedelta(days=1)


def table(rows: int = 10, *, start: int = 0) -> pa.Table:
    """Return a history of four rows an hour, from nine o'clock on; every other has landed three hours later."""
    numbers = range(start, start + rows)
    scored = [NINE + timedelta(minutes=15 * number) for number in numbers]
    return pa.table({
        "scored_at": pa.array(scored, pa.timestamp("ns", "UTC")),
        "key": [f"flight {number}" for number in numbers],
        "distance": [float(number) for number in numbers],
        "carrier": ["AA"] * rows,
        "prediction": [0.5] * rows,
        "delay": [None if number % 2 else float(number) for number in numbers],
        "landed_at": [None if number % 2 else at + timedelta(hours=3) for number, at in zip(numbers, scored, strict=True)],
        "remark": ["not a feature"] * rows,
    })  # fmt: skip


def importing(stages: Stages, blobs: Blobs | None = None) -> Importing:
    ours = blobs or stages.blobs
    registry = stages.registry(ours)
    telemetry = Telemetry.to("", clock=stages.calendar)
    generations = Generations(ours, registry, Baselines(ours, registry), Doubles(ours), telemetry)
    return Importing(ours, registry, Manifests(ours), generations, stages.calendar, b"", 0)


def pieces(whole: pa.Table, rows: int) -> Callable[[], Iterator[pa.Table]]:
    return lambda: (whole.slice(start, rows) for start in range(0, whole.num_rows, rows))


async def add(
    stages: Stages, whole: pa.Table, blobs: Blobs | None = None, *, columns: Columns = COLUMNS, rows: int = 3
) -> Added:
    """Import a table in pieces of so many rows."""
    made = importing(stages, blobs)
    manifest, history = await made.history("flights", "1", columns, naive_is_utc=False)
    checked = await made.check(history, pieces(whole, rows))
    return await made.add(manifest, history, pieces(whole, rows), checked, done=lambda _: None)


async def rows_of(blobs: Blobs, shelf: Shelf = SHELF) -> list[dict[str, Any]]:
    """Return every sealed row."""
    found: list[dict[str, Any]] = []
    for hour in await Manifests(blobs).between(shelf, FIRST.plus(-24), FIRST.plus(48)):
        for generation in hour.manifest.generations:
            content = await blobs.read(f"{hour_folder(shelf, hour.hour)}{generation.rows_file}")
            found += read(content.data)[0].to_pylist()
    return found


@pytest.fixture
async def ready(stages: Stages, calendar: Calendar) -> Stages:
    """A system whose watermark has passed the day of the history."""
    calendar.set(NEXT_DAY)
    await stages.sealing().seal()
    return stages


async def test_a_history_becomes_hours_by_its_own_times(ready: Stages) -> None:
    added = await add(ready, table())

    hours = await Manifests(ready.blobs).between(SHELF, FIRST, FIRST.plus(24))
    found = await rows_of(ready.blobs)
    assert (added.predictions, added.predictions_known) == (10, 0)
    assert [(one.hour, one.manifest.rows) for one in hours] == [(FIRST, 4), (FIRST.plus(1), 4), (FIRST.plus(2), 2)]
    assert [one["distance"] for one in found] == [float(number) for number in range(10)]
    assert {one["_partition"] for one in found} == {None}
    assert found[3]["_external_id"] == "flight 3"
    about = hours[0].manifest.generations[0].footer
    assert (about.imported, about.rows, about.account, about.consumed, about.doubles) == (4, 4, (), (), 0)
    assert not await everything(ready.blobs, "captures/imports/")


async def test_the_same_file_again_adds_nothing_and_writes_nothing(ready: Stages) -> None:
    await add(ready, table())
    before = await everything(ready.blobs, "captures/")

    again = await add(ready, table(), Mortal(ready.blobs, writes=0))

    assert (again.predictions, again.predictions_known, again.actuals, again.actuals_known) == (0, 10, 0, 5)
    assert await everything(ready.blobs, "captures/") == before


async def test_a_longer_file_adds_what_is_new(ready: Stages) -> None:
    await add(ready, table(6))

    added = await add(ready, table(10))

    assert (added.predictions, added.predictions_known) == (4, 6)
    assert sorted(one["distance"] for one in await rows_of(ready.blobs)) == [float(number) for number in range(10)]


async def test_a_file_in_no_order_is_the_same_history(ready: Stages) -> None:
    shuffled = table().take(pa.array([7, 2, 9, 0, 4, 1, 8, 3, 6, 5]))

    added = await add(ready, shuffled)
    again = await add(ready, table())

    assert (added.predictions, again.predictions, again.actuals) == (10, 0, 0)


async def test_rows_that_are_the_same_are_told_apart_wherever_they_stand(ready: Stages) -> None:
    """Their number among those of their hour tells them apart, so that all of an hour is looked at together."""
    columns = Columns(time="scored_at")
    apart = table().take(pa.array([0, 7, 0]))

    added = await add(ready, apart, columns=columns, rows=1)

    assert added.predictions == 3


class HeldUp(Blobs):
    """Storage whose writer is held up before its rows wait to be imported."""

    def __init__(self, blobs: Blobs) -> None:
        super().__init__(blobs._service)
        self.reached = asyncio.Event()
        self.resume = asyncio.Event()

    async def create(self, path: str, data: bytes) -> str:
        if path.startswith("captures/imports/"):
            self.reached.set()
            await self.resume.wait()
        return await super().create(path, data)


async def test_two_that_import_the_same_file_at_once_add_it_once(ready: Stages) -> None:
    """What one has looked for and not found, the other may have added since: it is looked for again in the chain."""
    held_up = HeldUp(ready.blobs)
    slow = asyncio.create_task(add(ready, table(4), held_up))
    await held_up.reached.wait()
    fast = await add(ready, table(4))
    held_up.resume.set()

    added = await slow
    await ready.sealing().seal()

    assert (fast.predictions, added.predictions, added.predictions_known) == (4, 0, 4)
    assert len(await rows_of(ready.blobs)) == 4
    assert not wrong(await verify(ready, Asked(is_deep=True)))


async def test_killed_at_every_write_it_is_there_once_when_it_is_run_again(ready: Stages) -> None:
    """Whole hours stay; and what waits in the chain is finished by whoever comes next."""
    await add(ready, table())
    whole = {one["_id"] for shelf in (SHELF, ACTUALS) for one in await rows_of(ready.blobs, shelf)}
    writes = 0
    while True:
        for path in await everything(ready.blobs, "captures/hours/", "captures/imports/", "captures/unjoined/"):
            await ready.blobs.delete(path)
        try:
            await add(ready, table(), Mortal(ready.blobs, writes=writes))
        except Killed:
            await add(ready, table())
        else:
            break
        found = [one["_id"] for shelf in (SHELF, ACTUALS) for one in await rows_of(ready.blobs, shelf)]
        assert len(found) == len(set(found))
        assert set(found) == whole
        assert not await everything(ready.blobs, "captures/imports/")
        writes += 1
    assert writes == 3 * 8 + 3 * 6, (
        "each hour waits, is intended, has rows, a mark and a manifest, and waits no longer; and a profile and an index"
    )


@pytest.mark.parametrize("survived", range(2, 6))
async def test_sealing_finishes_an_import_that_was_killed(ready: Stages, calendar: Calendar, survived: int) -> None:
    """The intent stands in the chain, and nothing is added before it is carried out."""
    with pytest.raises(Killed):
        await add(ready, table(4), Mortal(ready.blobs, writes=survived))
    late = NEXT_DAY + timedelta(minutes=1)
    await ready.capturing().append([event(prediction(late), sequence=0, at=late)])
    calendar.set(late + timedelta(hours=2))

    await ready.sealing().seal()

    assert [one["distance"] for one in await rows_of(ready.blobs)] == [0.0, 1.0, 2.0, 3.0, 1.0]
    assert not await everything(ready.blobs, "captures/imports/")


class Overtaken(Blobs):
    """Storage of a process that another one overtakes once, before it reads rows that wait to be imported."""

    def __init__(self, blobs: Blobs, overtake: Callable[[], Awaitable[object]]) -> None:
        super().__init__(blobs._service)
        self._overtake: Callable[[], Awaitable[object]] | None = overtake

    async def read(self, path: str) -> Content:
        overtake = self._overtake
        if overtake is not None and path.startswith("captures/imports/"):
            self._overtake = None
            await overtake()
        return await super().read(path)


async def test_who_is_overtaken_while_finishing_an_import_knows_its_rows(ready: Stages) -> None:
    """They wait no longer, and were not sealed yet when it looked: nobody would find their ids again."""
    with pytest.raises(Killed):
        await add(ready, table(4), Mortal(ready.blobs, writes=2))
    overtaken = Overtaken(ready.blobs, lambda: add(ready, table(4)))

    await add(ready, table(6, start=4), overtaken)
    again = await add(ready, table(10))

    assert overtaken._overtake is None
    assert again.predictions == 0
    assert sorted(one["distance"] for one in await rows_of(ready.blobs)) == [float(number) for number in range(10)]


async def test_what_turned_out_is_an_actual_of_its_prediction(ready: Stages) -> None:
    added = await add(ready, table())

    ids = {one["_external_id"]: one["_id"] for one in await rows_of(ready.blobs)}
    hours = await Manifests(ready.blobs).between(ACTUALS, FIRST, FIRST.plus(24))
    told = {one["_prediction_id"]: one["value"] for one in await rows_of(ready.blobs, ACTUALS)}
    assert added.actuals == 5
    assert told == {ids[f"flight {number}"]: float(number) for number in range(0, 10, 2)}
    assert [one.hour for one in hours] == [FIRST.plus(3), FIRST.plus(4), FIRST.plus(5)]


class Noting(Blobs):
    """Storage that notes of which kind the rows are that wait to be imported."""

    def __init__(self, blobs: Blobs) -> None:
        super().__init__(blobs._service)
        self.kinds: list[Kind] = []

    async def create(self, path: str, data: bytes) -> str:
        if path.startswith("captures/imports/"):
            self.kinds.append(Shelf.at_path(path).kind)
        return await super().create(path, data)


async def test_actuals_are_added_while_the_file_is_read(ready: Stages) -> None:
    """What turned out of a file that is longer than memory must not wait there until all of it was read."""
    noting = Noting(ready.blobs)
    made = importing(ready, noting)
    made.most_told = 4
    manifest, history = await made.history("flights", "1", COLUMNS, naive_is_utc=False)
    whole = pieces(table(24), 4)

    added = await made.add(manifest, history, whole, await made.check(history, whole), done=lambda _: None)
    again = await add(ready, table(24))

    two_hours = [Kind.PREDICTION] * 2 + [Kind.ACTUAL] * 2
    assert noting.kinds == two_hours * 3
    assert (added.predictions, added.actuals) == (24, 12)
    assert (again.predictions, again.actuals, again.actuals_known) == (0, 0, 12)
    assert not wrong(await verify(ready, Asked(is_deep=True)))


async def test_captured_and_imported_rows_share_an_hour(ready: Stages) -> None:
    await add(ready, table(4))
    at = NINE + timedelta(minutes=5)
    await ready.capturing().append([event(prediction(at, distance=77.0), sequence=0, at=at)])
    await ready.sealing().seal()

    manifest, _ = await documents.read(ready.blobs, manifest_path(SHELF, FIRST), HourManifest)
    assert [one.footer.imported for one in manifest.generations] == [4, 0]
    assert len(await frame(ready.blobs, "flights", "1", NINE, NINE + timedelta(hours=1))) == 5


async def test_the_account_lists_imported_rows_apart_and_closes(ready: Stages) -> None:
    at = NINE + timedelta(minutes=5)
    await ready.capturing().append([event(prediction(at), sequence=0, at=at)])
    await ready.sealing().seal()
    await add(ready, table())
    rolled_later = await verify(ready, Asked(is_deep=True))
    await ready.sealing().seal()

    account = await verify(ready, Asked(is_deep=True))

    assert wrong(rolled_later) <= {"day_differs"}
    assert not wrong(account)
    assert (account.totals.imported, account.totals.rows, account.totals.events) == (15, 16, 1)


async def test_a_day_is_rolled_up_again_with_what_was_imported(ready: Stages) -> None:
    at = NINE + timedelta(minutes=5)
    await ready.capturing().append([event(prediction(at), sequence=0, at=at)])
    await ready.sealing().seal()
    before = await rolled_up(Reader(ready.blobs), day_path(SHELF, "2026-03-01"))

    await add(ready, table())
    between = await rolled_up(Reader(ready.blobs), day_path(SHELF, "2026-03-01"))
    await ready.sealing().seal()
    after = await rolled_up(Reader(ready.blobs), day_path(SHELF, "2026-03-01"))

    assert before is not None
    assert between is None
    assert after is not None
    assert (before.document.rows, after.document.rows, after.document.imported) == (1, 11, 10)


async def test_a_window_over_imported_hours_is_the_profile_of_their_rows(ready: Stages) -> None:
    await add(ready, table())
    registry = ready.registry()
    bins = (await Baselines(ready.blobs, registry).current(await registry.manifest("flights", "1"))).bins

    contents = await Windows(ready.blobs).read("flights", "1", Window(FIRST, FIRST.plus(2)), bins)

    sample = contents.profile.sample  # by their ids, which the import gave them
    assert {row.values[0] for row in sample.rows} == set(table(8).column("distance").to_pylist())
    assert msgspec.structs.replace(contents.profile, sample=Sample()) == profile(table(8), bins)


async def test_rows_that_do_not_fit_are_told_before_anything_is_written(ready: Stages) -> None:
    bad = table(60).set_column(
        2, "distance", pa.array([None if number % 2 else 1.0 for number in range(60)], pa.float64())
    )
    made = importing(ready, Mortal(ready.blobs, writes=0))
    _, history = await made.history("flights", "1", COLUMNS, naive_is_utc=False)

    checked = await made.check(history, pieces(bad, 7))

    assert (checked.rows, checked.bad_rows, len(checked.misfits), checked.hours) == (30, 30, 20, 15)
    assert [one.row for one in checked.misfits[:5]] == [1, 3, 5, 7, 9]
    assert (await add(ready, bad)).predictions == 30


async def test_nothing_is_imported_before_anything_is_sealed(stages: Stages) -> None:
    with pytest.raises(NotSealed, match="nothing is sealed"):
        await importing(stages).history("flights", "1", COLUMNS, naive_is_utc=False)
    with pytest.raises(UnknownModel):
        await importing(stages).history("flights", "9", COLUMNS, naive_is_utc=False)


async def test_an_hour_that_retention_would_take_is_refused(ready: Stages, calendar: Calendar) -> None:
    """It might be taking it at this moment."""
    calendar.set(NEXT_DAY + timedelta(days=30))
    await ready.sealing().seal()
    made = importing(ready)
    made.hours_kept_days = 30
    _, history = await made.history("flights", "1", COLUMNS, naive_is_utc=False)

    checked = await made.check(history, pieces(table(4), 4))

    assert checked.rows == 0
    assert "only what is from 2026-03-03T00 on" in checked.misfits[0].reason

"""The join, in storage: which actual counts of which prediction, and what is counted of the others."""

from collections import Counter
from datetime import timedelta
from types import ModuleType
from typing import Any

import pytest

from shared import documents
from shared.actuals import finding, wanted
from shared.actuals.counting import Counts
from shared.actuals.joined_hour import JoinedHour
from shared.actuals.paths import joined_path, progress_path
from shared.actuals.progress import Progress
from shared.blobs import Blobs, Content
from shared.errors import InvalidDocument
from shared.hours import Hour
from shared.schema import FeatureType, Output
from shared.sealing.paths import hour_folder
from tests.integration.actuals.world import ACTUALS, MODEL, NINE, World, actual, prediction, predictions_of
from tests.integration.sealing.batches import id_of

TEN = NINE.plus(1)
PREDICTIONS = predictions_of("1")


async def counts(blobs: Blobs, hour: Hour = NINE, version: str = "1") -> Counts:
    found, _ = await documents.read(blobs, joined_path(MODEL, version, hour), JoinedHour)
    return found.counts


async def progress(blobs: Blobs) -> Progress:
    found, _ = await documents.read(blobs, progress_path(MODEL), Progress)
    return found


async def test_an_actual_is_beside_its_prediction(world: World) -> None:
    made = prediction(NINE, answer=1.5)
    told = actual(made, 2.0)
    await world.deliver(NINE, made, prediction(NINE))
    await world.deliver(TEN, told)
    await world.seal()

    await world.join()

    (row,) = await world.joined()
    assert {name: row[name] for name in ("_id", "_actual_id", "prediction", "actual", "hour")} == {
        "_id": id_of(made),
        "_actual_id": id_of(told),
        "prediction": 1.5,
        "actual": 2.0,
        "hour": NINE.key,
    }
    assert row["_actual_enqueued_at"] == TEN.start + timedelta(seconds=2)
    assert (await counts(world.blobs)).joined == 1


async def test_joining_again_writes_nothing(world: World) -> None:
    made = prediction(NINE)
    await world.deliver(NINE, made, actual(made, 1.0))
    await world.seal()
    assert await world.join() == 1

    assert await world.join() == 0


async def test_an_external_id_is_that_of_every_prediction_that_carries_it(world: World) -> None:
    await world.register("2")
    made = [
        prediction(NINE, external_id="order 7"),
        prediction(TEN, external_id="order 7"),
        prediction(TEN, external_id="order 8"),
    ]
    other = prediction(NINE, version="2", external_id="order 7")
    await world.deliver(NINE, made[0], other)
    await world.deliver(TEN, *made[1:], actual(None, 3.0, external_id="order 7"))
    await world.seal()

    await world.join()

    assert await world.values() == {id_of(one): 3.0 for one in made[:2]}
    assert await world.values("2") == {id_of(other): 3.0}
    assert (await progress(world.blobs)).waiting == 0


async def test_the_last_enqueued_wins_in_whatever_order_hours_are_sealed(world: World) -> None:
    """An hour that was held up is sealed, and joined, after one that came later."""
    made = prediction(NINE)
    await world.deliver(NINE, made)
    await world.deliver(TEN, actual(made, 1.0))
    await world.deliver(TEN.plus(1), actual(made, 2.0))
    await world.deliver(TEN.plus(2), actual(made, 3.0))
    await world.seal((PREDICTIONS, NINE), (ACTUALS, TEN.plus(2)))
    await world.join()
    await world.seal((ACTUALS, TEN))
    await world.join()
    await world.seal((ACTUALS, TEN.plus(1)))

    await world.join()

    assert await world.values() == {id_of(made): 3.0}
    assert (await counts(world.blobs)).corrected == 2


async def test_what_counted_at_a_moment_can_be_read_later(world: World) -> None:
    made = prediction(NINE)
    await world.deliver(NINE, made)
    for hours, value in ((1, 1.0), (2, 2.0), (3, 1.0)):
        await world.deliver(NINE.plus(hours), actual(made, value))
    await world.seal()
    await world.join()

    found = [await world.values(as_of=NINE.plus(hours).start) for hours in (1, 2, 3, 4)]

    assert [list(one.values()) for one in found] == [[], [1.0], [2.0], [1.0]]


async def test_what_counted_so_long_after_a_prediction_can_be_read_later(world: World) -> None:
    """Told again each night, an actual must not become one that took until the last of them."""
    made = prediction(NINE)
    await world.deliver(NINE, made)
    for hours, value in ((1, 1.0), (2, 2.0), (24, 2.0)):
        await world.deliver(NINE.plus(hours), actual(made, value))
    await world.seal()
    await world.join()

    found = [await world.joined(within=timedelta(minutes=minutes)) for minutes in (10, 45, 120)]

    assert [[row["actual"] for row in rows] for rows in found] == [[], [1.0], [2.0]]


async def test_the_same_again_is_a_duplicate_and_another_a_correction(world: World) -> None:
    made = prediction(NINE)
    await world.deliver(NINE, made)
    await world.deliver(TEN, *(actual(made, value) for value in (1.0, 1.0, 2.0, 2.0, 1.0)))
    await world.seal()

    await world.join()

    found = await counts(world.blobs)
    assert (found.joined, found.duplicates, found.corrected) == (1, 2, 2)


async def test_an_actual_stands_until_its_prediction_is_there(world: World) -> None:
    """A prediction may wait in the spool longer than its actual takes."""
    made = prediction(NINE, external_id="order 7")
    await world.deliver(NINE, actual(made, 1.0), actual(None, 2.0, external_id="order 7"))
    await world.seal()
    await world.join()
    assert (await progress(world.blobs)).waiting == 2

    await world.deliver(TEN, made)
    await world.seal()
    await world.join()

    assert await world.values() == {id_of(made): 2.0}
    assert (await counts(world.blobs, TEN)).early == 2
    assert (await progress(world.blobs)).waiting == 0


async def test_what_came_by_external_id_counts_for_a_prediction_that_comes_later_as_well(world: World) -> None:
    first, second = (prediction(hour, external_id="order 7") for hour in (NINE, TEN))
    await world.deliver(NINE, first, actual(None, 2.0, external_id="order 7"))
    await world.seal()
    await world.join()
    await world.deliver(TEN, second)
    await world.seal()

    await world.join()

    assert await world.values() == {id_of(first): 2.0, id_of(second): 2.0}


async def test_what_is_never_found_is_unknown_after_two_weeks(world: World) -> None:
    about = id_of(prediction(NINE))
    told = actual(about, 1.0)
    await world.deliver(NINE, told, actual(None, 1.0, external_id="nobody's"))
    await world.seal()
    await world.join()
    world.calendar.set(world.calendar.now() + timedelta(days=14))
    await world.join()
    assert ((await progress(world.blobs)).waiting, (await progress(world.blobs)).unknown) == (2, 0)

    world.calendar.set(world.calendar.now() + timedelta(days=1))
    await world.join()

    found = await progress(world.blobs)
    assert (found.received, found.waiting, found.unknown) == (2, 0, 2)
    assert [one.prediction_id for one in found.listed] == [about, None]


async def test_an_actual_of_nothing_is_unknown_at_once(world: World) -> None:
    """Whoever writes to the hub without us may leave both ids out, or write one that none can have."""
    await world.deliver(NINE, actual(None, 1.0), actual("no id", 1.0))
    await world.seal()

    await world.join()

    assert (await progress(world.blobs)).unknown == 2


async def test_an_id_is_found_however_it_is_written(world: World) -> None:
    made = prediction(NINE)
    await world.deliver(NINE, made, actual(id_of(made).upper().replace("-", ""), 1.0))
    await world.seal()

    await world.join()

    assert await world.values() == {id_of(made): 1.0}


@pytest.mark.parametrize(
    ("answer", "fits", "misfits"),
    [
        (Output(name="answer", type=FeatureType.FLOAT), [1.5, True, 2], ["yes"]),
        (Output(name="answer", type=FeatureType.INTEGER), [1, 2], ["2"]),
        (Output(name="answer", type=FeatureType.BOOLEAN), [True, False, 1, 0.0], [0.5, "true"]),
        (Output(name="answer", type=FeatureType.STRING), ["yes"], [1, True]),
        (Output(name="answer", type=FeatureType.CATEGORY, categories=("yes",)), ["yes", "no"], [1.0]),
    ],
)
async def test_a_value_that_the_version_cannot_answer_is_counted_and_not_joined(
    world: World, answer: Output, fits: list[Any], misfits: list[Any]
) -> None:
    await world.register("2", answer=answer)
    made = [prediction(NINE, version="2", answer=None) for _ in (*fits, *misfits)]
    told = [actual(one, value) for one, value in zip(made, (*fits, *misfits), strict=True)]
    await world.deliver(NINE, *made, *told)
    await world.seal()

    await world.join()

    assert await world.values("2") == {id_of(one): value for one, value in zip(made, fits, strict=False)}
    assert (await counts(world.blobs, version="2")).misfits == len(misfits)


async def test_months_late_is_counted(world: World) -> None:
    made = prediction(NINE)
    await world.deliver(NINE, made)
    await world.deliver(NINE.plus(31 * 24), actual(made, 1.0))
    await world.seal()

    await world.join()

    assert await world.values() == {id_of(made): 1.0}
    assert (await counts(world.blobs)).late == 1


async def test_many_steps_come_to_the_rows_of_one(world: World) -> None:
    """An hour's files are merged when they are many; corrections stay."""
    made = [prediction(NINE) for _ in range(3)]
    await world.deliver(NINE, *made)
    for hours in range(20):
        await world.deliver(TEN.plus(hours), actual(made[hours % 3], float(hours)))
    await world.seal()
    world.most_actuals = 1

    assert await world.join() == 20

    found, _ = await documents.read(world.blobs, joined_path(MODEL, "1", NINE), JoinedHour)
    assert await world.values() == {id_of(made[0]): 18.0, id_of(made[1]): 19.0, id_of(made[2]): 17.0}
    assert (found.counts.joined, found.counts.corrected) == (3, 17)
    assert sum(file.rows for file in found.files) == 20
    names = [one.path.rpartition("/")[2] async for one in world.blobs.under(joined_path(MODEL, "1", NINE)[:-14])]
    assert sorted(names) == sorted(["_manifest.json", *(file.file for file in found.files)])
    assert len(found.files) < 8


async def test_few_generations_at_a_time_come_to_the_same(world: World) -> None:
    """Actuals wait until all predictions are there: otherwise they would be taken for early."""
    world.most_generations = 2
    made = [prediction(NINE.plus(hours)) for hours in range(7)]
    for hours, one in enumerate(made):
        await world.deliver(NINE.plus(hours), one, actual(one, 1.0))
    await world.seal()

    await world.join()

    assert await world.values() == {id_of(one): 1.0 for one in made}
    assert (await counts(world.blobs)).early == 0


async def test_standing_files_of_a_day_are_merged(world: World) -> None:
    world.most_actuals = 1
    for hours in range(9):
        await world.deliver(NINE.plus(hours), actual(None, 1.0, external_id=f"order {hours}"))
    await world.seal()

    await world.join()

    found = await progress(world.blobs)
    assert (len(found.standing), found.waiting) == (2, 9)
    stored = [one.path.rpartition("/")[2] async for one in world.blobs.under(f"captures/joins/model={MODEL}/standing/")]
    assert sorted(stored) == sorted(one.file for one in found.standing)


async def test_steps_that_were_carried_out_leave_nothing_behind(world: World) -> None:
    made = prediction(NINE)
    await world.deliver(NINE, made, actual(made, 1.0))
    await world.seal()

    await world.join()

    assert not [one.path async for one in world.blobs.under(f"captures/joins/model={MODEL}/steps/")]


async def test_a_model_that_cannot_be_joined_keeps_no_other_from_it(world: World) -> None:
    made = prediction(NINE)
    await world.deliver(NINE, made, actual(made, 1.0))
    await world.seal()
    await world.blobs.create("captures/joins/model=damaged/_progress.json", b"{")

    with pytest.raises(ExceptionGroup) as raised:
        await world.join()

    assert [type(one) for one in raised.value.exceptions] == [InvalidDocument]
    assert await world.values() == {id_of(made): 1.0}


async def test_predictions_that_retention_took_are_missed_by_nobody(world: World) -> None:
    """Their manifest was read just before."""
    made = prediction(NINE)
    await world.deliver(NINE, made, actual(made, 1.0))
    await world.seal()
    async for one in world.blobs.under(f"captures/hours/{PREDICTIONS.folder}/date="):
        if one.path.endswith(".parquet"):
            await world.blobs.delete(one.path)

    await world.join()

    assert (await progress(world.blobs)).waiting == 1


@pytest.mark.parametrize(("module", "predictions", "actuals"), [(wanted, 1, 3), (finding, 3, 1)])
async def test_an_external_id_that_everything_carries_names_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch, module: ModuleType, predictions: int, actuals: int
) -> None:
    """As "n/a" would: a million predictions times a thousand actuals fit in no memory."""
    monkeypatch.setattr(module, "MOST_ALIKE", 2)
    named = prediction(NINE, external_id="order 7")
    await world.deliver(NINE, named, *(prediction(NINE, external_id="n/a") for _ in range(predictions)))
    told = [actual(None, float(number), external_id="n/a") for number in range(actuals)]
    await world.deliver(NINE, actual(None, 9.0, external_id="order 7"), *told)
    await world.seal()

    await world.join()

    assert await world.values() == {id_of(named): 9.0}
    assert (await progress(world.blobs)).waiting == actuals


class Reading(Blobs):
    """Storage that notes what of the rows is read, and how much."""

    def __init__(self, blobs: Blobs) -> None:
        super().__init__(blobs._service)
        self.read_bytes: Counter[str] = Counter()

    async def read_end(self, path: str, *, most_bytes: int) -> Content:
        found = await super().read_end(path, most_bytes=most_bytes)
        self.read_bytes[path] += len(found.data)
        return found

    async def read_range(self, path: str, *, start: int, end: int, etag: str | None = None) -> bytes:
        data = await super().read_range(path, start=start, end=end, etag=etag)
        self.read_bytes[path] += len(data)
        return data


async def test_hours_that_cannot_have_an_id_are_not_opened(world: World) -> None:
    """By id, their ends say so; by external id, their indexes."""
    made = [prediction(NINE.plus(hours), external_id=f"order {hours}") for hours in range(4)]
    for hours, one in enumerate(made):
        await world.deliver(NINE.plus(hours), one)
    await world.seal()
    await world.join()
    await world.deliver(NINE.plus(4), actual(made[1], 1.0), actual("00000000-0000-7000-8000-000000000000", 1.0))
    await world.seal()
    by_id = Reading(world.blobs)
    await world.join(by_id)
    await world.deliver(NINE.plus(5), actual(None, 1.0, external_id="order 2"))
    await world.seal()
    by_key = Reading(world.blobs)

    await world.join(by_key)

    rows = [f"{hour_folder(PREDICTIONS, NINE.plus(hours))}rows-0.parquet" for hours in range(4)]
    indexes = [f"{hour_folder(PREDICTIONS, NINE.plus(hours))}_external-0" for hours in range(4)]
    assert {path for path in by_id.read_bytes if "/hours/" in path} == {rows[1]}
    assert {path for path in by_key.read_bytes if "/hours/" in path} == {rows[2], *indexes}


async def test_some_columns_are_read_in_the_order_they_are_asked_for(world: World) -> None:
    made = prediction(NINE, answer=1.5)
    await world.deliver(NINE, made, actual(made, 2.0))
    await world.seal()
    await world.join()

    (row,) = await world.joined(columns=["actual", "prediction", "hour"])

    assert list(row.items()) == [("actual", 2.0), ("prediction", 1.5), ("hour", NINE.key)]


async def test_hours_say_how_many_are_joined_and_how_long_that_took(world: World) -> None:
    made = [prediction(NINE), prediction(NINE), prediction(TEN)]
    await world.deliver(NINE, *made[:2])
    await world.deliver(TEN, made[2], actual(made[0], 2.0))
    await world.seal()
    await world.join()

    found = await world.joins.counts(await world.manifest(), NINE, TEN.plus(1))
    whole = await world.joins.between(await world.manifest(), NINE, TEN.plus(1))

    assert [(one.hour, one.predictions, one.joined) for one in found] == [(NINE, 2, 1), (TEN, 1, 0)]
    assert found[0].counts.delays == {20: 1}, "half an hour and some seconds"
    assert whole.predictions == 3
    assert list(whole.inputs) == [joined_path(MODEL, "1", NINE)]

"""Joined hours go with the predictions they are of, and marks once nobody can be held up any more."""

from collections.abc import AsyncGenerator

from shared.actuals.outlived import OutlivedJoins
from shared.actuals.paths import joined_folder
from shared.blobs import Stored
from shared.sealing.paths import UNJOINED, hour_folder, unjoined_path
from tests.integration.actuals.world import ACTUALS, MODEL, NINE, World, actual, prediction, predictions_of
from tests.integration.stored import everything

PREDICTIONS = predictions_of("1")
NEXT_DAY = NINE.plus(24)


async def joined(world: World) -> None:
    """Join two days, of which the first has two hours."""
    made = [prediction(hour) for hour in (NINE, NINE.plus(1), NEXT_DAY)]
    for one, hour in zip(made, (NINE, NINE.plus(1), NEXT_DAY), strict=True):
        await world.deliver(hour, one, actual(one, 1.0))
    await world.seal()
    await world.join()


async def let_go(world: World, folder: str) -> None:
    for path in await everything(world.blobs, folder):
        await world.blobs.delete(path)


async def groups(found: AsyncGenerator[list[Stored]]) -> list[list[str]]:
    return [[one.path for one in group] async for group in found]


async def test_a_joined_hour_goes_once_its_day_has_no_predictions_any_more(world: World) -> None:
    """Its manifest first: what it does not name counts for nobody."""
    await joined(world)
    for hour in (NINE, NEXT_DAY):
        await let_go(world, hour_folder(PREDICTIONS, hour))
    outlived, midnight = OutlivedJoins(world.blobs), NEXT_DAY.plus(-9)
    assert not await groups(outlived.hours(midnight)), "of the first day an hour is there, and the second is too new"

    await let_go(world, hour_folder(PREDICTIONS, NINE.plus(1)))

    found = await groups(outlived.hours(midnight))
    folders = [joined_folder(MODEL, "1", hour) for hour in (NINE, NINE.plus(1))]
    assert [group[0] for group in found] == [f"{folder}_manifest.json" for folder in folders]
    assert [[path.partition("-1-")[0] for path in group[1:]] for group in found] == [[f"{one}rows"] for one in folders]


async def test_a_mark_goes_once_it_is_old_and_was_joined_or_has_nothing_left_to_join(world: World) -> None:
    await joined(world)
    late, gone = prediction(NINE), NINE.plus(5)
    await world.deliver(NINE, late)
    await world.seal()
    await world.blobs.create(unjoined_path(ACTUALS, gone, 0), b"")

    found = await groups(OutlivedJoins(world.blobs).marks(NEXT_DAY))

    marks = set(await everything(world.blobs, UNJOINED))
    expected = {unjoined_path(shelf, hour, 0) for shelf in (PREDICTIONS, ACTUALS) for hour in (NINE, NINE.plus(1))}
    assert {path for (path,) in found} == expected | {unjoined_path(ACTUALS, gone, 0)}
    assert marks - expected == {
        unjoined_path(PREDICTIONS, NINE, 1),
        unjoined_path(ACTUALS, gone, 0),
        *(unjoined_path(shelf, NEXT_DAY, 0) for shelf in (PREDICTIONS, ACTUALS)),
    }

"""From captured predictions and actuals, sealed and joined by what does so in the app, to a decision."""

from datetime import timedelta

import pytest

from shared import documents
from shared.alerts.outbox import Outbox
from shared.capture.records import Shelf
from shared.hours import Hour
from shared.monitor_config import monitor_config_path
from shared.monitoring.evaluation import Evaluations
from shared.registry.store import Registry
from shared.retraining.actuals import JoinedActuals
from shared.retraining.challenging import Challenging
from shared.retraining.deciding import Deciding
from shared.retraining.decision import Decisions
from shared.retraining.faults import Faults
from shared.retraining.measuring import Measuring
from shared.retraining.period_losses import PeriodLosses
from shared.retraining.period_store import PeriodStore
from shared.retraining.verdicts import Verdict
from shared.sealing.hours.manifests import Manifests
from shared.sealing.hours.watermark import WATERMARK_PATH, Watermark
from shared.sealing.paths import unjoined_path
from shared.telemetry import Telemetry
from tests.integration.actuals.conftest import world
from tests.integration.actuals.world import ACTUALS, NINE, World, actual, prediction, predictions_of
from tests.integration.models import answer

__all__ = ["world"]

PERIOD = NINE.plus(-1)
ROWS = 20


def deciding(world: World) -> Deciding:
    blobs = world.blobs
    registry, manifests = Registry(blobs, world.calendar), Manifests(blobs)
    actuals = JoinedActuals(world.joins)
    return Deciding(
        blobs,
        registry,
        actuals,
        Measuring(manifests, actuals, Challenging(blobs, registry)),
        PeriodStore(blobs),
        Faults(blobs, Evaluations(blobs)),
        Decisions(blobs, Outbox(blobs, world.calendar, ())),
        Telemetry.to("", clock=world.calendar),
    )


async def configure(world: World, config: bytes) -> None:
    await world.blobs.create(monitor_config_path("flights"), config)


async def promoted(world: World) -> None:
    """Have version 1 answer since eight o'clock, and version 3 be tried beside it."""
    world.calendar.set(PERIOD.start)
    registry = Registry(world.blobs, world.calendar)
    await registry.promote("flights", "1", alias="champion")
    await world.register("3")
    await registry.promote("flights", "3", alias="challenger")


async def sealed_before(world: World, hour: Hour) -> None:
    """Have the watermark stand at an hour."""
    await documents.swap(world.blobs, WATERMARK_PATH, Watermark, lambda _: Watermark(before=hour.key))


async def answered(world: World, *, hours: int, known: int, joined: bool = True) -> None:
    """Have version 1 answer for so many hours; of so many rows of each it turns out, an hour later, that 3 is right."""
    for hour in (NINE.plus(number) for number in range(hours)):
        rows = [prediction(hour, distance=float(row), answer=answer(row, version="1")) for row in range(ROWS)]
        await world.deliver(hour, *rows)
        truths = [actual(rows[row], answer(row, version="3"), at=hour.plus(1)) for row in range(known)]
        await world.deliver(hour.plus(1), *truths)
    await world.seal()
    if joined:
        await world.join()
    await sealed_before(world, NINE.plus(hours + 1))


async def test_what_was_joined_decides(world: World) -> None:
    """The champion is off by 2 and the challenger by nothing."""
    await configure(world, b"retraining: {period: PT2H}\nactuals_delay: PT1H\nretrain_cost: 60\n")
    await promoted(world)
    await answered(world, hours=3, known=15)

    (decision,) = await deciding(world).decide_all()

    losses = (await documents.read(world.blobs, "monitoring/periods/model=flights/2026-03-01T10.json", PeriodLosses))[0]
    assert (losses.predictions, losses.rows, losses.mean) == (40, 30, 2.0)
    (beside,) = losses.compared
    assert (beside.asked, beside.rows, beside.gap, beside.disagreement) == (40, 30, 2.0, 2.0)
    assert {path.split("/")[1] for path in losses.inputs} == {"hours", "joins"}
    assert (decision.end, decision.verdict) == ("2026-03-01T12", Verdict.RETRAIN)
    # 20 predictions in the first period, of which it had an hour, and 40 in the second
    assert decision.numbers.cost == pytest.approx(2.0)


async def test_how_long_actuals_take_is_learned_from_those_that_came(world: World) -> None:
    """They come half an hour to an hour and a half after their prediction: the second period is not settled yet."""
    await configure(world, b"retraining: {period: PT2H}\n")
    await promoted(world)
    await answered(world, hours=2, known=15)

    (decision,) = await deciding(world).decide_all()
    delay = await deciding(world).actuals.delay(await world.manifest(), NINE, NINE.plus(2))

    assert delay is not None
    assert timedelta(minutes=30) <= delay <= timedelta(hours=2)
    assert decision.end == "2026-03-01T10"


async def test_actuals_that_are_joined_later_are_measured_with_the_next_decision(world: World) -> None:
    await configure(world, b"retraining: {period: PT2H}\nactuals_delay: PT0H\nretrain_cost: 60\n")
    await promoted(world)
    rows = [prediction(NINE, distance=float(row), answer=answer(row, version="1")) for row in range(ROWS)]
    await world.deliver(NINE, *rows)
    await world.seal()
    await world.join()
    await sealed_before(world, NINE.plus(1))
    (blind,) = await deciding(world).decide_all()

    await world.deliver(NINE.plus(2), *(actual(row, answer(place, version="3")) for place, row in enumerate(rows)))
    await world.seal()
    await world.join()
    await sealed_before(world, NINE.plus(3))
    (seeing,) = await deciding(world).decide_all()

    assert (blind.numbers.actuals, blind.numbers.regret) == (0, None)
    assert seeing.numbers.regret == 2.0


HOURLY = b"retraining: {period: PT2H}\nactuals_delay: PT1H\nretrain_cost: 60\n"


async def test_a_period_waits_until_what_was_sealed_of_it_is_joined(world: World) -> None:
    """Where the join is slower than the sealer, it would else be decided on whatever part it had come to."""
    await configure(world, HOURLY)
    await promoted(world)
    await answered(world, hours=1, known=15, joined=False)

    assert await deciding(world).decide_all() == []

    await world.join()
    (decision,) = await deciding(world).decide_all()
    assert (decision.end, decision.numbers.actuals) == ("2026-03-01T10", 15)


@pytest.mark.parametrize(
    ("shelf", "hour", "end"),
    [
        (predictions_of("1"), NINE.plus(2), "2026-03-01T10"),
        (ACTUALS, NINE.plus(3), "2026-03-01T10"),
        (ACTUALS, NINE.plus(4), "2026-03-01T12"),
        (predictions_of("1"), NINE, "2026-03-01T12"),
    ],
    ids=["its last predictions", "its last actuals", "actuals that come later", "predictions of before"],
)
async def test_a_period_waits_for_what_can_be_of_it_alone(world: World, shelf: Shelf, hour: Hour, end: str) -> None:
    """Predictions count as actuals do: one that came first stands until its prediction is joined as well."""
    await configure(world, HOURLY)
    await promoted(world)
    await answered(world, hours=4, known=15)
    await sealed_before(world, NINE.plus(4))
    await unjoin(world, shelf, hour)

    (decision,) = await deciding(world).decide_all()

    assert decision.end == end


async def test_a_join_that_cannot_go_on_holds_a_period_up_until_the_next_one_is_settled(world: World) -> None:
    await configure(world, HOURLY)
    await promoted(world)
    await answered(world, hours=3, known=15, joined=False)

    (decision,) = await deciding(world).decide_all()

    assert (decision.end, decision.numbers.predictions, decision.numbers.actuals) == ("2026-03-01T10", ROWS, 0)


async def test_a_mark_without_its_generation_holds_nothing_up(world: World) -> None:
    """Its sealer may have ended before it wrote the manifest: nobody could ever join it."""
    await configure(world, HOURLY)
    await promoted(world)
    await answered(world, hours=1, known=15)
    await world.blobs.create(unjoined_path(ACTUALS, NINE.plus(1), 1), b"")
    await world.blobs.create(unjoined_path(ACTUALS, NINE, 0), b"")

    (decision,) = await deciding(world).decide_all()

    assert (decision.end, decision.numbers.actuals) == ("2026-03-01T10", 15)


async def test_a_period_that_was_decided_about_is_waited_for_no_more(world: World) -> None:
    """What is sealed of it since is measured with the next decision, as ever."""
    await configure(world, HOURLY)
    await promoted(world)
    await answered(world, hours=3, known=15)
    (decision,) = await deciding(world).decide_all()
    await unjoin(world, ACTUALS, NINE.plus(3))

    assert await deciding(world).decide_all(again=True) == [decision]


async def test_a_period_whose_actuals_never_come_is_settled_all_the_same(world: World) -> None:
    """Nothing that it is made of has changed, and yet it says more: that nothing turned out in time."""
    await configure(world, HOURLY.replace(b"PT1H", b"PT2H"))
    await promoted(world)
    await answered(world, hours=3, known=0)
    settled = []
    for end in (NINE.plus(4), NINE.plus(5)):
        await sealed_before(world, end)
        await deciding(world).decide_all()
        one = (await PeriodStore(world.blobs).of("flights"))[1]
        settled.append((one.losses.start, one.losses.is_settled, one.losses.rows))

    assert settled == [("2026-03-01T10", False, 0), ("2026-03-01T10", True, 0)]


async def unjoin(world: World, shelf: Shelf, hour: Hour) -> None:
    """Have the first generation of an hour wait to be joined, as when its sealer was slow."""
    await world.blobs.delete(unjoined_path(shelf, hour, 0))
    await world.blobs.create(unjoined_path(shelf, hour, 0), b"")

"""From captured predictions and actuals, sealed and joined by what does so in the app, to a decision."""

from datetime import timedelta

import pytest

from shared import documents
from shared.alerts.outbox import Outbox
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
from shared.telemetry import Telemetry
from tests.integration.actuals.conftest import world
from tests.integration.actuals.world import NINE, World, actual, prediction
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


async def answered(world: World, *, hours: int, known: int) -> None:
    """Have version 1 answer for so many hours; of so many rows of each it turns out, an hour later, that 3 is right."""
    for hour in (NINE.plus(number) for number in range(hours)):
        rows = [prediction(hour, distance=float(row), answer=answer(row, version="1")) for row in range(ROWS)]
        await world.deliver(hour, *rows)
        truths = [actual(rows[row], answer(row, version="3"), at=hour.plus(1)) for row in range(known)]
        await world.deliver(hour.plus(1), *truths)
    await world.seal()
    await world.join()
    await documents.swap(world.blobs, WATERMARK_PATH, Watermark, lambda _: Watermark(before=NINE.plus(hours + 1).key))


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
    await documents.swap(world.blobs, WATERMARK_PATH, Watermark, lambda _: Watermark(before="2026-03-01T10"))
    (blind,) = await deciding(world).decide_all()

    await world.deliver(NINE.plus(2), *(actual(row, answer(place, version="3")) for place, row in enumerate(rows)))
    await world.seal()
    await world.join()
    await documents.swap(world.blobs, WATERMARK_PATH, Watermark, lambda _: Watermark(before="2026-03-01T12"))
    (seeing,) = await deciding(world).decide_all()

    assert (blind.numbers.actuals, blind.numbers.regret) == (0, None)
    assert seeing.numbers.regret == 2.0

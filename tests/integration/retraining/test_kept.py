"""What retention takes, what that leaves, and which faults of the data explain a loss."""

from datetime import timedelta

import msgspec

from shared import documents
from shared.alerts.lifecycle import Look
from shared.alerts.messages import DecisionChange
from shared.alerts.outbox import Outbox
from shared.alerts.outlived import OutlivedNews
from shared.alerts.store import Alerts
from shared.hours import Hour
from shared.retraining.decision import Decisions, NewestDecision
from shared.retraining.outlived import OutlivedChallenges
from shared.retraining.period_losses import PeriodLosses
from shared.retraining.verdicts import Verdict
from shared.signals.judgement import Signal
from shared.signals.judgement import Verdict as Judged
from tests.integration.retraining.conftest import WEBHOOK, Decided
from tests.integration.sealing.conftest import NINE
from tests.integration.stored import everything
from tests.unit.alerts.looks import judged

PERIOD = "monitoring/periods/model=flights/2026-03-01T10.json"


def outlived(decided: Decided) -> OutlivedChallenges:
    return OutlivedChallenges(decided.stages.blobs)


async def news(decided: Decided, limit: Hour) -> list[str]:
    """Return the paths of the news that may go."""
    blobs = decided.stages.blobs
    decisions = Decisions(blobs, Outbox(blobs, decided.stages.calendar, (WEBHOOK,)))
    return [one.path async for group in OutlivedNews(blobs, decisions.knows).news(limit) for one in group]


async def test_a_period_whose_hours_were_let_go_stays_what_it_was(decided: Decided) -> None:
    """Measured again it would have no rows, and what it came to would be forgotten."""
    await decided.register("3")
    await decided.hours(0, 3)
    await decided.deciding().decide_all()
    before, _ = await documents.read(decided.stages.blobs, PERIOD, PeriodLosses)

    gone = await everything(
        decided.stages.blobs, "captures/hours/kind=prediction/model=flights/version=1/date=2026-03-01/hour=10/"
    )
    for path in gone:
        await decided.stages.blobs.delete(path)
    await decided.hours(3, 5)
    await decided.deciding().decide_all()

    assert (await documents.read(decided.stages.blobs, PERIOD, PeriodLosses))[0] == before
    assert gone


async def test_what_challengers_answered_goes_with_the_hours(decided: Decided) -> None:
    await decided.register("3")
    await decided.hours(0, 3)
    await decided.deciding().decide_all()

    limit = Hour.parse("2026-03-01T10")
    found = [one.path async for group in outlived(decided).challenges(limit) for one in group]

    assert found == ["monitoring/challenges/model=flights/version=3/2026-03-01T08.parquet"]


async def test_what_hooks_learned_from_goes_with_the_last_of_its_hours(decided: Decided) -> None:
    """With the model that was left beside it: rows would else outlive retention as a copy."""
    sets = {
        "2026-03-01T09-0": ["train.parquet", "model.onnx"],
        "2026-03-01T10-0": ["train.parquet"],
        "2026-03-01T11-0": ["train.parquet"],
    }
    for name, files in sets.items():
        for file in files:
            await decided.stages.blobs.create(f"datasets/_training/model=flights/{name}/{file}", b"")

    groups = [group async for group in outlived(decided).training_sets(Hour.parse("2026-03-01T10"))]

    found = [[stored.path.removeprefix("datasets/_training/model=flights/") for stored in group] for group in groups]
    assert found == [["2026-03-01T09-0/model.onnx", "2026-03-01T09-0/train.parquet"], ["2026-03-01T10-0/train.parquet"]]


async def test_news_of_a_decision_is_told_of_for_a_while_once_it_was_delivered(decided: Decided) -> None:
    await decided.register("3")
    await decided.hours(0, 3)
    deciding = decided.deciding()
    await deciding.decide_all()
    later, soon = Hour.containing(NINE + timedelta(days=2)), Hour.parse("2026-03-01T12")
    waiting = await news(decided, later)
    async for entry in deciding.decisions.outbox.due():
        await deciding.decisions.outbox.keep(entry.ended("delivered"))

    assert waiting == []
    assert await news(decided, soon) == []
    (path,) = await news(decided, later)
    assert "flights.decision-1.2026-03-01T12-decision.changed-" in path


async def test_news_whose_decision_does_not_know_that_it_was_told_stays(decided: Decided) -> None:
    """The next decision asks the outbox for it, and would post it a second time."""
    await decided.register("3")
    await decided.hours(0, 3)
    deciding = decided.deciding()
    await deciding.decide_all()
    async for entry in deciding.decisions.outbox.due():
        await deciding.decisions.outbox.keep(entry.ended("delivered"))
        told = entry.message.data
    assert isinstance(told, DecisionChange)
    ((path, data),) = (await everything(decided.stages.blobs, "monitoring/decisions/model=flights/_newest")).items()
    untold = msgspec.structs.replace(documents.decode(data, NewestDecision, path=path), untold=told)
    await documents.swap(decided.stages.blobs, path, NewestDecision, lambda _: untold)

    assert await news(decided, Hour.containing(NINE + timedelta(days=2))) == []


async def test_a_loss_that_rises_with_a_fault_of_the_data_is_no_retrain(decided: Decided) -> None:
    """Values are found to be bad in the window that ends with the period in which the loss rises."""
    await decided.register("3")
    decided.truth.version = "1"
    await decided.hours(0, 3)
    await decided.deciding().decide_all()
    decided.truth.rises_at = "2026-03-01T12"
    look = Look("flights", "1", NINE + timedelta(hours=2), NINE + timedelta(hours=4), "evaluation", rows=60)
    outbox = Outbox(decided.stages.blobs, decided.stages.calendar, ())
    await Alerts(decided.stages.blobs, outbox).note([judged(Judged.BREACH, signal=Signal.QUALITY)], look)
    await decided.hours(3, 5)

    (decision,) = await decided.deciding().decide_all()

    assert decision.verdict is Verdict.FIX_DATA
    assert "rose in the period from 2026-03-01T12" in decision.reasons[0]
    assert "it is breach" in decision.reasons[1]
    assert any(path.startswith("monitoring/newest_alerts/") for path in decision.inputs)

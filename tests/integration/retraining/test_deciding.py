"""From sealed hours and actuals to a decision that is stored and told once."""

from datetime import timedelta

import pytest

from shared import documents
from shared.alerts.messages import DecisionChanged
from shared.alerts.outbox import Entry
from shared.blobs import Blobs
from shared.errors import NoDecision, UnknownModel
from shared.hours import Hour
from shared.retrain_config import Loss
from shared.retraining.decision import Decision, NewestDecision
from shared.retraining.experience import Rule
from shared.retraining.period_losses import Compared, PeriodLosses
from shared.retraining.period_store import PeriodStore
from shared.retraining.verdicts import STATE_IT, Verdict
from tests.integration.models import registered
from tests.integration.retraining.conftest import CONFIG, Decided
from tests.integration.sealing.conftest import NINE
from tests.integration.stored import Killed, Mortal, everything

OURS = ("monitoring/challenges/", "monitoring/periods/", "monitoring/decisions/", "monitoring/outbox/")
LATE = CONFIG.replace(b"PT0H", b"PT4H")
NEWEST = "monitoring/decisions/model=flights/_newest.json"


async def news_in(blobs: Blobs) -> list[tuple[str, str]]:
    """Return what the webhook is told of decisions: the verdict before, and the new one."""
    found = await everything(blobs, "monitoring/outbox/")
    messages = [documents.decode(data, Entry, path=path).message for path, data in found.items()]
    return [(one.data.before, one.data.verdict) for one in messages if isinstance(one, DecisionChanged)]


async def period(blobs: Blobs, key: str) -> PeriodLosses:
    return (await documents.read(blobs, f"monitoring/periods/model=flights/{key}.json", PeriodLosses))[0]


async def test_a_challenger_that_would_have_saved_what_it_costs_is_a_retrain(decided: Decided) -> None:
    """The champion is off by 2, the challenger by nothing: after one full period it has saved 2 of 2."""
    await decided.register("3")
    await decided.hours(0, 3)

    (decision,) = await decided.deciding().decide_all()

    assert (decision.start, decision.end) == ("2026-03-01T10", "2026-03-01T12")
    assert decision.verdict is Verdict.RETRAIN
    assert (decision.champion, decision.challenger) == ("1", "3")
    numbers = decision.numbers
    # 30 predictions in the hour of the first period, 60 in the second
    assert numbers.cost == pytest.approx(120 / 45)
    assert (numbers.gap, numbers.regret, numbers.regret_error, numbers.measured_periods) == (2.0, 4.0, 0.0, 2)
    assert numbers.lasting is not None
    assert numbers.benefit == pytest.approx(2.0 * numbers.horizon * numbers.lasting)
    assert decision.rule is Rule.PAYS
    assert "promote 3, the newest challenger" in decision.reasons
    assert (numbers.champion_loss, numbers.challenger_loss) == (2.0, 0.0)
    assert (numbers.age, numbers.predictions, numbers.actuals) == (2, 60, 60)
    assert await decided.deciding().decisions.newest("flights") == decision
    assert await news_in(decided.stages.blobs) == [("keep", "retrain")]


async def test_a_period_is_measured_on_the_same_rows(decided: Decided) -> None:
    await decided.register("3")
    await decided.register("2")
    await decided.hours(0, 3)
    await decided.deciding().decide_all()

    losses = await period(decided.stages.blobs, "2026-03-01T10")

    assert (losses.champion, losses.predictions, losses.rows, losses.mean) == ("1", 60, 60, 2.0)
    assert [one.version for one in losses.compared] == ["2", "3"]
    two, three = losses.compared
    assert (two.gap, two.loss, two.asked, two.rows, two.disagreement) == (1.0, 1.0, 60, 60, 1.0)
    assert (three.gap, three.loss, three.disagreement) == (2.0, 0.0, 2.0)
    assert sorted(path.split("/")[0] for path in losses.inputs) == ["captures", "captures", "truth", "truth"]


async def test_deciding_twice_is_deciding_once(decided: Decided) -> None:
    await decided.register("3")
    await decided.hours(0, 3)
    (decision,) = await decided.deciding().decide_all()
    before = await everything(decided.stages.blobs, *OURS)

    assert await decided.deciding().decide_all() == []
    assert await decided.deciding().decide_all("flights", again=True) == [decision]
    assert await everything(decided.stages.blobs, *OURS) == before


@pytest.mark.parametrize("survived", range(9))
async def test_killed_between_any_two_writes_it_comes_to_the_same_and_tells_it_once(
    decided: Decided, survived: int
) -> None:
    """Two challenges, two periods, the decision, its pointer, the news, and that it was told."""
    await decided.register("3")
    await decided.hours(0, 3)
    blobs = decided.stages.blobs
    mortal = Mortal(blobs, writes=survived)
    if survived < 8:
        with pytest.raises((Killed, BaseExceptionGroup)):
            await decided.deciding(mortal).decide_all()
    else:
        await decided.deciding(mortal).decide_all()

    await decided.deciding().decide_all()

    assert await news_in(blobs) == [("keep", "retrain")]
    pointer, _ = await documents.read(blobs, NEWEST, NewestDecision)
    assert (pointer.verdict, pointer.changes, pointer.untold) == (Verdict.RETRAIN, 1, None)
    stored = await everything(blobs, "monitoring/decisions/", "monitoring/periods/", "monitoring/challenges/")
    assert len(stored) == 2 + 2 + 2, "nothing was made twice"


async def test_the_webhook_is_told_when_the_verdict_changes_and_only_then(decided: Decided) -> None:
    await decided.register("3")
    await decided.hours(0, 3)
    await decided.deciding().decide_all()
    await decided.hours(3, 5)
    await decided.deciding().decide_all()
    first = await news_in(decided.stages.blobs)

    await decided.stages.registry().promote("flights", "3", alias="champion")
    (decision,) = await decided.deciding().decide_all()

    assert first == [("keep", "retrain")]
    assert (decision.champion, decision.verdict) == ("3", Verdict.KEEP)
    assert "3 has not answered for most of a period yet" in decision.reasons
    assert sorted(await news_in(decided.stages.blobs)) == [("keep", "retrain"), ("retrain", "keep")]


async def test_actuals_that_come_later_are_measured_with_the_next_decision(decided: Decided) -> None:
    await decided.register("3")
    decided.truth.one_in = 0
    await decided.hours(0, 3)
    (blind,) = await decided.deciding().decide_all()
    challenged = await everything(decided.stages.blobs, "monitoring/challenges/")

    decided.truth.one_in = 2
    await decided.hours(3, 5)
    (seeing,) = await decided.deciding().decide_all()

    assert blind.verdict is Verdict.COLLECT_ACTUALS, "its answers differ by as much as a retrain costs"
    assert blind.numbers.regret is None
    assert seeing.verdict is Verdict.RETRAIN
    assert seeing.numbers.regret == 4.0, "of the first period 15 actuals are known, which are too few to measure"
    losses = await period(decided.stages.blobs, "2026-03-01T10")
    assert (losses.predictions, losses.rows, losses.compared[0].rows) == (60, 30, 30)
    after = await everything(decided.stages.blobs, "monitoring/challenges/")
    assert {path: after[path] for path in challenged} == challenged, "nobody is asked twice"


async def test_challengers_are_asked_before_actuals_are_known_and_what_that_says_is_weighed(decided: Decided) -> None:
    """Two periods are measured, in which it saved 2 of 2 that answers differ by; of two more, a usual one is for nothing."""
    await decided.configure(LATE)
    await decided.register("3")
    await decided.hours(0, 7)

    (decision,) = await decided.deciding().decide_all()

    assert decision.end == "2026-03-01T12"
    unsettled = [await period(decided.stages.blobs, f"2026-03-01T{hour}") for hour in (12, 14)]
    for one in unsettled:
        assert (one.is_settled, one.predictions, one.rows, one.mean) == (False, 60, 0, None)
        assert one.compared == (Compared(version="3", asked=60, disagreement=2.0),)
        assert {path.split("/")[0] for path in one.inputs} == {"captures"}
        assert f"monitoring/periods/model=flights/{one.start}.json" in decision.inputs
    numbers = decision.numbers
    assert (numbers.regret_measured, numbers.measured_periods, numbers.age) == (4.0, 2, 2)
    assert numbers.regret == pytest.approx(4.0 + 4.0 / (4.0 + 2.0) * (2.0 + 2.0))
    assert any("2.67 of it is estimated" in reason for reason in decision.reasons)


async def test_what_was_asked_is_computed_once_and_replaced_by_what_is_measured(decided: Decided) -> None:
    await decided.configure(LATE)
    await decided.register("3")
    await decided.hours(0, 7)
    await decided.deciding().decide_all()
    before = await everything(decided.stages.blobs, "monitoring/periods/")
    for path in await everything(decided.stages.blobs, "monitoring/challenges/"):
        await decided.stages.blobs.delete(path)

    await decided.hours(7, 9)
    await decided.deciding().decide_all()

    after = await everything(decided.stages.blobs, "monitoring/periods/")
    assert {path[-18:] for path in before if before[path] != after[path]} == {"2026-03-01T12.json"}
    measured = await period(decided.stages.blobs, "2026-03-01T12")
    assert (measured.is_settled, measured.rows, measured.compared[0].gap) == (True, 60, 2.0)
    asked = await everything(decided.stages.blobs, "monitoring/challenges/")
    assert not any(path.endswith("T14.parquet") for path in asked), "it was asked before"
    assert any(path.endswith("T16.parquet") for path in asked)


async def test_how_late_a_period_is_decided_about_changes_nothing(decided: Decided) -> None:
    """More is sealed by then, of which it could not have been known how answers differ."""
    await decided.configure(LATE)
    await decided.register("3")
    await decided.hours(0, 7)
    (decision,) = await decided.deciding().decide_all()
    await decided.hours(7, 8)

    assert await decided.deciding().decide_all(again=True) == [decision]


async def test_a_period_that_was_measured_stays_so_when_actuals_are_said_to_take_longer(decided: Decided) -> None:
    await decided.register("3")
    await decided.hours(0, 7)
    (all_settled,) = await decided.deciding().decide_all()
    before = await everything(decided.stages.blobs, "monitoring/periods/")

    await decided.configure(LATE)
    (decision,) = await decided.deciding().decide_all()

    assert await everything(decided.stages.blobs, "monitoring/periods/") == before
    assert (all_settled.numbers.measured_periods, decision.numbers.measured_periods) == (4, 2)
    assert decision.numbers.regret == pytest.approx(4.0 + 4.0 / (4.0 + 2.0) * (2.0 + 2.0))


async def test_a_configuration_that_changes_is_decided_by_at_once(decided: Decided) -> None:
    await decided.register("3")
    await decided.hours(0, 3)
    (retrain,) = await decided.deciding().decide_all()

    await decided.configure(CONFIG.replace(b"120", b"12000"))
    (keep,) = await decided.deciding().decide_all()
    await decided.configure(CONFIG.replace(b"retrain_cost: 120\n", b""))
    (unpriced,) = await decided.deciding().decide_all()

    assert (retrain.verdict, keep.verdict) == (Verdict.RETRAIN, Verdict.KEEP)
    assert keep.would_change_it.startswith("retrain once the saving exceeds 267")
    assert (unpriced.verdict, unpriced.rule, unpriced.would_change_it) == (Verdict.KEEP, None, STATE_IT)
    assert len({one.config for one in (retrain, keep, unpriced)}) == 3


async def test_a_swap_is_expected_to_save_less_the_later_actuals_come(decided: Decided) -> None:
    """The champion is behind in every other twelve periods; of what is known six periods later, half is over."""
    await decided.register("3")
    for number in range(42):
        await _store_period(decided, number, gap=1.0 if number // 12 % 2 == 0 else 0.0)

    found = []
    for delay, hour in ((b"PT0H", 84), (b"PT12H", 84 + 12)):
        await decided.configure(CONFIG.replace(b"PT0H", delay))
        await decided.watched.seal_up_to(hour)
        found += await decided.deciding().decide_all()

    prompt, late = found
    assert prompt.start == late.start == "2026-03-04T18", "of the same periods"
    assert prompt.numbers.regret == late.numbers.regret
    assert prompt.numbers.benefit is not None
    assert late.numbers.benefit is not None
    assert late.numbers.benefit < prompt.numbers.benefit


async def _store_period(decided: Decided, number: int, *, gap: float) -> None:
    """Store a period as it would be measured."""
    first = Hour.parse("2026-03-01T08").plus(2 * number)
    end = first.plus(2)
    three = Compared(version="3", asked=60, rows=60, loss=1.0, gap=gap, gap_error=0.01, disagreement=gap)
    inputs = await decided.truth.inputs(registered("flights", "1").manifest, first, end)
    await PeriodStore(decided.stages.blobs).store(
        PeriodLosses(
            model="flights",
            start=first.key,
            end=end.key,
            champion="1",
            loss=Loss.ABSOLUTE_ERROR,
            most_rows=100,
            predictions=60,
            rows=60,
            mean=1.0 + gap,
            standard_error=0.1,
            compared=(three,),
            inputs=inputs,
        )
    )


async def test_actuals_that_take_longer_than_was_said_are_decided_by_at_once(decided: Decided) -> None:
    """Fewer periods are settled then: were that decision taken for an older one, all would be decided again at every tick."""
    await decided.register("3")
    await decided.hours(0, 5)
    await decided.deciding().decide_all()

    await decided.configure(CONFIG.replace(b"PT0H", b"PT2H"))
    (decision,) = await decided.deciding().decide_all()

    assert decision.end == "2026-03-01T12"
    assert await decided.deciding().newest("flights") == decision
    assert await decided.deciding().decide_all() == []


async def test_an_earlier_champion_that_is_better_now_comes_back(decided: Decided) -> None:
    """Version 1 was right all along; 2 answers since ten o'clock."""
    decided.truth.version = "1"
    await decided.register("2", alias=None)
    await decided.hours(0, 1)
    await decided.stages.registry().promote("flights", "2", alias="champion")
    await decided.hours(1, 3, version="2")

    (decision,) = await decided.deciding().decide_all()

    assert (decision.champion, decision.verdict) == ("2", Verdict.ROLL_BACK)
    assert decision.numbers.earlier_gap == 1.0
    losses = await period(decided.stages.blobs, "2026-03-01T10")
    assert (losses.champion, losses.compared[0].version) == ("2", "1")


async def test_a_version_is_not_asked_what_it_may_have_learned_from(decided: Decided) -> None:
    """It could only seem better there: it is asked from the first period on that begins after it was registered."""
    await decided.register("3", at=NINE + timedelta(hours=1, minutes=30))
    await decided.hours(0, 5)
    await decided.deciding().decide_all()

    asked = [(await period(decided.stages.blobs, f"2026-03-01T{hour:02}")).compared for hour in (8, 10, 12)]

    assert [[one.version for one in compared] for compared in asked] == [[], [], ["3"]]


async def test_nothing_is_regretted_of_before_a_challenger_was_there(decided: Decided) -> None:
    """It learned long ago, and was registered in the second of three periods: nobody could have saved anything earlier."""
    await decided.register("3", at=NINE + timedelta(hours=1, minutes=30), trained_until=NINE - timedelta(days=9))
    await decided.hours(0, 5)

    (decision,) = await decided.deciding().decide_all()

    assert (decision.numbers.age, decision.numbers.measured_periods, decision.numbers.regret) == (3, 1, 2.0)


async def test_without_a_champion_or_a_settled_period_nothing_is_decided(decided: Decided) -> None:
    assert await decided.deciding().decide_all() == []
    with pytest.raises(NoDecision):
        await decided.deciding().decisions.newest("flights")
    with pytest.raises(UnknownModel):
        await decided.deciding().decide_all("trains")


async def test_the_same_inputs_give_the_same_bytes(decided: Decided) -> None:
    await decided.register("3")
    await decided.hours(0, 3)
    await decided.deciding().decide_all()
    stored = await everything(
        decided.stages.blobs, "monitoring/decisions/", "monitoring/periods/", "monitoring/challenges/"
    )
    for path in stored:
        await decided.stages.blobs.delete(path)

    await decided.deciding().decide_all()

    again = await everything(
        decided.stages.blobs, "monitoring/decisions/", "monitoring/periods/", "monitoring/challenges/"
    )
    (path,) = (one for one in stored if "/decisions/" in one and not one.endswith("_newest.json"))
    assert documents.decode(stored[path], Decision, path=path).verdict is Verdict.RETRAIN
    assert {path: data for path, data in again.items() if path != NEWEST} == {
        path: data for path, data in stored.items() if path != NEWEST
    }

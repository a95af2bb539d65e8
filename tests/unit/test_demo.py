"""What the demo says of how its story went."""

import io
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pandas as pd
import pytest
from rich.console import Console
from rich.progress import Progress

from infra.local.demo import course
from infra.local.demo.__main__ import SPEED, speed_after
from infra.local.demo.outcome import Decided, Stored, best_estimated
from infra.local.demo.story import Story, problems
from infra.local.demo.telling import tell
from infra.local.demo.traffic import Ledger
from infra.local.system import System
from shared.capture.records import Kind
from shared.hours import Hour
from shared.monitoring.evaluation import Evaluation
from shared.monitoring.performance_report import Beside, Figure, PerformanceReport
from shared.registry.manifest import Lineage
from shared.retrain_config import Loss
from shared.retraining.decision import Decision
from shared.retraining.period_losses import Compared, PeriodLosses
from shared.retraining.situation import Numbers
from shared.retraining.verdicts import Verdict
from shared.signals.judgement import Judgement, Measurement, Signal
from shared.signals.judgement import Verdict as Judged

DAY = Hour.parse("2013-07-01T00")
LEDGER = Ledger(acknowledged=["a", "b"], kept={"acked": 2}, rows=2, requests=1, actuals=2, latencies_ms=[4.0])
AT_REST = Stored(Counter(a=1, b=1), Counter({"1": 2}), 2, Counter({Kind.PREDICTION: 1, Kind.ACTUAL: 1}))
ALERT = {"type": "alert.opened", "data": {"signal": "drift", "reasons": ["temp: its values have moved"]}}
HOT = Measurement(
    feature="temp",
    metric="ks",
    value=1.0,
    threshold=0.05,
    p_value=1e-9,
    rows=2,
    needed=None,
    verdict=Judged.BREACH,
    reason="temp: its values have moved",
)
ALARMING = Evaluation(
    model="flights",
    version="1",
    start="2013-07-01T10",
    end="2013-07-02T10",
    rows=2,
    baseline="models/flights/1/baselines/1/",
    bins="",
    config="",
    history="",
    is_calibrating=False,
    versions=1,
    is_champion=True,
    inputs={},
    judgements=(Judgement(signal=Signal.DRIFT, verdict=Judged.BREACH, reasons=(), measurements=(HOT,)),),
)
FIGURE = Figure(value=0.7, low=0.6, high=0.8, rows=900)
LOSSES = PeriodLosses(
    model="flights",
    start=DAY.key,
    end="2013-07-02T00",
    champion="1",
    loss=Loss.ERROR,
    most_rows=2_000,
    predictions=884,
    rows=884,
    mean=483 / 884,
    standard_error=0.05,
    compared=(Compared(version="2", asked=884, rows=884, loss=339 / 884, gap=144 / 884, gap_error=0.06),),
    inputs={},
)
DECISION = Decision(
    model="flights",
    start=DAY.key,
    end="2013-07-02T00",
    champion="1",
    challenger="2",
    verdict=Verdict.KEEP,
    rule=None,
    numbers=Numbers(),
    reasons=("a retrain costs more than it saves",),
    would_change_it="a larger saving",
    config="",
    inputs={},
)
DECIDED = Decided("monitoring/decisions/model=flights/2013-07-01T00-0.json", DECISION, LOSSES)
STATUS: dict[str, Any] = {
    "duplicate": 0,
    "corrected": 0,
    "unknown": 0,
    "versions": [{"version": "1", "predictions": 884, "joined": 883, "delay_s": {"0.50": 10_440.0, "0.95": 23_040.0}}],
}
TAUGHT: dict[str, Any] = {
    "dataset": "ab" * 32,
    "predictions": 12_836,
    "rows": 10_000,
    "held_out": 2_500,
    "excluded": {"no_actual": 336},
    "checks": {"schema": "ok", "drift": "warned"},
    "comparison": {"rows": 2_500, "champion": 0.3, "challenger": 0.25, "difference": 0.05, "sureness": 0.998},
}
LINEAGE = Lineage(
    parent="1",
    start="2013-03-18T00",
    end="2013-04-01T00",
    trainer="python -m infra.local.demo.trainer",
    trained_at=datetime(2013, 7, 1, tzinfo=UTC),
    dataset="ab" * 32,
)
TOLD = Story(
    days=[DAY],
    ledger=LEDGER,
    found=AT_REST,
    alerts=[ALERT],
    newest={"rows": 2},
    estimated=None,
    alarming=ALARMING,
    drifted={"temp"},
    taught=TAUGHT,
    lineage=LINEAGE,
    decided={DAY.key: DECIDED},
    joined=2,
    status=STATUS,
    replayed={"looks": 14, "alarms": [], "calibrating": 0},
    sealed=True,
)


def test_a_story_that_went_well_has_no_problem() -> None:
    assert problems(TOLD) == []


def deciding(*, decision: Decision = DECISION, losses: PeriodLosses = LOSSES) -> dict[str, Decided]:
    return {DAY.key: replace(DECIDED, decision=decision, losses=losses)}


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        ({"ledger": replace(LEDGER, rows=0)}, "no row was scored"),
        (
            {"ledger": replace(LEDGER, kept={"acked": 1, "spooled": 1})},
            "rows were kept in other ways than acknowledged",
        ),
        ({"found": replace(AT_REST, predictions=Counter(a=1))}, "1 acknowledged rows are not in storage"),
        ({"found": replace(AT_REST, predictions=Counter(a=1, b=2))}, "1 rows are in storage twice"),
        ({"sealed": False}, "not every hour was sealed in time"),
        ({"found": replace(AT_REST, actuals=1)}, "1 of 2 actuals are in storage"),
        ({"joined": 1}, "1 of 2 actuals were joined"),
        ({"status": STATUS | {"duplicate": 1}}, "1 actuals were joined twice, or to nothing"),
        ({"status": STATUS | {"corrected": 1}}, "1 actuals were joined twice, or to nothing"),
        ({"status": STATUS | {"unknown": 1}}, "1 actuals were joined twice, or to nothing"),
        ({"taught": TAUGHT | {"excluded": {}}}, "rows of the dataset are not accounted for"),
        ({"taught": TAUGHT | {"checks": {"schema": "failed"}}}, "a check of the dataset failed"),
        ({"taught": TAUGHT | {"comparison": None}}, "the challenger was not compared on rows held out"),
        ({"lineage": None}, "the challenger's lineage does not name its dataset"),
        ({"taught": TAUGHT | {"dataset": "cd" * 32}}, "the challenger's lineage does not name its dataset"),
        ({"decided": {}}, "nothing was decided about 2013-07-01T00"),
        ({"decided": deciding(decision=msgspec.structs.replace(DECISION, reasons=()))}, "a decision gives no reason"),
        (
            {"decided": deciding(losses=msgspec.structs.replace(LOSSES, compared=()))},
            "the challenger was asked nothing of 2013-07-01T00",
        ),
        ({"found": replace(AT_REST, answered=Counter({"1": 1, "2": 1}))}, "others than the champion answered"),
        ({"alarming": msgspec.structs.replace(ALARMING, is_calibrating=True)}, "the drift alert is not calibrated"),
        ({"drifted": {"departure_hour"}}, "no evaluation names the heat of summer"),
        ({"newest": {"code": "no_evaluation"}}, "the newest evaluation judged no row"),
        ({"replayed": {"looks": 14, "alarms": [{}], "calibrating": 0}}, "two quiet weeks were not quiet"),
        ({"replayed": {"looks": 0, "alarms": [], "calibrating": 0}}, "two quiet weeks were not quiet"),
    ],
)
def test_each_problem_is_told_when_it_is_there(changed: dict[str, Any], problem: str) -> None:
    """The demo is what a reader believes: one that ends well whatever happened proves nothing."""
    (told,) = problems(replace(TOLD, **changed))

    assert told.startswith(problem)


def test_without_an_alert_nothing_is_calibrated() -> None:
    told = problems(replace(TOLD, alerts=[], alarming=None))

    assert told == ["no drift alert arrived with a signature that fits", "the drift alert is not calibrated"]


def test_july_runs_so_fast_that_the_system_keeps_up() -> None:
    """Of days that are settled together the newest alone is decided about: on a slow machine the others would be missing."""
    day_s = 86_400.0

    assert speed_after(1.0) == speed_after(30.0) == SPEED
    assert day_s / speed_after(100.0) == pytest.approx(75.0)
    assert day_s / speed_after(600.0) == pytest.approx(450.0)


async def test_what_the_story_cannot_go_on_without_is_not_waited_for_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def never() -> bool:
        return False

    monkeypatch.setattr(course, "PATIENCE_S", 0.0)
    waiting = course.Course(Progress(), System.in_folder(tmp_path), tmp_path, pd.DataFrame())

    with pytest.raises(course.Overdue, match=r"waited 0 s for March: .*host\.log says .* when it has less"):
        await waiting._need("March", never)


def test_a_day_without_flights_needs_no_challenger() -> None:
    """It is decided about as well, since somebody may have answered; nobody was asked anything."""
    before = replace(DECIDED, losses=msgspec.structs.replace(LOSSES, compared=()))

    assert problems(replace(TOLD, decided={"2013-06-30T00": before, **TOLD.decided})) == []


def shown(story: Story) -> str:
    console = Console(width=160, file=io.StringIO(), record=True)
    tell(console, story, Path("folder"), took_s=1.0)
    return console.export_text()


def test_the_table_tells_what_was_alarmed_on_and_what_was_not() -> None:
    told = shown(TOLD)

    assert all(part in told for part in ("alert.opened (drift)", "temp: its values have moved", "0 alarms in 14 looks"))


def test_a_change_of_the_decision_is_told_among_what_arrived() -> None:
    changed = {"type": "decision.changed", "data": {"verdict": "retrain", "reasons": ["it pays"]}}

    assert "decision.changed (retrain)" in shown(replace(TOLD, alerts=[ALERT, changed]))


def test_the_table_shows_a_decision_with_numbers_that_can_be_checked_by_hand() -> None:
    told = shown(TOLD)

    assert all(
        part in told
        for part in (
            "1 July: KEEP",
            "wrong of 884 answers: 483 (0.546) of flights 1, 339 (0.383) of flights 2; gap 0.163 ± 0.060",
            "a retrain costs more than it saves",
            "(483 - 339) / 884 = 0.163 saved",
            "2 points x 14 days = 0.02 x 14 = 0.28",
            "883 of 884; half within 2.9 hours, 95 % within 6.4 hours",
            "wrong answers, 1 July",
            "0.546 ± 0.050 of 884",
        )
    )


def test_what_an_evaluation_says_of_performance_stands_beside_its_estimate() -> None:
    realised = {"value": 0.717, "low": 0.66, "high": 0.77, "rows": 900}
    report = {
        "start": "2013-07-03T00",
        "end": "2013-07-04T00",
        "metric": "accuracy",
        "realised": {"accuracy": realised},
        "estimated": {"accuracy": {"unknown": "too few rows"}},
        "side_by_side": [
            {"metric": "accuracy", "estimated": realised | {"value": 0.7}, "realised": realised, "covers": True}
        ],
    }
    newest = {"rows": 2, "start": "2013-07-03T14", "end": "2013-07-04T14", "performance": report}

    told = shown(replace(TOLD, newest=newest))

    assert all(
        part in told
        for part in (
            "0.717 (0.660 to 0.770), by the actuals",
            "0.700 (0.660 to 0.770): it held",
            "2013-07-03T14 to 2013-07-04T14, estimated",
            "unknown: too few rows",
        )
    )


def test_the_newest_evaluation_with_an_estimate_is_told_of() -> None:
    """What turned out later may be otherwise than estimates assume, and then there is none to show."""
    without = estimating("2013-07-03T10", FIGURE, beside=False)
    older, newer = (estimating(end, FIGURE) for end in ("2013-07-04T10", "2013-07-05T10"))
    broken = estimating("2013-07-05T22", Figure(unknown="what estimates assume does not hold"))

    assert best_estimated([ALARMING, without]) is None
    assert best_estimated([newer, broken, older, without, ALARMING]) == newer
    assert best_estimated([broken, ALARMING]) == broken
    assert "0.700 (0.600 to 0.800): it held" in shown(replace(TOLD, estimated=newer))


def estimating(end: str, estimated: Figure, *, beside: bool = True) -> Evaluation:

    report = PerformanceReport(
        start="2013-07-02T00",
        end="2013-07-03T00",
        delay_hours=20,
        coverage=1.0,
        usual_coverage=1.0,
        metric="accuracy",
        before_start="2013-03-18T00",
        before_end="2013-04-17T00",
        before={},
        realised={"accuracy": FIGURE},
        segments={},
        estimated={"accuracy": estimated},
        calibrated_on=900,
        assumption=None,
        side_by_side=(Beside(metric="accuracy", estimated=FIGURE, realised=FIGURE, covers=True),) if beside else (),
        unfit=0,
        past="",
    )
    return msgspec.structs.replace(ALARMING, end=end, performance=report)

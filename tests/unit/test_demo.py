"""What the demo says of how its story went."""

import io
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest
from rich.console import Console

from infra.local.demo.__main__ import Story, _problems, _tell
from infra.local.demo.outcome import Stored
from infra.local.demo.traffic import Ledger
from shared.capture.records import Kind
from shared.monitoring.evaluation import Evaluation
from shared.signals.judgement import Judgement, Measurement, Signal, Verdict

LEDGER = Ledger(acknowledged=["a", "b"], kept={"acked": 2}, rows=2, requests=1, actuals=2, latencies_ms=[4.0])
AT_REST = Stored(Counter(a=1, b=1), 2, Counter({Kind.PREDICTION: 1, Kind.ACTUAL: 1}))
ALERT = {"type": "alert.opened", "data": {"signal": "drift", "reasons": ["temp: its values have moved"]}}
HOT = Measurement(
    feature="temp",
    metric="ks",
    value=1.0,
    threshold=0.05,
    p_value=1e-9,
    rows=2,
    needed=None,
    verdict=Verdict.BREACH,
    reason="temp: its values have moved",
)
MILD = msgspec.structs.replace(HOT, feature="departure_hour")


def drift(*measurements: Measurement) -> tuple[Judgement, ...]:
    return (Judgement(signal=Signal.DRIFT, verdict=Verdict.BREACH, reasons=(), measurements=measurements),)


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
    judgements=drift(HOT),
)
TOLD = Story(
    ledger=LEDGER,
    found=AT_REST,
    alerts=[ALERT],
    newest={"rows": 2},
    alarming=ALARMING,
    replayed={"looks": 14, "alarms": [], "calibrating": 0},
    sealed=True,
)


def test_a_story_that_went_well_has_no_problem() -> None:
    assert _problems(TOLD) == []


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
        ({"alarming": msgspec.structs.replace(ALARMING, is_calibrating=True)}, "the drift alert is not calibrated"),
        (
            {"alarming": msgspec.structs.replace(ALARMING, judgements=drift(MILD))},
            "the drift alert does not name the heat of summer",
        ),
        ({"newest": {"code": "no_evaluation"}}, "the newest evaluation judged no row"),
        ({"replayed": {"looks": 14, "alarms": [{}], "calibrating": 0}}, "two quiet weeks were not quiet"),
        ({"replayed": {"looks": 0, "alarms": [], "calibrating": 0}}, "two quiet weeks were not quiet"),
    ],
)
def test_each_problem_is_told_when_it_is_there(changed: dict[str, Any], problem: str) -> None:
    """The demo is what a reader believes: one that ends well whatever happened proves nothing."""
    (told,) = _problems(replace(TOLD, **changed))

    assert told.startswith(problem)


def test_without_an_alert_nothing_is_calibrated() -> None:
    told = _problems(replace(TOLD, alerts=[], alarming=None))

    assert told == [
        "no drift alert arrived with a signature that fits",
        "the drift alert is not calibrated",
        "the drift alert does not name the heat of summer",
    ]


def test_the_table_tells_what_was_alarmed_on_and_what_was_not() -> None:
    console = Console(width=120, file=io.StringIO(), record=True)

    _tell(console, TOLD, Path("folder"), took_s=1.0)

    shown = console.export_text()
    assert all(
        part in shown for part in ("alert.opened (drift)", "temp: its values have moved", "0 alarms in 14 looks")
    )

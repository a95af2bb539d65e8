"""Performance and actuals as signals: from joined hours to evaluations, alerts and replays."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from shared import documents
from shared.alerts.lifecycle import Alert
from shared.hours import Hour
from shared.monitoring.backtest import Backtest
from shared.monitoring.evaluation import Evaluation
from shared.monitoring.standing import Standings
from shared.monitoring.window import Window
from shared.registry.baselines import Baselines
from shared.signals.judgement import Signal, Verdict
from tests.integration.monitoring.conftest import ALONE, USUAL, Watched
from tests.integration.monitoring.joined import tell
from tests.integration.sealing.conftest import NINE
from tests.integration.stored import everything

FIRST = Hour.containing(NINE)
HOURS = 14
CONFIG = (
    b"lookback_window_size: PT2H\nactuals_delay: PT1H\nsegments: [carrier]\n"
    b"false_alarms_per_month: 1000  # so that two windows are enough to be sure\n"
)
LAG = 3
"""An hour for actuals, rounded up to the bins they are counted in, and one to join them."""


def usual(row: int, said: float) -> float:
    return said + (-2.0, -1.0, 1.0, 2.0)[row % 4]


def worse(row: int, said: float) -> float:
    return said + (-4.0, -2.0, 2.0, 4.0)[row % 4]


@pytest.fixture
async def answered(watched: Watched) -> Watched:
    """A version that was asked the same hour after hour; nothing has turned out yet."""
    await watched.monitoring().configure("flights", CONFIG)
    for hour in range(HOURS):
        await watched.capture(hour, USUAL)
    await watched.seal_up_to(HOURS)
    return watched


async def turn_out(
    watched: Watched,
    truths: dict[range, Callable[[int, float], float]],
    *,
    share: dict[range, float] | None = None,
    after: timedelta = timedelta(minutes=20),
) -> None:
    manifest = await watched.stages.registry().manifest("flights", "1")
    shares = {hour: one for hours, one in (share or {}).items() for hour in hours}
    for hours, truth in truths.items():
        for hour in hours:
            blobs = watched.stages.blobs
            await tell(blobs, manifest, FIRST.plus(hour), truth, share=shares.get(hour, 1.0), after=after)


async def look(watched: Watched, end: int) -> Evaluation:
    monitoring = watched.monitoring()
    return await monitoring.evaluate(
        await watched.stages.registry().manifest("flights", "1"),
        Window.before(FIRST.plus(end), hours=2),
        await monitoring.registry.monitor_config("flights"),
        standing=ALONE,
    )


def verdict(evaluation: Evaluation, signal: Signal) -> Verdict:
    (found,) = [one.verdict for one in evaluation.judgements if one.signal is signal]
    return found


async def test_a_model_that_nobody_tells_of_actuals_does_not_alarm(answered: Watched) -> None:
    evaluation = await look(answered, HOURS)

    assert verdict(evaluation, Signal.PERFORMANCE) == verdict(evaluation, Signal.ACTUALS) == "unknown"
    assert evaluation.performance is None


async def test_answers_as_good_as_at_first_are_ok(answered: Watched) -> None:
    await turn_out(answered, {range(HOURS - 1): usual})

    evaluation = await look(answered, HOURS)

    assert verdict(evaluation, Signal.PERFORMANCE) == verdict(evaluation, Signal.ACTUALS) == "ok"
    report = evaluation.performance
    assert report is not None
    assert (report.start, report.end) == (FIRST.plus(HOURS - LAG - 2).key, FIRST.plus(HOURS - LAG).key)
    assert (report.coverage, report.usual_coverage) == (1.0, 1.0)
    assert report.realised["mae"].value == 1.5
    assert report.realised["mae"].rows == 2 * len(USUAL)
    assert set(report.segments) == {"carrier=AA", "carrier=DL", "carrier=UA"}


async def test_a_loss_of_performance_alarms_and_is_resolved(answered: Watched) -> None:
    await turn_out(answered, {range(6): usual, range(6, 8): worse, range(8, HOURS): usual})

    found = [await look(answered, end) for end in range(7 + LAG, HOURS + 1)]

    assert [verdict(one, Signal.PERFORMANCE) for one in found][1] == "breach"
    assert verdict(found[-1], Signal.PERFORMANCE) == "ok"
    of_all = next(
        one
        for judgement in found[1].judgements
        if judgement.signal is Signal.PERFORMANCE
        for one in judgement.measurements
        if one.feature == "all rows"
    )
    assert of_all.value == pytest.approx(1.0), "twice the error: worse by as much as it was"
    stored = (await everything(answered.stages.blobs, "monitoring/alerts/")).items()
    alerts = {documents.decode(data, Alert, path=path) for path, data in stored if ".performance." in path}
    assert [one.resolved_at for one in alerts] == [FIRST.plus(HOURS).start]


async def test_a_window_whose_actuals_have_not_come_is_unknown_and_not_good(answered: Watched) -> None:
    """Those that come first are often the good ones."""
    settled = range(HOURS - LAG - 2, HOURS - LAG)
    await turn_out(answered, {range(HOURS - LAG): usual}, share={settled: 0.4})

    evaluation = await look(answered, HOURS)

    assert verdict(evaluation, Signal.PERFORMANCE) == "unknown"
    assert evaluation.performance is not None
    assert (
        evaluation.performance.realised["mae"].unknown
        == "40% of the predictions have their actual, where 100% usually have"
    )
    assert evaluation.performance.side_by_side == ()
    assert verdict(evaluation, Signal.ACTUALS) == "breach"


async def test_actuals_that_come_too_late_are_none(answered: Watched) -> None:
    """What was long ago has more of them than what was just now: taken in, they would make it another comparison."""
    await turn_out(answered, {range(9): usual})
    await turn_out(answered, {range(9, HOURS): worse}, after=timedelta(hours=2))

    evaluation = await look(answered, HOURS)

    assert verdict(evaluation, Signal.PERFORMANCE) == "unknown"
    assert evaluation.performance is not None
    assert evaluation.performance.coverage == 0.0


async def test_estimates_stand_beside_what_turned_out(answered: Watched) -> None:
    await turn_out(answered, {range(HOURS): usual})

    evaluation = await look(answered, HOURS)

    report = evaluation.performance
    assert report is not None
    assert report.calibrated_on is not None
    assert report.calibrated_on >= 500
    assert report.assumption is not None
    assert report.assumption.verdict == "ok"
    (of_mae,) = [one for one in report.side_by_side if one.metric == "mae"]
    assert of_mae.covers
    assert of_mae.realised == report.realised["mae"]
    newest = report.estimated["mae"]
    assert newest.low is not None
    assert newest.high is not None
    assert newest.low <= 1.5 <= newest.high
    assert newest.rows == 2 * len(USUAL)


async def test_an_assumption_that_failed_makes_estimates_unknown(answered: Watched) -> None:
    """Answers twice as wrong as they were say that what was learned is true no more."""
    await turn_out(answered, {range(HOURS - LAG - 2): usual, range(HOURS - LAG - 2, HOURS): worse})

    evaluation = await look(answered, HOURS)

    assert evaluation.performance is not None
    assert evaluation.performance.assumption is not None
    assert evaluation.performance.assumption.verdict == "breach"
    assert "what estimates assume does not hold" in str(evaluation.performance.estimated["mae"].unknown)
    assert not evaluation.performance.side_by_side[0].covers


async def test_the_same_hours_give_the_same_bytes(answered: Watched) -> None:
    await turn_out(answered, {range(HOURS): usual})

    first, again = documents.encode(await look(answered, HOURS)), documents.encode(await look(answered, HOURS))

    assert first == again
    assert documents.decode(first, Evaluation, path="").performance is not None


async def test_a_replay_finds_the_loss_as_well(answered: Watched) -> None:
    await turn_out(answered, {range(6): usual, range(6, HOURS): worse})
    blobs, registry = answered.stages.blobs, answered.stages.registry()
    monitoring = answered.monitoring()
    backtest = Backtest(blobs, registry, Baselines(blobs, registry), Standings(blobs, registry), monitoring.evaluating)

    found = await backtest.replay(
        "flights", "1", await registry.monitor_config("flights"), start=FIRST, end=FIRST.plus(HOURS)
    )

    (alarm,) = [one for one in found.alarms if one.signal is Signal.PERFORMANCE]
    assert alarm.opened_at == FIRST.plus(7 + LAG).start

"""Windows of a version whose training data has times are judged by what is usual of it."""

from datetime import timedelta

import numpy as np
import pyarrow as pa
import pytest

from shared.errors import NotSealed, UnknownModel, VersionRetired
from shared.hours import Hour
from shared.monitor_config import MonitorConfig, Schedule
from shared.monitoring.backtest import Backtest
from shared.monitoring.evaluating import Evaluating
from shared.monitoring.evaluation import Evaluation
from shared.monitoring.histories import Histories
from shared.monitoring.performing import Performing
from shared.monitoring.refusals import Refusals
from shared.monitoring.standing import Standings
from shared.monitoring.window import Window
from shared.monitoring.windows import Windows
from shared.registry.baselines import Baselines
from shared.scoring.registration import TrainingData, draft
from shared.signals.judgement import Judgement, Signal, Verdict
from tests.integration.models import ANSWERS, CARRIERS, answer, onnx_model
from tests.integration.monitoring.conftest import ALONE, Watched
from tests.integration.sealing.conftest import NINE
from tests.integration.stored import everything

VERSION = "9"
ROWS = 60
FIRST = Hour.containing(NINE)
TWO_HOURS = MonitorConfig(lookback_window_size=timedelta(hours=2))


def distances(rng: np.random.Generator, rows: int, *, moved: float = 0.0) -> list[float]:
    """Return distances about 40, as a version of these tests is used to."""
    drawn = np.clip(np.rint(40 + moved + 15 * rng.standard_normal(rows)), 0, ANSWERS - 1)
    return [float(one) for one in drawn]


@pytest.fixture
async def used(watched: Watched) -> Watched:
    """A version that was trained on five days, recorded by the hour, and its first hours since."""
    rng = np.random.default_rng(1)
    hours = 120
    known = distances(rng, hours * ROWS)
    start = NINE - timedelta(days=30)
    training = pa.table(
        {
            "distance": known,
            "carrier": [CARRIERS[row % 3] for row in range(len(known))],
            "delay": [answer(distance, version=VERSION) for distance in known],
            "at": [start + timedelta(minutes=row * 60 / ROWS) for row in range(len(known))],
        }
    )
    made = draft(
        onnx_model(VERSION),
        TrainingData(rows=training, actual="delay", time="at", sha256="training data by the hour"),
        model="flights",
        version=VERSION,
        schema=None,
        at=NINE,
    )
    await watched.stages.registry().register(made.manifest, files=made.files)
    for hour in range(12):
        await watched.capture(hour, distances(rng, ROWS, moved=0.0 if hour < 8 else 14.0), version=VERSION)
    await watched.seal_up_to(12)
    return watched


def evaluating(watched: Watched) -> Evaluating:
    blobs = watched.stages.blobs
    histories = Histories(blobs, Baselines(blobs, watched.stages.registry()))
    return Evaluating(Windows(blobs), Refusals(blobs), histories, Performing.of(blobs))


def backtest(watched: Watched) -> Backtest:
    registry = watched.stages.registry()
    blobs = watched.stages.blobs
    return Backtest(blobs, registry, Baselines(blobs, registry), Standings(blobs, registry), evaluating(watched))


async def look(watched: Watched, first: int, *, config: MonitorConfig = TWO_HOURS) -> Evaluation:
    """Judge the two hours from one on, a number of hours after nine."""
    monitoring = watched.monitoring()
    manifest = await watched.stages.registry().manifest("flights", VERSION)
    return await monitoring.evaluate(manifest, Window(FIRST.plus(first), FIRST.plus(first + 2)), config, standing=ALONE)


def drift(evaluation: Evaluation) -> Judgement:
    return next(one for one in evaluation.judgements if one.signal is Signal.DRIFT)


async def test_a_shift_is_found_that_the_conservative_rule_cannot_be_sure_of(used: Watched) -> None:
    """Nine tenths of a standard deviation in 120 rows: four rows are not worth one here, and the history says so."""
    quiet, moved = await look(used, 4), await look(used, 9)

    assert not quiet.is_calibrating
    assert drift(quiet).learned_from == 60
    assert drift(quiet).verdict is Verdict.OK
    assert drift(moved).verdict is Verdict.BREACH
    assert [one.feature for one in drift(moved).measurements if one.verdict is Verdict.BREACH] == ["distance"]
    assert next(iter(drift(moved).shares)) == "distance"


async def test_a_look_is_held_against_windows_that_end_when_it_is_due(used: Watched) -> None:
    """Of an hourly look there are twice as many windows as of one every two hours, and so another history."""
    two_hourly = MonitorConfig(lookback_window_size=timedelta(hours=2), schedule=Schedule(interval=2))

    hourly, rarer = await look(used, 4), await look(used, 4, config=two_hourly)

    assert drift(hourly).learned_from == drift(rarer).learned_from == 60
    assert hourly.history != rarer.history


async def test_without_a_history_an_evaluation_says_that_it_is_calibrating(watched: Watched) -> None:
    await watched.hour(0, distances(np.random.default_rng(2), 600))
    await watched.hour(1, distances(np.random.default_rng(3), 600))

    (evaluation,) = await watched.monitoring().evaluate_all()

    assert evaluation.is_calibrating
    assert drift(evaluation).learned_from is None


async def test_a_window_that_is_judged_again_is_judged_by_the_same_looks(used: Watched) -> None:
    """Looks that were made since, at this window or at those that share rows with it, change nothing."""
    before = await look(used, 4)
    for first in (3, 5, 6):
        await look(used, first)

    again = await look(used, 4)
    later = await look(used, 6)

    assert again == before
    assert later.history != before.history


async def test_a_replay_says_which_alarms_there_would_have_been_and_writes_nothing(used: Watched) -> None:
    stored = await everything(used.stages.blobs, "monitoring/")
    replay = backtest(used).replay
    done: list[tuple[int, int]] = []

    found = await replay(
        "flights",
        VERSION,
        TWO_HOURS,
        start=FIRST,
        end=FIRST.plus(12),
        done=lambda *counts: done.append(counts),
    )
    again = await replay("flights", VERSION, TWO_HOURS, start=FIRST, end=FIRST.plus(12))

    (alarm,) = [one for one in found.alarms if one.signal is Signal.DRIFT]
    assert found.looks == len(done) == done[-1][0] == 11
    assert (found.empty, found.calibrating) == (0, 0)
    assert FIRST.plus(9).start <= alarm.opened_at <= FIRST.plus(10).start
    assert alarm.breached_at == FIRST.plus(12).start
    assert alarm.reasons[0].startswith("distance: its values have moved")
    assert again == found
    assert await everything(used.stages.blobs, "monitoring/") == stored


async def test_a_replay_refuses_hours_that_are_not_sealed_and_versions_that_are_not_there(used: Watched) -> None:
    replay = backtest(used).replay

    with pytest.raises(NotSealed):
        await replay("flights", VERSION, TWO_HOURS, start=FIRST, end=FIRST.plus(13))
    with pytest.raises(UnknownModel):
        await replay("flights", "77", TWO_HOURS, start=FIRST, end=FIRST.plus(4))
    await used.stages.registry().retire("flights", VERSION)
    with pytest.raises(VersionRetired):
        await backtest(used).replay("flights", VERSION, TWO_HOURS, start=FIRST, end=FIRST.plus(4))

"""Looks at every version: which are evaluated, and what that means for alerts."""

import asyncio
from collections import Counter

import msgspec
import pytest

import manage
from functions.monitor import monitor
from shared import documents, wiring
from shared.alerts.lifecycle import Alert
from shared.errors import InvalidDocument, UnknownModel
from shared.monitoring.evaluation import Evaluations
from shared.monitoring.monitoring import NotEveryVersionEvaluated
from tests.integration.monitoring.conftest import FAR, FIRST, ROWS, USUAL, WINDOW, Watched, register
from tests.integration.monitoring.found import NEWEST, news_in, rows_of
from tests.integration.stored import Killed, Mortal, everything


async def test_a_version_that_was_never_asked_is_not_looked_at(watched: Watched) -> None:
    """Nothing would be found, at every look, for as long as it stands there."""
    await watched.seal_up_to(4)

    assert await watched.monitoring().evaluate_all() == []


async def test_versions_that_are_asked_share_the_budget(watched: Watched) -> None:
    """One that is only registered raises no alarm, and needs no part of it."""
    await register(watched.stages, "flights", "2")
    await register(watched.stages, "flights", "3")
    for hour in range(2):
        await watched.capture(hour, USUAL)
        await watched.capture(hour, USUAL, version="2")
    await watched.seal_up_to(2)
    await watched.stages.registry().promote("flights", "2", alias="champion")

    evaluations = await watched.monitoring().evaluate_all()

    assert {one.version: (one.versions, one.is_champion) for one in evaluations} == {"1": (2, False), "2": (2, True)}


async def test_a_version_that_is_retired_is_not_looked_at_until_it_is_back(watched: Watched) -> None:
    """Nor does it have a part in the budget, and its data stays."""
    await register(watched.stages, "flights", "2")
    for hour in range(2):
        await watched.capture(hour, USUAL)
        await watched.capture(hour, USUAL, version="2")
    await watched.seal_up_to(2)
    before = await everything(watched.stages.blobs, "captures/")
    registry = watched.stages.registry()

    await registry.retire("flights", "2")
    evaluations = await watched.monitoring().evaluate_all()
    await registry.reinstate("flights", "2")
    later = await watched.monitoring().evaluate_all()

    assert [(one.version, one.versions) for one in evaluations] == [("1", 1)]
    assert [(one.version, one.versions) for one in later] == [("2", 2)]
    assert await everything(watched.stages.blobs, "captures/") == before


async def test_predictions_of_a_retired_version_are_kept_and_sealed(watched: Watched) -> None:
    """They were answered before it was: events wait in the hub, and in the spool."""
    await watched.stages.registry().retire("flights", "1")

    await watched.hour(0, USUAL)

    assert (await rows_of(watched.stages.blobs, 0)).num_rows == ROWS
    assert not [one async for one in watched.stages.blobs.under("captures/dead/")]


async def test_nothing_is_evaluated_until_another_hour_is_sealed(watched: Watched) -> None:
    assert await watched.monitoring().evaluate_all() == []
    await watched.hour(0, USUAL)
    await watched.hour(1, USUAL)
    monitoring = watched.monitoring()

    first, again = await monitoring.evaluate_all(), await monitoring.evaluate_all()
    await watched.hour(2, USUAL)
    next_one = await monitoring.evaluate_all()

    assert [one.end for one in first + again + next_one] == [FIRST.plus(2).key, FIRST.plus(3).key]
    assert (first[0].start, next_one[0].rows) == (FIRST.key, 2 * ROWS)


async def test_a_drift_opens_an_alert_once_and_resolves_it_once(watched: Watched) -> None:
    monitoring = watched.monitoring()
    for hour, distances in enumerate([USUAL, USUAL, FAR, FAR, USUAL, USUAL, USUAL, USUAL]):
        await watched.hour(hour, distances)
        await monitoring.evaluate_all()
        await monitoring.evaluate_all()

    signals = ("drift", "prediction_drift")
    news = await news_in(watched.stages.blobs)
    assert {one.rsplit(".", 2)[1] for one, _ in news} == set(signals)
    assert set(news.values()) == {1}
    assert Counter(kind for _, kind in news) == {"alert.opened": 2, "alert.resolved": 2}


async def test_a_model_that_cannot_be_evaluated_does_not_stop_the_others(watched: Watched) -> None:
    await register(watched.stages, "airports", "1")
    await register(watched.stages, "zeppelins", "1")
    await watched.stages.blobs.create("models/airports/monitor.yaml", b"lookback_window_size: 2026-13-45")
    await watched.monitoring().configure("zeppelins", WINDOW)
    for hour in range(2):
        await watched.capture(hour, USUAL)
        await watched.capture(hour, USUAL, model="zeppelins")
    await watched.seal_up_to(2)

    with pytest.raises(NotEveryVersionEvaluated) as caught:
        await watched.monitoring().evaluate_all()

    (failure,) = caught.value.exceptions
    evaluated = [one async for one in watched.stages.blobs.under("monitoring/evaluations/")]
    assert isinstance(failure, InvalidDocument)
    assert {one.path.split("/")[2] for one in evaluated} == {"model=flights", "model=zeppelins"}
    assert {one.model for one in caught.value.evaluations} == {"flights", "zeppelins"}


async def test_one_model_is_evaluated_by_itself(watched: Watched) -> None:
    await register(watched.stages, "airports", "1")
    await watched.hour(0, USUAL)
    await watched.hour(1, USUAL)

    (evaluation,) = await watched.monitoring().evaluate_all(model="flights")

    assert evaluation.model == "flights"
    with pytest.raises(UnknownModel):
        await watched.monitoring().evaluate_all(model="flihgts")


async def test_the_timer_and_the_command_at_once_come_to_one_evaluation(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody tells them apart: what is stored and told is what one alone would have stored and told."""
    await watched.hour(0, USUAL)
    await watched.hour(1, FAR)
    await watched.monitoring().evaluate_all()
    blobs = watched.stages.blobs
    alone = await everything(blobs, "monitoring/")
    for path in alone:
        await blobs.delete(path)
    monkeypatch.setattr(wiring, "monitoring", watched.monitoring)
    asked = manage._parser().parse_args(["monitor", "flights", "--json"])

    told = await asyncio.gather(*(run for _ in range(3) for run in (asked.run(asked), monitor(None))))

    evaluations = [
        data for path, data in alone.items() if path.startswith("monitoring/evaluations/") and path != NEWEST
    ]
    assert await everything(blobs, "monitoring/") == alone
    assert len(evaluations) == 1
    said = [msgspec.json.decode(msgspec.json.encode(one.values["evaluations"])) for one in told[::2]]
    assert said == [[msgspec.json.decode(evaluations[0])]] * 3


async def test_a_version_that_cannot_be_evaluated_does_not_stop_the_next(watched: Watched) -> None:
    """The first version is the oldest, and the one that answers is not."""
    await register(watched.stages, "flights", "2")
    await watched.stages.blobs.delete("models/flights/1/baseline.json")
    for hour in range(2):
        await watched.capture(hour, USUAL)
        await watched.capture(hour, USUAL, version="2")
    await watched.seal_up_to(2)

    with pytest.raises(ExceptionGroup):
        await watched.monitoring().evaluate_all()

    assert (await Evaluations(watched.stages.blobs).newest("flights", "2")).end == FIRST.plus(2).key


async def test_killed_at_every_write_it_comes_to_the_same_evaluation_and_news(watched: Watched) -> None:
    await watched.hour(0, FAR)
    await watched.hour(1, FAR)
    await watched.monitoring().evaluate_all()
    blobs = watched.stages.blobs
    whole = await everything(blobs, "monitoring/")
    writes = 0
    while True:
        for path in await everything(blobs, "monitoring/"):
            await blobs.delete(path)
        try:
            await watched.monitoring(Mortal(blobs, writes=writes)).evaluate_all()
        except Killed:
            await watched.monitoring().evaluate_all()
        else:
            break
        writes += 1

        assert await everything(blobs, "monitoring/") == whole
    assert writes == len(whole) + 2, "each of two alerts is written twice"


async def test_killed_before_its_end_the_next_window_tells_the_same_alert_once(watched: Watched) -> None:
    """An hour may pass before the host starts again; the breach that opened an alert has its name from the first."""
    await watched.hour(0, FAR)
    await watched.hour(1, FAR)
    with pytest.raises(Killed):  # after the evaluation, the alert of drift, and before its news
        await watched.monitoring(Mortal(watched.stages.blobs, writes=2)).evaluate_all()
    await watched.hour(2, FAR)

    await watched.monitoring().evaluate_all()

    news = await news_in(watched.stages.blobs)
    alerts = (await everything(watched.stages.blobs, "monitoring/alerts/")).items()
    assert news == {
        ("flights.1.drift.2026-03-01T11", "alert.opened"): 1,
        ("flights.1.prediction_drift.2026-03-01T12", "alert.opened"): 1,
    }
    assert {documents.decode(data, Alert, path=path).id for path, data in alerts} == {one for one, _ in news}

"""Evaluations and news go once they have been kept long enough, and what an alert is about stays."""

from collections.abc import AsyncIterator
from datetime import timedelta

import msgspec
import pytest

from shared import documents
from shared.alerts.lifecycle import Alert, News
from shared.alerts.outbox import Outbox
from shared.alerts.outlived import NEWS_KEPT_DAYS, OutlivedNews
from shared.alerts.store import Alerts, Newest
from shared.blobs import Blobs, Stored
from shared.hours import Hour
from shared.monitoring.evaluation import Evaluation, Evaluations
from shared.monitoring.outlived import Outlived
from shared.retraining.decision import Decisions
from shared.sealing.hours.manifests import Manifests
from shared.sealing.retention import Later, Periods, Retention
from shared.signals.judgement import Verdict
from shared.telemetry import Telemetry
from tests.integration.monitoring.conftest import FAR, Watched
from tests.integration.sealing.conftest import NINE, Stages
from tests.integration.stored import Killed, Mortal, everything
from tests.unit.alerts.looks import judged, look_at

EVALUATIONS, ALERTS, DONE = "monitoring/evaluations/", "monitoring/alerts/", "monitoring/outbox/done/"
KEPT_DAYS = 30
SECOND = Hour.parse("2026-03-02T00")
AFTER_ALL = Hour.parse("2026-12-01T00")


def retention(stages: Stages, blobs: Blobs | None = None, *, most: int = 1_000, days: int = KEPT_DAYS) -> Retention:
    ours = blobs or stages.blobs
    news = OutlivedNews(ours, Decisions(ours, Outbox(ours, stages.calendar, ())).knows)
    later = (Later(days, Outlived(ours).evaluations), Later(NEWS_KEPT_DAYS, news.news))
    telemetry = Telemetry.to("", clock=stages.calendar)
    return Retention(
        ours, Manifests(ours), stages.calendar, telemetry, Periods(logs=0, hours=0, dead=0), most, later=later
    )


def evaluation(end: str, *, version: str = "1") -> Evaluation:
    return Evaluation(
        model="flights",
        version=version,
        start=Hour.parse(end).plus(-2).key,
        end=end,
        rows=0,
        baseline="",
        bins="",
        config="",
        history="",
        is_calibrating=False,
        versions=1,
        is_champion=True,
        inputs={},
        judgements=(),
    )


async def store(blobs: Blobs, *ends: str, version: str = "1") -> None:
    """Store the evaluations of windows that end so, in their order."""
    evaluations = Evaluations(blobs)
    for end in ends:
        made = evaluation(end, version=version)
        await evaluations.point_to(made, await evaluations.store(made))


async def left(blobs: Blobs, version: str = "1") -> list[str]:
    """Return the ends of the windows whose evaluations are there."""
    found = [one.path.rsplit("/", 1)[1] async for one in blobs.under(f"{EVALUATIONS}model=flights/version={version}/")]
    return [name.rsplit("-", 1)[0] for name in found if not name.startswith("_")]


def past(stages: Stages, hour: Hour, *, days: int = KEPT_DAYS) -> None:
    """Let it be the moment from which on what is before an hour has been kept long enough."""
    stages.calendar.set(hour.start + timedelta(days=days))


async def test_an_evaluation_goes_with_the_hours_it_was_made_from(stages: Stages) -> None:
    """A look every hour at fifty features is half a gigabyte a year, and says where rows are that are not there."""
    ends = ["2026-03-01T12", "2026-03-02T00", "2026-03-02T01", "2026-03-03T00"]
    await store(stages.blobs, *ends)
    past(stages, SECOND.plus(-1))
    assert await retention(stages).apply(AFTER_ALL) == 0

    past(stages, SECOND.plus(23))

    assert await retention(stages).apply(AFTER_ALL) == 2
    assert await left(stages.blobs) == ends[2:]


async def test_an_evaluation_of_hours_that_are_kept_forever_stays(stages: Stages) -> None:
    await store(stages.blobs, "2026-03-01T12", "2026-03-02T00")
    past(stages, SECOND.plus(10_000))

    assert await retention(stages, days=0).apply(AFTER_ALL) == 0


async def test_the_newest_evaluation_of_every_version_stays(stages: Stages) -> None:
    """It is what people are shown, however long nobody has asked the version."""
    await store(stages.blobs, "2026-03-01T12", "2026-03-01T13")
    await store(stages.blobs, "2026-03-01T14", version="2")
    past(stages, SECOND.plus(10_000))

    await retention(stages).apply(AFTER_ALL)

    assert (await left(stages.blobs), await left(stages.blobs, "2")) == (["2026-03-01T13"], ["2026-03-01T14"])
    assert (await Evaluations(stages.blobs).newest("flights", "1")).end == "2026-03-01T13"


async def test_an_evaluation_that_is_stored_and_not_yet_the_newest_stays(stages: Stages) -> None:
    """Its alerts are noted next, and name it."""
    await store(stages.blobs, "2026-03-01T12", "2026-03-01T13")
    await Evaluations(stages.blobs).store(evaluation("2026-03-01T14"))
    past(stages, SECOND.plus(10_000))

    await retention(stages).apply(AFTER_ALL)

    assert await left(stages.blobs) == ["2026-03-01T13", "2026-03-01T14"]


async def test_the_evaluation_that_opened_an_alert_stays(watched: Watched) -> None:
    """The alert says where to look."""
    blobs = watched.stages.blobs
    for hour in range(4):
        await watched.hour(hour, FAR)
        await watched.monitoring().evaluate_all()
    past(watched.stages, SECOND.plus(10_000))

    await retention(watched.stages).apply(AFTER_ALL)

    alerts = [documents.decode(data, Alert, path=path) for path, data in (await everything(blobs, ALERTS)).items()]
    (opened,) = {one.evaluation for one in alerts}
    assert (await documents.read(blobs, opened, Evaluation))[0].end == "2026-03-01T11"
    assert await left(blobs) == ["2026-03-01T11", "2026-03-01T13"]


async def test_killed_at_every_deletion_it_comes_to_the_same(stages: Stages) -> None:
    ends = [f"2026-03-01T{hour:02}" for hour in range(10, 14)]
    past(stages, SECOND)
    for deletions in range(3):
        await store(stages.blobs, *ends)
        with pytest.raises(Killed):
            await retention(stages, Mortal(stages.blobs, writes=deletions)).apply(AFTER_ALL)
        assert await left(stages.blobs) == ends[deletions:]

        await retention(stages).apply(AFTER_ALL)
        assert await left(stages.blobs) == ends[3:]


class Listing(Blobs):
    """Storage that counts how often evaluations are listed."""

    def __init__(self, blobs: Blobs) -> None:
        super().__init__(blobs._service)
        self.listings = 0

    async def under(self, prefix: str) -> AsyncIterator[Stored]:
        self.listings += prefix.startswith(EVALUATIONS)
        async for one in super().under(prefix):
            yield one


async def test_evaluations_are_looked_through_to_their_end_once_a_day(stages: Stages) -> None:
    """Sealing comes by every few minutes, and the listing of a year has thousands of names."""
    await store(stages.blobs, *(f"2026-03-01T{hour:02}" for hour in range(10, 14)), "2026-03-03T00", "2026-03-04T00")
    past(stages, SECOND)
    blobs = Listing(stages.blobs)
    ours = retention(stages, blobs, most=2)

    deleted = [await ours.apply(AFTER_ALL) for _ in range(4)]
    of_one_day = blobs.listings
    past(stages, SECOND.plus(24))
    await ours.apply(AFTER_ALL)

    assert (deleted, of_one_day, blobs.listings) == ([2, 2, 0, 0], 3, 4)
    assert await left(stages.blobs) == ["2026-03-04T00"]


async def deliver(outbox: Outbox) -> None:
    async for entry in outbox.due():
        await outbox.keep(entry.ended("delivered"))


async def done(blobs: Blobs) -> list[str]:
    """Return which news was delivered and is still told of."""
    return [one.path.removeprefix(DONE).rpartition("-")[0] async for one in blobs.under(DONE)]


async def test_news_that_was_delivered_is_told_of_for_a_while(stages: Stages) -> None:
    """By when it was told, not by when its alert was opened; what waits to be delivered stays."""
    outbox = Outbox(stages.blobs, stages.calendar, ("a" * 16,))
    alerts = Alerts(stages.blobs, outbox)
    await alerts.note([judged(Verdict.BREACH)], look_at(10))
    await deliver(outbox)
    stages.calendar.set(NINE + timedelta(days=2))
    await alerts.note([judged(Verdict.OK)], look_at(57))
    await deliver(outbox)
    await alerts.note([judged(Verdict.BREACH)], look_at(58))
    opened, resolved = "flights.1.drift.2026-03-01T10-alert.opened", "flights.1.drift.2026-03-01T10-alert.resolved"

    found = []
    for day in range(4):
        past(stages, SECOND.plus(24 * day - 1), days=NEWS_KEPT_DAYS)
        await retention(stages).apply(AFTER_ALL)
        found.append(await done(stages.blobs))

    assert found == [[opened, resolved], [resolved], [resolved], []]
    assert len(await everything(stages.blobs, "monitoring/outbox/pending/")) == 1
    assert len(await everything(stages.blobs, ALERTS)) == 2


async def test_news_whose_alert_does_not_know_that_it_was_told_stays(stages: Stages) -> None:
    """The next look, after however long, asks the outbox for it, and would post it a second time."""
    outbox = Outbox(stages.blobs, stages.calendar, ("a" * 16,))
    alerts = Alerts(stages.blobs, outbox)
    await alerts.note([judged(Verdict.BREACH)], look_at(10))
    await deliver(outbox)
    ((path, data),) = (await everything(stages.blobs, "monitoring/newest_alerts/")).items()
    untold = msgspec.structs.replace(documents.decode(data, Newest, path=path), untold=News.OPENED)
    await documents.swap(stages.blobs, path, Newest, lambda _: untold)
    past(stages, SECOND.plus(10_000), days=NEWS_KEPT_DAYS)

    await retention(stages).apply(AFTER_ALL)
    await alerts.note([judged(Verdict.UNKNOWN)], look_at(11))

    assert not [one async for one in outbox.due()]

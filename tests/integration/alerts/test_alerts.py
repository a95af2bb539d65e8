"""Alerts as they are stored, and their news in the outbox."""

from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace

import pytest

from shared import documents
from shared.alerts.lifecycle import Alert, News
from shared.alerts.messages import type_of
from shared.alerts.outbox import Entry, Outbox
from shared.alerts.store import Alerts, Newest
from shared.blobs import Blobs, Stored
from shared.signals.judgement import Signal, Verdict
from tests.integration.stored import Calendar, Killed, Mortal, everything
from tests.unit.alerts.looks import WINDOW_HOURS, judged, look_at

NEWEST = "monitoring/newest_alerts/model=flights/version=1/signal=drift.json"
WEBHOOKS = ("a" * 16, "b" * 16)
BREACH, OK, UNKNOWN = (judged(verdict) for verdict in (Verdict.BREACH, Verdict.OK, Verdict.UNKNOWN))


def alerts_in(blobs: Blobs, calendar: Calendar) -> Alerts:
    return Alerts(blobs, Outbox(blobs, calendar, WEBHOOKS))


async def news_in(blobs: Blobs) -> Counter[tuple[str, str, str]]:
    """Return how often each news of an alert is in the outbox, done or not, by webhook."""
    entries = [
        documents.decode(data, Entry, path=path)
        for path, data in (await everything(blobs, "monitoring/outbox/")).items()
    ]
    return Counter((one.message.data.id, type_of(one.message), one.webhook) for one in entries)


async def stored(blobs: Blobs) -> list[Alert]:
    found = await everything(blobs, "monitoring/alerts/")
    return [documents.decode(data, Alert, path=path) for path, data in found.items()]


async def test_an_alert_is_told_to_every_webhook_when_it_opens_and_when_it_resolves(
    blobs: Blobs, calendar: Calendar
) -> None:
    alerts = alerts_in(blobs, calendar)
    story = [BREACH, BREACH, UNKNOWN, *[OK] * WINDOW_HOURS, OK, BREACH]

    told = [await alerts.note([judgement], look_at(10 + hour)) for hour, judgement in enumerate(story)]

    ids = ["flights.1.drift.2026-03-01T10", "flights.1.drift.2026-03-01T20"]
    assert [news for looked in told for _, news in looked] == [News.OPENED, News.RESOLVED, News.OPENED]
    expected = [(ids[0], "alert.opened"), (ids[0], "alert.resolved"), (ids[1], "alert.opened")]
    assert await news_in(blobs) == Counter((*one, webhook) for one in expected for webhook in WEBHOOKS)
    assert [(one.id, one.state) for one in await stored(blobs)] == [(ids[0], "resolved"), (ids[1], "open")]


async def test_every_signal_has_an_alert_of_its_own(blobs: Blobs, calendar: Calendar) -> None:
    alerts = alerts_in(blobs, calendar)
    signals = [Signal.DRIFT, Signal.PREDICTION_DRIFT, Signal.QUALITY]

    told = await alerts.note([judged(Verdict.BREACH, signal=signal) for signal in signals], look_at(10))

    assert [alert.signal for alert, _ in told] == signals
    assert len(await stored(blobs)) == 3


async def test_looking_twice_at_a_window_tells_nothing_twice(blobs: Blobs, calendar: Calendar) -> None:
    alerts = alerts_in(blobs, calendar)
    await alerts.note([BREACH], look_at(10))
    before = await everything(blobs, "monitoring/")

    assert await alerts.note([BREACH], look_at(10)) == []
    assert await everything(blobs, "monitoring/") == before


async def test_news_that_was_delivered_is_not_put_out_again(blobs: Blobs, calendar: Calendar) -> None:
    """A process that ended after the delivery, and before it was noted, does not post twice."""
    alerts = alerts_in(blobs, calendar)
    await alerts.note([BREACH], look_at(10))
    async for entry in alerts.outbox.due():
        await alerts.outbox.keep(entry.ended("delivered"))
    (alert,) = await stored(blobs)
    await documents.swap(blobs, NEWEST, Newest, lambda _: Newest(alert=alert, untold=News.OPENED))

    await alerts.note([UNKNOWN], look_at(11))

    assert not [one async for one in blobs.under("monitoring/outbox/pending/")]
    assert await stored(blobs) == [alert]


@pytest.mark.parametrize("next_look", [0, 1, 3])
@pytest.mark.parametrize("survived", range(6))
async def test_killed_at_every_write_it_tells_the_same_news_once(
    blobs: Blobs, calendar: Calendar, survived: int, next_look: int
) -> None:
    """The next look may be about a later window, where the same breach would open an alert of another name."""
    opening = alerts_in(Mortal(blobs, writes=survived), calendar)
    if survived < 5:
        with pytest.raises(Killed):
            await opening.note([BREACH], look_at(10))
    else:
        await opening.note([BREACH], look_at(10))

    await alerts_in(blobs, calendar).note([BREACH], look_at(10 + next_look))

    (alert,) = await stored(blobs)
    opened_at = 10 if survived else 10 + next_look
    assert (alert.id, alert.state) == (f"flights.1.drift.2026-03-01T{opened_at}", "open")
    assert (await documents.read(blobs, NEWEST, Newest))[0] == Newest(alert=alert)
    assert alert.breached_at == look_at(10 + next_look).end
    assert await news_in(blobs) == Counter((alert.id, "alert.opened", webhook) for webhook in WEBHOOKS)


@pytest.mark.parametrize("survived", range(5))
async def test_killed_while_it_resolves_it_tells_so_once(blobs: Blobs, calendar: Calendar, survived: int) -> None:
    await alerts_in(blobs, calendar).note([BREACH], look_at(10))
    with pytest.raises(Killed):
        await alerts_in(Mortal(blobs, writes=survived), calendar).note([OK], look_at(16))

    await alerts_in(blobs, calendar).note([OK], look_at(17))

    (alert,) = await stored(blobs)
    expected = [(alert.id, news, webhook) for news in ("alert.opened", "alert.resolved") for webhook in WEBHOOKS]
    assert alert.state == "resolved"
    assert await news_in(blobs) == Counter(expected)


async def test_killed_before_it_told_the_opening_it_tells_that_before_the_end(blobs: Blobs, calendar: Calendar) -> None:
    """There may be no look in between; an end without a beginning says nothing."""
    with pytest.raises(Killed):
        await alerts_in(Mortal(blobs, writes=1), calendar).note([BREACH], look_at(10))

    told = await alerts_in(blobs, calendar).note([OK], look_at(16))

    (alert,) = await stored(blobs)
    assert [(one.state, news) for one, news in told] == [("open", News.OPENED), ("resolved", News.RESOLVED)]
    assert alert.state == "resolved"


class Overtaken(Blobs):
    """Storage of a process that another one overtakes before one of its writes."""

    def __init__(self, blobs: Blobs, *, write: int, overtake: Callable[[], Awaitable[object]]) -> None:
        super().__init__(blobs._service)
        self._writes_before = write
        self._overtake = overtake

    async def _write(self) -> None:
        self._writes_before -= 1
        if self._writes_before == -1:
            await self._overtake()

    async def create(self, path: str, data: bytes) -> str:
        await self._write()
        return await super().create(path, data)

    async def replace(self, path: str, data: bytes, *, etag: str) -> str:
        await self._write()
        return await super().replace(path, data, etag=etag)


@pytest.mark.parametrize(("ours", "theirs"), [(10, 11), (11, 10), (10, 10)])
@pytest.mark.parametrize("write", range(5))
async def test_two_that_see_a_breach_at_once_open_one_alert(
    blobs: Blobs, calendar: Calendar, write: int, ours: int, theirs: int
) -> None:
    """A second one would stay open for ever: only the newest is looked at again."""
    overtaken = Overtaken(
        blobs, write=write, overtake=lambda: alerts_in(blobs, calendar).note([BREACH], look_at(theirs))
    )

    await alerts_in(overtaken, calendar).note([BREACH], look_at(ours))
    (opened,) = await stored(blobs)
    await alerts_in(blobs, calendar).note([OK], look_at(17))

    (alert,) = await stored(blobs)
    expected = [(alert.id, news, webhook) for news in ("alert.opened", "alert.resolved") for webhook in WEBHOOKS]
    assert (opened.state, opened.breached_at) == ("open", look_at(max(ours, theirs)).end)
    assert (alert.id, alert.state) == (opened.id, "resolved")
    assert await news_in(blobs) == Counter(expected)


@pytest.mark.parametrize("write", range(1, 5))
async def test_who_is_overtaken_by_the_end_of_an_alert_does_not_open_it_again(
    blobs: Blobs, calendar: Calendar, write: int
) -> None:
    overtaken = Overtaken(blobs, write=write, overtake=lambda: alerts_in(blobs, calendar).note([OK], look_at(16)))

    await alerts_in(overtaken, calendar).note([BREACH], look_at(10))

    (alert,) = await stored(blobs)
    assert alert.state == "resolved"
    assert (await documents.read(blobs, NEWEST, Newest))[0] == Newest(alert=alert)


async def test_an_older_window_changes_nothing(blobs: Blobs, calendar: Calendar) -> None:
    alerts = alerts_in(blobs, calendar)
    await alerts.note([BREACH], look_at(10))
    await alerts.note([OK], look_at(16))
    before = await everything(blobs, "monitoring/")

    assert await alerts.note([BREACH], look_at(15)) == []
    assert await everything(blobs, "monitoring/") == before


async def test_a_signal_that_is_not_judged_any_more_resolves(blobs: Blobs, calendar: Calendar) -> None:
    """As when the segments are taken out of the configuration: the look says nothing of them at all."""
    alerts = alerts_in(blobs, calendar)
    await alerts.note([OK, judged(Verdict.BREACH, signal=Signal.SEGMENT_DRIFT)], look_at(10))

    early = await alerts.note([OK], look_at(15))
    told = await alerts.note([OK], look_at(16))

    assert early == []
    assert [(alert.signal, news) for alert, news in told] == [(Signal.SEGMENT_DRIFT, News.RESOLVED)]


async def test_another_version_is_not_looked_at(blobs: Blobs, calendar: Calendar) -> None:
    alerts = alerts_in(blobs, calendar)
    await alerts.note([BREACH], replace(look_at(10), version="10"))

    assert await alerts.note([], look_at(16)) == []


class Listed(Blobs):
    """Storage that remembers what it listed."""

    def __init__(self, blobs: Blobs) -> None:
        super().__init__(blobs._service)
        self.listed: list[str] = []

    async def under(self, prefix: str) -> AsyncIterator[Stored]:
        async for one in super().under(prefix):
            self.listed.append(one.path)
            yield one


async def test_a_look_does_not_list_the_alerts_there_were(blobs: Blobs, calendar: Calendar) -> None:
    """A signal that comes and goes has some thousand of them after a few years."""
    for hour in range(10, 70, 20):
        await alerts_in(blobs, calendar).note([BREACH], look_at(hour))
        await alerts_in(blobs, calendar).note([OK], look_at(hour + 10))
    listed = Listed(blobs)

    await alerts_in(listed, calendar).note([BREACH], look_at(80))

    assert len(await stored(blobs)) == 4
    assert listed.listed == [NEWEST]


async def test_where_nothing_ever_breached_nothing_is_written(blobs: Blobs, calendar: Calendar) -> None:
    await alerts_in(blobs, calendar).note([OK, judged(Verdict.UNKNOWN, signal=Signal.QUALITY)], look_at(10))

    assert await everything(blobs, "monitoring/") == {}

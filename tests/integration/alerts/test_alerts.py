"""Alerts as they are stored, and their news in the outbox."""

from collections import Counter

import msgspec
import pytest

from shared import documents
from shared.alerts.lifecycle import Alert, News
from shared.alerts.outbox import Entry, Outbox
from shared.alerts.store import Alerts
from shared.blobs import Blobs
from shared.signals.judgement import Signal, Verdict
from tests.integration.stored import Calendar, Killed, Mortal, everything
from tests.unit.alerts.looks import WINDOW_HOURS, judged, look_at

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
    return Counter((one.message.data.id, one.message.type, one.webhook) for one in entries)


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
    untold = msgspec.structs.replace(alert, untold=News.OPENED)
    (path,) = [one.path async for one in blobs.under("monitoring/alerts/")]
    await documents.swap(blobs, path, Alert, lambda _: untold)

    await alerts.note([UNKNOWN], look_at(11))

    assert not [one async for one in blobs.under("monitoring/outbox/pending/")]
    assert await stored(blobs) == [alert]


@pytest.mark.parametrize("next_look", [0, 1, 3])
@pytest.mark.parametrize("survived", range(5))
async def test_killed_at_every_write_it_tells_the_same_news_once(
    blobs: Blobs, calendar: Calendar, survived: int, next_look: int
) -> None:
    """The next look may be about a later window, where the same breach would open an alert of another name."""
    opening = alerts_in(Mortal(blobs, writes=survived), calendar)
    if survived < 4:
        with pytest.raises(Killed):
            await opening.note([BREACH], look_at(10))
    else:
        await opening.note([BREACH], look_at(10))

    await alerts_in(blobs, calendar).note([BREACH], look_at(10 + next_look))

    (alert,) = await stored(blobs)
    opened_at = 10 if survived else 10 + next_look
    assert (alert.id, alert.state, alert.untold) == (
        f"flights.1.drift.2026-03-01T{opened_at}",
        "open",
        msgspec.UNSET,
    )
    assert alert.breached_at == look_at(10 + next_look).end
    assert await news_in(blobs) == Counter((alert.id, "alert.opened", webhook) for webhook in WEBHOOKS)


@pytest.mark.parametrize("survived", range(4))
async def test_killed_while_it_resolves_it_tells_so_once(blobs: Blobs, calendar: Calendar, survived: int) -> None:
    await alerts_in(blobs, calendar).note([BREACH], look_at(10))
    with pytest.raises(Killed):
        await alerts_in(Mortal(blobs, writes=survived), calendar).note([OK], look_at(16))

    await alerts_in(blobs, calendar).note([OK], look_at(17))

    (alert,) = await stored(blobs)
    expected = [(alert.id, news, webhook) for news in ("alert.opened", "alert.resolved") for webhook in WEBHOOKS]
    assert alert.state == "resolved"
    assert await news_in(blobs) == Counter(expected)

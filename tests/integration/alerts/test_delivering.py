"""News to webhooks, over real connections to a receiver that checks signatures."""

import asyncio
import base64
import json
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import aiohttp
import pytest

from infra.local.processes import free_port
from shared import documents
from shared.alerts.delivering import Delivering, Post, poster
from shared.alerts.lifecycle import News
from shared.alerts.outbox import RETRIES_AFTER, Entry, Outbox, webhook_digest
from shared.blobs import Blobs
from shared.telemetry import Telemetry
from tests.integration.sinks.running import RunningSinks, running_sinks
from tests.integration.stored import Calendar, everything
from tests.unit.alerts.looks import opened_at

SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()
TIMEOUT_S = 0.4


@pytest.fixture(scope="module")
def receiver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSinks]:
    with running_sinks(tmp_path_factory.mktemp("sinks"), secret=SECRET) as running:
        yield running


@pytest.fixture
def sinks(receiver: RunningSinks) -> Iterator[RunningSinks]:
    yield receiver
    receiver.behave()


@dataclass
class Deliveries:
    """What delivers to some webhooks, and the headers and bodies of every attempt."""

    delivering: Delivering
    outbox: Outbox
    attempts: list[tuple[Mapping[str, str], bytes]] = field(default_factory=list)

    async def deliver(self) -> int:
        return await self.delivering.deliver()


@asynccontextmanager
async def deliveries(
    blobs: Blobs, calendar: Calendar, *urls: str, known: int | None = None
) -> AsyncIterator[Deliveries]:
    """Return what delivers to ``urls``; ``known``: to so many of them, as after a change of settings."""
    outbox = Outbox(blobs, calendar, tuple(map(webhook_digest, urls)))
    webhooks = {webhook_digest(url): url for url in urls[:known]}
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=TIMEOUT_S)) as session:
        post: Post = poster(session)

        async def recorded(url: str, body: bytes, headers: Mapping[str, str]) -> None:
            made.attempts.append((headers, body))
            await post(url, body, headers)

        telemetry = Telemetry.to("", clock=calendar)
        made = Deliveries(Delivering(outbox, webhooks, SECRET, recorded, calendar, telemetry), outbox)
        yield made


def webhook(sinks: RunningSinks, name: str) -> str:
    return f"{sinks.url}/webhook/{name}"


def received(sinks: RunningSinks, name: str) -> list[dict[str, str]]:
    return [one for one in sinks.webhooks() if one["name"] == name]


async def entries(blobs: Blobs, *, done: bool = False) -> list[Entry]:
    found = await everything(blobs, f"monitoring/outbox/{'done' if done else 'pending'}/")
    return [documents.decode(data, Entry, path=path) for path, data in found.items()]


async def test_news_arrives_signed_and_leaves_the_pending_ones(
    blobs: Blobs, calendar: Calendar, sinks: RunningSinks
) -> None:
    alert = opened_at(10)
    async with deliveries(blobs, calendar, webhook(sinks, "signed")) as ours:
        await ours.outbox.put(alert, News.OPENED)

        counts = [await ours.deliver(), await ours.deliver()]

    (message,) = received(sinks, "signed")
    (done,) = await entries(blobs, done=True)
    body = json.loads(message["body"])
    assert counts == [1, 0]
    assert message["verdict"] == "valid"
    assert (body["type"], body["data"]["id"]) == ("alert.opened", alert.id)
    assert (done.outcome, done.attempts) == ("delivered", 1)
    assert await entries(blobs) == []


@pytest.mark.parametrize("status", [500, 302, 404, 429])
async def test_what_failed_comes_again_when_the_calendar_says_so_under_the_same_id(
    blobs: Blobs, calendar: Calendar, sinks: RunningSinks, status: int
) -> None:
    name = f"again-{status}"
    sinks.misbehave(sink="webhooks", status=status, location=webhook(sinks, "elsewhere"))
    async with deliveries(blobs, calendar, webhook(sinks, name)) as ours:
        await ours.outbox.put(opened_at(10), News.OPENED)
        begun = calendar.now()

        counts = [await ours.deliver(), await ours.deliver()]
        (waiting,) = await entries(blobs)
        calendar.set(begun + RETRIES_AFTER[0] - timedelta(seconds=1))
        counts.append(await ours.deliver())
        calendar.set(begun + RETRIES_AFTER[0])
        counts.append(await ours.deliver())

    ids = {headers["webhook-id"] for headers, _ in ours.attempts}
    assert counts == [0, 0, 0, 1]
    assert (waiting.attempts, waiting.failure) == (1, f"answered {status}")
    assert len(ours.attempts) == 2
    assert len(ids) == len({body for _, body in ours.attempts}) == 1
    assert [one["verdict"] for one in received(sinks, name)] == ["valid"]
    assert received(sinks, "elsewhere") == [], "a redirect is not followed"


async def test_it_is_given_up_after_the_last_attempt(blobs: Blobs, calendar: Calendar, sinks: RunningSinks) -> None:
    sinks.misbehave(sink="webhooks", status=500, count=None)
    async with deliveries(blobs, calendar, webhook(sinks, "never")) as ours:
        await ours.outbox.put(opened_at(10), News.OPENED)
        for wait in (timedelta(), *RETRIES_AFTER, timedelta(days=30)):
            calendar.set(calendar.now() + wait)
            await ours.deliver()

    (done,) = await entries(blobs, done=True)
    assert len(ours.attempts) == 1 + len(RETRIES_AFTER) == done.attempts
    assert (done.outcome, done.failure) == ("given up", "answered 500")
    assert len({headers["webhook-id"] for headers, _ in ours.attempts}) == 1
    assert await entries(blobs) == []


async def test_gone_is_final(blobs: Blobs, calendar: Calendar, sinks: RunningSinks) -> None:
    """With 410 a receiver asks never to be posted to again."""
    sinks.misbehave(sink="webhooks", status=410)
    async with deliveries(blobs, calendar, webhook(sinks, "gone")) as ours:
        await ours.outbox.put(opened_at(10), News.OPENED)
        await ours.deliver()
        calendar.set(calendar.now() + timedelta(days=1))
        await ours.deliver()

    (done,) = await entries(blobs, done=True)
    assert (done.outcome, done.attempts, done.failure) == ("given up", 1, "answered 410")
    assert len(ours.attempts) == 1


async def test_a_receiver_that_is_not_there_is_tried_again(blobs: Blobs, calendar: Calendar) -> None:
    async with deliveries(blobs, calendar, f"http://127.0.0.1:{free_port()}/") as ours:
        await ours.outbox.put(opened_at(10), News.OPENED)

        assert await ours.deliver() == 0

    (waiting,) = await entries(blobs)
    assert waiting.due_at == calendar.now() + RETRIES_AFTER[0]


@asynccontextmanager
async def hanging_receiver() -> AsyncIterator[str]:
    """Return the address of a receiver that takes connections and says nothing."""
    leaving = asyncio.Event()

    async def hang(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await leaving.wait()
        writer.close()

    server = await asyncio.start_server(hang, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    finally:
        leaving.set()
        server.close()


async def test_a_webhook_that_hangs_is_left_after_the_time_out_and_holds_up_no_other(
    blobs: Blobs, calendar: Calendar, sinks: RunningSinks
) -> None:
    """One receiver that is ill must not decide when the others hear of an alert."""
    hours = range(10, 14)
    async with hanging_receiver() as url:
        urls = f"{url}a", webhook(sinks, "well"), f"{url}b"
        async with deliveries(blobs, calendar, *urls) as ours:
            for hour in hours:
                await ours.outbox.put(opened_at(hour), News.OPENED)
            begun, started = datetime.now(UTC), time.monotonic()

            delivered = await ours.deliver()

            elapsed_s = time.monotonic() - started
    arrived = [datetime.fromisoformat(one["received_at"]) for one in received(sinks, "well")]
    failures = {one.failure for one in await entries(blobs)}
    assert delivered == len(arrived) == len(hours)
    assert elapsed_s < 2 * len(hours) * TIMEOUT_S, "two that hang were waited for one after the other"
    assert max(arrived) - begun < timedelta(seconds=elapsed_s - TIMEOUT_S)
    assert all(failure is not None and "Timeout" in failure for failure in failures)


async def test_a_webhook_that_is_no_longer_set_is_given_up_without_an_attempt(
    blobs: Blobs, calendar: Calendar, sinks: RunningSinks
) -> None:
    urls = webhook(sinks, "kept"), webhook(sinks, "removed")
    async with deliveries(blobs, calendar, *urls, known=1) as ours:
        await ours.outbox.put(opened_at(10), News.OPENED)

        assert await ours.deliver() == 1

    given_up = [one for one in await entries(blobs, done=True) if one.outcome == "given up"]
    assert [(one.webhook, one.attempts) for one in given_up] == [(webhook_digest(urls[1]), 0)]
    assert received(sinks, "removed") == []


async def test_no_address_is_stored(blobs: Blobs, calendar: Calendar, sinks: RunningSinks) -> None:
    """An address may be its own password."""
    sinks.misbehave(sink="webhooks", status=500)
    async with deliveries(blobs, calendar, webhook(sinks, "hush")) as ours:
        await ours.outbox.put(opened_at(10), News.OPENED)
        await ours.deliver()

    found = await everything(blobs, "monitoring/")
    assert found
    assert not any("hush" in path or b"hush" in data for path, data in found.items())

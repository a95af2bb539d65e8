"""The sender's thread, against an endpoint that is a function."""

import gzip
import json
import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from typing import Protocol

import pytest

from shared.clock import Clock
from shared.errors import TelemetryUnanswered
from shared.telemetry.answers import Answer
from shared.telemetry.items import Item, Metric, Subject
from shared.telemetry.sender import Limits, Sender

AT = datetime(2026, 3, 1, tzinfo=UTC)
QUICK = Limits(items=1000, batch=10, linger_s=0.01, timeout_s=5.0, backoff_s=0.01, backoff_most_s=0.02)
OK = Answer(status=200, body=b"{}")

Post = Callable[[bytes, float], Answer]


def item(number: int) -> Metric:
    return Metric(str(number), AT, 1, 0.0, 0.0, 0.0, Subject())


def name_of(one: Item) -> bytes:
    assert isinstance(one, Metric)
    return json.dumps(one.name).encode()


def names_in(body: bytes) -> list[str]:
    names: list[str] = json.loads(gzip.decompress(body))
    return names


class MakeSender(Protocol):
    """Makes senders that are closed when the test ends."""

    def __call__(self, post: Post, limits: Limits = QUICK, encode: Callable[[Item], bytes] = name_of) -> Sender: ...


@pytest.fixture
def make_sender() -> Iterator[MakeSender]:
    with ExitStack() as senders:

        def make(post: Post, limits: Limits = QUICK, encode: Callable[[Item], bytes] = name_of) -> Sender:
            sender = Sender(encode=encode, post=post, clock=Clock.standing(AT), limits=limits)
            senders.callback(sender.close, 1.0)
            return sender

        yield make


def wait_until(true: Callable[[], bool], timeout_s: float = 10.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not true():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.005)


def settled(sender: Sender) -> Callable[[], bool]:
    return lambda: sender.stats().queued == 0


def test_everything_arrives_once_and_in_order(make_sender: MakeSender) -> None:
    got: list[str] = []

    def post(body: bytes, _: float) -> Answer:
        got.extend(names_in(body))
        return OK

    sender = make_sender(post)
    for number in range(95):
        sender.offer(item(number))
    wait_until(settled(sender))

    assert got == [str(number) for number in range(95)]
    assert sender.stats().sent == 95
    assert sender.stats().last_success_age_s is not None


def test_no_thread_starts_before_it_is_needed(make_sender: MakeSender) -> None:
    before = threading.active_count()

    sender = make_sender(lambda *_: OK)
    sender.close(1.0)

    assert threading.active_count() == before


def test_a_hanging_endpoint_costs_no_more_than_the_bound(make_sender: MakeSender) -> None:
    """The request path neither waits nor fills the memory while nobody answers."""
    answering = threading.Event()

    def post(_body: bytes, _timeout_s: float) -> Answer:
        answering.wait(20)
        return OK

    sender = make_sender(post, Limits(items=100, batch=10, linger_s=0.0))
    slowest_s = 0.0
    for number in range(5_000):
        begun = time.thread_time()
        sender.offer(item(number))
        slowest_s = max(slowest_s, time.thread_time() - begun)

    stats = sender.stats()
    assert slowest_s < 0.02
    assert stats.queued <= 100 + 10
    assert stats.dropped + stats.queued == 5_000
    answering.set()


def test_says_how_much_was_dropped_once_somebody_listens(make_sender: MakeSender) -> None:
    listening = threading.Event()
    totals: dict[str, float] = {}

    def post(_body: bytes, _timeout_s: float) -> Answer:
        if not listening.is_set():
            raise TelemetryUnanswered(reason="down")
        return OK

    def encode(one: Item) -> bytes:
        assert isinstance(one, Metric)
        totals[one.name] = one.total
        return b"0"

    sender = make_sender(post, replace(QUICK, items=20), encode)
    for number in range(70):
        sender.offer(item(number))
    wait_until(lambda: sender.stats().last_error == "down")
    listening.set()
    wait_until(lambda: "telemetry_dropped_items" in totals)

    assert totals["telemetry_dropped_items"] == sender.stats().dropped > 0


def test_an_item_that_cannot_be_written_does_not_stop_the_others(make_sender: MakeSender) -> None:
    got: list[str] = []

    def post(body: bytes, _: float) -> Answer:
        got.extend(names_in(body))
        return OK

    def encode(one: Item) -> bytes:
        if name_of(one) == b'"1"':
            raise UnicodeEncodeError("utf-8", "\ud800", 0, 1, "a lone surrogate")
        return name_of(one)

    sender = make_sender(post, encode=encode)
    for number in range(3):
        sender.offer(item(number))
    wait_until(settled(sender))

    assert got == ["0", "2"]
    assert (sender.stats().sent, sender.stats().refused) == (2, 1)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_a_value_without_a_number_is_refused(make_sender: MakeSender, value: float) -> None:
    sender = make_sender(lambda *_: OK)

    sender.observe("rows", value, Subject())

    assert sender.stats().refused == 1


def test_whatever_the_endpoint_does_every_item_is_accounted_for(make_sender: MakeSender) -> None:
    """With 300 answers of every kind, each item is delivered once, refused, or dropped; nothing is lost in between."""
    chance = random.Random(7)
    got: list[str] = []

    def post(body: bytes, _: float) -> Answer:
        names = names_in(body)
        match chance.choice(["taken", "down", "busy", "refused", "partial"]):
            case "taken":
                got.extend(names)
                return OK
            case "down":
                raise TelemetryUnanswered(reason="down")
            case "busy":
                return Answer(status=503, retry_after="0")
            case "refused":
                return Answer(status=400)
        statuses = [chance.choice([200, 400, 500]) for _ in names]
        got.extend(name for name, status in zip(names, statuses, strict=True) if status == 200)
        errors = [{"index": index, "statusCode": status} for index, status in enumerate(statuses) if status != 200]
        return Answer(status=206, body=json.dumps({"errors": errors}).encode())

    sender = make_sender(post, Limits(items=10_000, batch=10, linger_s=0.0, backoff_s=0.0001, backoff_most_s=0.0002))
    for number in range(1_000):
        sender.offer(item(number))
    wait_until(settled(sender))

    stats = sender.stats()
    assert len(got) == len(set(got)) == stats.sent
    assert stats.sent + stats.refused + stats.dropped == 1_000


def test_waits_as_long_as_it_is_asked_to(make_sender: MakeSender) -> None:
    posts: list[float] = []

    def post(_body: bytes, _timeout_s: float) -> Answer:
        posts.append(time.monotonic())
        return Answer(status=429, retry_after="1") if len(posts) == 1 else OK

    sender = make_sender(post)
    sender.offer(item(0))
    wait_until(settled(sender))

    assert posts[1] - posts[0] >= 1.0


def test_an_endpoint_that_is_down_is_not_hammered(make_sender: MakeSender) -> None:
    posts = 0

    def post(_body: bytes, _timeout_s: float) -> Answer:
        nonlocal posts
        posts += 1
        raise TelemetryUnanswered(reason="down")

    sender = make_sender(post, Limits(linger_s=0.0, backoff_s=0.05, backoff_most_s=60.0))
    for _ in range(100):
        sender.offer(item(0))
        time.sleep(0.005)

    # waits of at least 25, 50, 100, 200 ms fill the half second
    assert 1 <= posts <= 6


def test_closing_sends_what_waits(make_sender: MakeSender) -> None:
    got: list[str] = []

    def post(body: bytes, _: float) -> Answer:
        got.extend(names_in(body))
        return OK

    sender = make_sender(post, Limits(linger_s=60.0))
    sender.offer(item(0))
    sender.observe("rows", 1.0, Subject())
    sender.close(5.0)

    assert got == ["0", "rows"]


@pytest.mark.parametrize("trouble", ["hangs", "is down"])
def test_closing_takes_no_longer_than_it_may(make_sender: MakeSender, trouble: str) -> None:
    over = threading.Event()

    def post(_body: bytes, _timeout_s: float) -> Answer:
        if trouble == "hangs":
            over.wait(20)
        raise TelemetryUnanswered(reason=trouble)

    sender = make_sender(post, Limits(linger_s=0.0, backoff_s=30.0, backoff_most_s=60.0))
    sender.offer(item(0))
    begun = time.monotonic()

    sender.close(0.5)

    assert time.monotonic() - begun < 1.0
    over.set()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_thread_that_died_is_replaced(make_sender: MakeSender) -> None:
    """Whatever ends it, the next report starts another: telemetry heals without a restart of the app."""
    got: list[str] = []

    def post(body: bytes, _: float) -> Answer:
        if not got:
            got.append("first")
            raise AssertionError("a bug")
        got.extend(names_in(body))
        return OK

    sender = make_sender(post)
    sender.offer(item(0))
    wait_until(lambda: got == ["first"])
    wait_until(lambda: not any(thread.name == "telemetry" for thread in threading.enumerate()))
    sender.offer(item(1))
    wait_until(lambda: "1" in got)

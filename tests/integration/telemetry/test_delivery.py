"""Telemetry over a real wire, to a sink that misbehaves in every way an ingestion endpoint can."""

import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

import pytest

from infra.local.processes import free_port
from shared.clock import Clock
from shared.telemetry import Telemetry
from shared.telemetry.sender import Limits, Stats
from tests.integration.sinks.running import RunningSinks, running_sinks

QUICK = Limits(batch=10, linger_s=0.02, timeout_s=5.0, backoff_s=0.02, backoff_most_s=0.1)


@pytest.fixture(scope="module")
def sinks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSinks]:
    with running_sinks(tmp_path_factory.mktemp("sinks")) as running:
        yield running


@pytest.fixture(autouse=True)
def behaving(sinks: RunningSinks) -> Iterator[None]:
    yield
    sinks.behave()


@pytest.fixture
def key() -> str:
    """Return an instrumentation key of this test's own."""
    return str(uuid.uuid4())


class Open(Protocol):
    """Opens telemetry that is closed when the test ends."""

    def __call__(self, endpoint: str, limits: Limits = QUICK) -> Telemetry: ...


@pytest.fixture
def telemetry_to(key: str) -> Iterator[Open]:
    with ExitStack() as opened:

        def to(endpoint: str, limits: Limits = QUICK) -> Telemetry:
            connection_string = f"InstrumentationKey={key};IngestionEndpoint={endpoint}"
            telemetry = Telemetry.to(connection_string, clock=Clock.real(), limits=limits)
            opened.callback(telemetry.close, 0.5)
            return telemetry

        yield to


def report(telemetry: Telemetry, number: int) -> None:
    telemetry.request(
        name=f"score flights:{number}",
        model="flights",
        version=str(number),
        operation_id=f"op-{number}",
        started=datetime.now(UTC),
        duration_ms=1.5,
        status=200,
        success=True,
    )


def stats_of(telemetry: Telemetry) -> Stats:
    stats = telemetry.stats()
    assert stats is not None
    return stats


def wait_until(true: Callable[[], bool], timeout_s: float = 15.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not true():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.01)


def versions(envelopes: list[dict[str, Any]]) -> list[str]:
    """Return the versions of the requests among ``envelopes``, each once however often it came, unless it is two."""
    data = {one["data"]["baseData"].get("id"): one["data"]["baseData"] for one in envelopes}
    return sorted((one["properties"]["version"] for one in data.values()), key=int)


def numbers(count: int) -> list[str]:
    return [str(number) for number in range(count)]


def test_every_kind_arrives_with_its_model_version_and_operation(
    sinks: RunningSinks, key: str, telemetry_to: Open
) -> None:
    telemetry = telemetry_to(sinks.url)
    report(telemetry, 1)
    telemetry.dependency(
        name="send",
        kind="Azure Event Hubs",
        target="hub",
        started=datetime.now(UTC),
        duration_ms=2.0,
        result="timeout",
        success=False,
        model="flights",
        version="1",
        operation_id="op-1",
    )
    telemetry.exception(ValueError("secret"), model="flights", version="1", operation_id="op-1")
    for value in (1.0, 2.0):
        telemetry.metric("score_rows", value, model="flights", version="1")
    telemetry.close(5.0)

    got = {one["data"]["baseType"]: one for one in sinks.envelopes(key)}

    assert sorted(got) == ["ExceptionData", "MetricData", "RemoteDependencyData", "RequestData"]
    for envelope in got.values():
        properties = envelope["data"]["baseData"]["properties"]
        assert (properties["model"], properties["version"]) == ("flights", "1")
        assert envelope["tags"]["ai.cloud.role"] == "driftline"
    for kind in ("ExceptionData", "RemoteDependencyData", "RequestData"):
        assert got[kind]["tags"]["ai.operation.id"] == "op-1"
    assert got["MetricData"]["data"]["baseData"]["metrics"][0]["count"] == 2


def test_concurrent_requests_keep_their_own_operation(sinks: RunningSinks, key: str, telemetry_to: Open) -> None:
    """The library's context is shared by everybody; a mix-up would blame one request for another's exception."""
    telemetry = telemetry_to(sinks.url, replace(QUICK, batch=100))
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda number: report(telemetry, number), range(400)))
    telemetry.close(10.0)

    got = sinks.envelopes(key)

    assert versions(got) == numbers(400)
    assert all(
        one["tags"]["ai.operation.id"] == f"op-{one['data']['baseData']['properties']['version']}" for one in got
    )


@pytest.mark.parametrize(
    "plan",
    [
        {"status": 503, "count": 3},
        {"status": 429, "retry_after": "0", "count": 2},
        {"status": 439},
        {"status": 500, "body": "<html>"},
        {"partial": {"indexes": [0, 3], "status": 429}, "count": 4},
        {"hang_s": 1.0, "status": 503},
        {"status": 200, "body": "not JSON"},
        {"status": 307, "location": "/v2/track", "count": 2},
        {"status": 308, "location": "/v2/track"},
        {"status": 307, "location": "/v2.1/track", "count": 6},
        {"status": 307, "location": "file:///etc/passwd"},
        {"status": 307},
    ],
    ids=str,
)
def test_everything_arrives_exactly_once_in_the_end(
    sinks: RunningSinks, key: str, telemetry_to: Open, plan: dict[str, Any]
) -> None:
    sinks.misbehave(sink="telemetry", **plan)
    telemetry = telemetry_to(sinks.url, replace(QUICK, timeout_s=0.4))
    for number in range(25):
        report(telemetry, number)
    wait_until(lambda: stats_of(telemetry).queued == 0)

    got = sinks.envelopes(key)

    assert len(got) == 25
    assert versions(got) == numbers(25)
    assert stats_of(telemetry).sent == 25


@pytest.mark.parametrize(
    ("plan", "refused"),
    [
        ({"status": 400}, 10),
        ({"status": 402}, 10),
        ({"status": 404, "body": ""}, 10),
        ({"partial": {"indexes": [0, 3, 99], "status": 400}}, 2),
        ({"partial": {"indexes": [5], "status": 402}}, 1),
    ],
    ids=str,
)
def test_what_is_refused_is_counted_and_not_sent_again(
    sinks: RunningSinks, key: str, telemetry_to: Open, plan: dict[str, Any], refused: int
) -> None:
    sinks.misbehave(sink="telemetry", **plan)
    telemetry = telemetry_to(sinks.url, replace(QUICK, linger_s=0.2))
    for number in range(20):
        report(telemetry, number)
    wait_until(lambda: stats_of(telemetry).queued == 0)

    stats = stats_of(telemetry)

    assert (stats.sent, stats.refused) == (20 - refused, refused)
    assert len(sinks.envelopes(key)) == 20 - refused
    assert stats.last_error is not None


def test_an_answer_that_comes_too_late_may_double_an_item_but_not_its_id(
    sinks: RunningSinks, key: str, telemetry_to: Open
) -> None:
    """Nobody can know whether a batch arrived when the answer did not; the id tells the copies from two requests."""
    sinks.misbehave(sink="telemetry", hang_s=0.6)
    telemetry = telemetry_to(sinks.url, replace(QUICK, timeout_s=0.2))
    report(telemetry, 0)
    wait_until(lambda: len(sinks.envelopes(key)) == 2)

    assert versions(sinks.envelopes(key)) == ["0"]


def test_redirects_in_circles_are_not_followed_for_ever(sinks: RunningSinks, key: str, telemetry_to: Open) -> None:
    sinks.misbehave(sink="telemetry", status=307, location="/v2.1/track", count=None)
    telemetry = telemetry_to(sinks.url)
    report(telemetry, 0)
    wait_until(lambda: "circles" in str(stats_of(telemetry).last_error), timeout_s=5.0)
    sinks.behave()
    wait_until(lambda: len(sinks.envelopes(key)) == 1)


def test_waits_as_long_as_the_sink_asks(sinks: RunningSinks, key: str, telemetry_to: Open) -> None:
    sinks.misbehave(sink="telemetry", status=429, retry_after="1")
    telemetry = telemetry_to(sinks.url)
    begun = time.monotonic()
    report(telemetry, 0)
    wait_until(lambda: len(sinks.envelopes(key)) == 1)

    assert time.monotonic() - begun >= 1.0


def test_a_sink_that_is_down_holds_nothing_up_and_gets_everything_when_it_is_back(
    tmp_path: Path, key: str, telemetry_to: Open
) -> None:
    port = free_port()
    telemetry = telemetry_to(f"http://127.0.0.1:{port}", replace(QUICK, items=200, batch=50))
    for number in range(1_000):
        report(telemetry, number)
    wait_until(lambda: stats_of(telemetry).last_error is not None)
    down = stats_of(telemetry)

    with running_sinks(tmp_path, port=port) as late:
        wait_until(lambda: stats_of(telemetry).queued == 0)
        wait_until(lambda: any(one["data"]["baseType"] == "MetricData" for one in late.envelopes(key)))
        got = late.envelopes(key)

    requests = [one for one in got if one["data"]["baseType"] == "RequestData"]
    metric = next(one for one in got if one["data"]["baseType"] == "MetricData")["data"]["baseData"]["metrics"][0]
    assert down.queued <= 200 + 50
    assert len(requests) == len(versions(requests)) == 1_000 - metric["value"]
    assert (metric["name"], metric["value"]) == ("telemetry_dropped_items", stats_of(telemetry).dropped)


def test_a_process_with_a_dead_sink_ends_at_once() -> None:
    """The library's own senders keep a process from ending."""
    code = """
from datetime import UTC, datetime
from shared.clock import Clock
from shared.telemetry import Telemetry
telemetry = Telemetry.to(
    "InstrumentationKey=00000000-0000-0000-0000-000000000001;IngestionEndpoint=http://127.0.0.1:9", clock=Clock.real()
)
for number in range(2000):
    telemetry.metric("rows", 1.0)
    telemetry.exception(ValueError())
"""
    begun = time.monotonic()

    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True, timeout=20)

    assert time.monotonic() - begun < 5.0


@pytest.mark.skipif(sys.platform == "win32", reason="there is no fork")
def test_a_forked_child_reports_its_own_items_only(sinks: RunningSinks, key: str) -> None:
    """What waits at the fork is the parent's: sent by both, it would count twice."""
    code = f"""
import os
from shared.clock import Clock
from shared.telemetry import Telemetry
from shared.telemetry.sender import Limits
telemetry = Telemetry.to(
    "InstrumentationKey={key};IngestionEndpoint={sinks.url}", clock=Clock.real(), limits=Limits(linger_s=0.3)
)
telemetry.metric("parent_rows", 1.0)
telemetry.exception(ValueError(), model="parent")
child = os.fork()
if not child:
    telemetry.exception(ValueError(), model="child")
    telemetry.close(5.0)
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
telemetry.close(5.0)
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=20)

    got = [one["data"] for one in sinks.envelopes(key)]
    models = [one["baseData"]["properties"]["model"] for one in got if one["baseType"] == "ExceptionData"]
    assert sorted(models) == ["child", "parent"]
    assert len(got) == 3


def test_without_a_connection_string_nothing_happens(key: str) -> None:
    telemetry = Telemetry.to("", clock=Clock.real())

    report(telemetry, 1)
    telemetry.metric("rows", float("nan"))
    telemetry.exception(ValueError(key))
    telemetry.close(0.0)

    assert telemetry.stats() is None

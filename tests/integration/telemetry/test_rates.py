"""What people read in Application Insights of each version is what the callers saw; and nothing depends on it."""

import asyncio
import json
import time
import urllib.error
import urllib.request
import uuid
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from infra.local.host.durations import parse_duration
from infra.local.system import System
from shared.blobs import Blobs, service
from shared.clock import Clock
from shared.registry.store import Registry
from tests.integration.models import ANSWERS, answer, registered
from tests.integration.sinks.running import RunningSinks

CHAMPION = "flights"
SECOND = "flights/versions/2"
ROW = {"distance": 10.0, "carrier": "AA"}


@dataclass(frozen=True)
class Ask:
    """One request: who is asked, with what, and what the answer must be."""

    of: str
    body: bytes
    status: int
    subject: tuple[str, str]
    predictions: tuple[float, ...] = ()


@dataclass(frozen=True)
class Told:
    """What the caller saw of one request."""

    id: str
    status: int
    predictions: tuple[float, ...]
    duration_ms: float
    began: datetime


@dataclass(frozen=True)
class Reported:
    """What the sink has of one request; it stands for ``count`` of them."""

    id: str
    subject: tuple[str, str]
    status: int
    success: bool
    duration_ms: float
    began: datetime
    count: float


def rows(*distances: float) -> bytes:
    return json.dumps({"data": [{**ROW, "distance": distance} for distance in distances]}).encode()


def good(number: int, *, of: str, version: str) -> Ask:
    distances = [float((number + index) % ANSWERS) for index in range(1 + number % 3)]
    answers = tuple(answer(distance, version=version) for distance in distances)
    return Ask(of, rows(*distances), 200, ("flights", version), answers)


STREAM: list[Ask] = [
    *(good(number, of=CHAMPION, version="1") for number in range(60)),
    *(good(number, of=SECOND, version="2") for number in range(30)),
    *[Ask(CHAMPION, b'{"data": [{"carrier": "AA"}]}', 422, ("flights", "1"))] * 6,
    *[Ask(CHAMPION, b"not JSON", 400, ("flights", "1"))] * 3,
    *[Ask(CHAMPION, rows(*[1.0] * 1_001), 413, ("flights", "1"))] * 2,
    *[Ask(SECOND, b'{"data": [{"distance": "far", "carrier": "AA"}]}', 422, ("flights", "2"))] * 4,
    Ask(SECOND, rows(1.0, ANSWERS + 1.0), 500, ("flights", "2")),
    *[Ask("flights/versions/3", rows(1.0), 404, ("_unknown", "_none"))] * 3,
    *[Ask("flihgts", rows(1.0), 404, ("_unknown", "_none"))] * 2,
]
"""Two versions, failures of every kind, and one exception, of version 2: its model looks past the end of its table."""


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    with System.in_folder(tmp_path_factory.mktemp("system")) as running:
        asyncio.run(_register(running))
        yield running


async def _register(system: System) -> None:
    blobs = Blobs(service(system.settings["STORAGE"]))
    registry = Registry(blobs, Clock.real())
    for version in ("1", "2"):
        made = registered("flights", version)
        await registry.register(made.manifest, files=made.files)
    await registry.promote("flights", "1", alias="champion")
    await blobs.close()


@pytest.fixture
def sinks(system: System) -> Iterator[RunningSinks]:
    running = RunningSinks(system.process("sinks"))
    yield running
    running.behave()


def ask(system: System, one: Ask) -> Told:
    request = urllib.request.Request(f"{system.url}/api/models/{one.of}/score", one.body, method="POST")
    request.add_header("x-functions-key", system.key())
    request.add_header("X-Request-ID", str(uuid.uuid4()))
    began, started = datetime.now(UTC), time.perf_counter()
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
            status, headers, body = response.status, response.headers, json.load(response)
    except urllib.error.HTTPError as error:
        status, headers, body = error.code, error.headers, json.load(error)
    duration_ms = (time.perf_counter() - started) * 1000.0
    return Told(headers["X-Request-ID"], status, tuple(body.get("predictions", ())), duration_ms, began)


def stream(system: System) -> list[Told]:
    """Ask everything, four at a time."""
    with ThreadPoolExecutor(4) as threads:
        return list(threads.map(lambda one: ask(system, one), STREAM))


def reported(sinks: RunningSinks, told: Sequence[Told]) -> tuple[list[Reported], list[dict[str, Any]]]:
    """Return the requests and the exceptions that the sink has of a stream, once it has all of them."""
    ids = {one.id for one in told}
    deadline = time.monotonic() + 30.0
    while True:
        envelopes = [
            one
            for one in sinks.envelopes("00000000-0000-0000-0000-000000000001")
            if one["tags"].get("ai.operation.id") in ids
        ]
        requests = [_reported(one) for one in envelopes if one["data"]["baseType"] == "RequestData"]
        if len(requests) >= len(told):
            return requests, [one for one in envelopes if one["data"]["baseType"] == "ExceptionData"]
        assert time.monotonic() < deadline, f"{len(requests)} of {len(told)} requests were reported"
        time.sleep(0.2)


def _reported(envelope: dict[str, Any]) -> Reported:
    data = envelope["data"]["baseData"]
    whole, _, fraction = data["duration"].rpartition(".")
    duration = parse_duration(whole) + timedelta(microseconds=int(fraction))
    return Reported(
        id=envelope["tags"]["ai.operation.id"],
        subject=_subject(envelope),
        status=int(data["responseCode"]),
        success=data["success"],
        duration_ms=duration / timedelta(milliseconds=1),
        began=datetime.fromisoformat(envelope["time"]),
        count=_count(envelope),
    )


def _subject(envelope: dict[str, Any]) -> tuple[str, str]:
    properties = envelope["data"]["baseData"]["properties"]
    return properties["model"], properties["version"]


def _count(envelope: dict[str, Any]) -> float:
    """Return ItemCount: of how many an item was sampled; a share of them, in percent, says the envelope."""
    return 100.0 / float(envelope.get("sampleRate", 100.0))


def quantile(durations: Iterable[tuple[float, float]], share: float) -> float:
    """Return the response time that ``share`` of the requests stay within; each time comes with how many had it."""
    ranked = sorted(durations)
    wanted, passed = share * sum(count for _, count in ranked), 0.0
    for duration_ms, count in ranked:
        passed += count
        if passed >= wanted:
            return duration_ms
    raise AssertionError("there is no request")


def test_rate_times_failures_and_exceptions_of_each_version_are_what_the_callers_saw(
    system: System, sinks: RunningSinks
) -> None:
    stream(system)  # the first requests load the models, in a time of their own
    began = datetime.now(UTC)
    told = stream(system)
    seconds = (datetime.now(UTC) - began).total_seconds()
    requests, exceptions = reported(sinks, told)

    assert [one.status for one in told] == [one.status for one in STREAM]
    by_id = {one.id: one for one in told}
    assert Counter(one.id for one in requests) == Counter(by_id.keys())
    for subject in {one.subject for one in STREAM}:
        own = [seen for one, seen in zip(STREAM, told, strict=True) if one.subject == subject]
        theirs = [one for one in requests if one.subject == subject]
        failed = [one for one in own if one.status >= 400]

        count = sum(one.count for one in theirs)
        within = sum(one.count for one in theirs if began <= one.began <= began + timedelta(seconds=seconds))
        failures = sum(one.count for one in theirs if not one.success)
        assert within / seconds == pytest.approx(len(own) / seconds)
        assert failures / count == pytest.approx(len(failed) / len(own))
        assert Counter(one.status for one in theirs) == Counter(one.status for one in own)
        for share in (0.5, 0.95):
            waited_ms = quantile(((one.duration_ms, 1.0) for one in own), share)
            assert 0.0 < quantile(((one.duration_ms, one.count) for one in theirs), share) <= waited_ms
    for one in requests:
        assert one.duration_ms <= by_id[one.id].duration_ms, "it is measured inside of what the caller waits for"
        assert by_id[one.id].began <= one.began

    planted = Counter(one.subject for one in STREAM if one.status == 500)
    found: Counter[tuple[str, str]] = Counter()
    for one_exception in exceptions:
        found[_subject(one_exception)] += round(_count(one_exception))
    assert found == planted == {("flights", "2"): 1}
    assert exceptions[0]["data"]["baseData"]["exceptions"][0]["typeName"] == "shared.errors.ModelFailed"


def streams_until(system: System, error: str) -> list[list[Told]]:
    """Ask everything again and again, until the app has found out what is wrong with its telemetry."""
    answers: list[list[Told]] = []
    deadline = time.monotonic() + 30.0
    while True:
        answers.append(stream(system))
        with urllib.request.urlopen(f"{system.url}/api/health", timeout=30) as response:
            last_error = str(json.load(response)["telemetry"]["last_error"])
        if error in last_error:
            return answers
        assert time.monotonic() < deadline, last_error
        time.sleep(0.5)


def test_no_answer_changes_while_the_sink_hangs_or_is_down(system: System, sinks: RunningSinks) -> None:
    """Telemetry may be lost; it never costs an answer, nor makes one late."""
    expected = [(one.status, one.predictions) for one in STREAM]
    sinks.misbehave(sink="telemetry", hang_s=3.0, status=503, count=None)
    hanging = streams_until(system, "503")
    sinks.behave()
    system.process("sinks").stop()
    try:
        down = streams_until(system, "refused")
    finally:
        system.start_sinks()

    for told in (*hanging, *down):
        assert [(one.status, one.predictions) for one in told] == expected
        assert max(one.duration_ms for one in told) < 2_500.0, "an answer waited for telemetry"

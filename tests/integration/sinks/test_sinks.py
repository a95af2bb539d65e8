"""The sinks take what the real ones take, refuse what they refuse, and keep all of it."""

import gzip
import http.client
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from shared.alerts.signatures import sign
from tests.integration.sinks.running import RunningSinks, running_sinks

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@pytest.fixture(scope="module")
def sinks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSinks]:
    with running_sinks(tmp_path_factory.mktemp("sinks"), secret=SECRET) as running:
        yield running


@pytest.fixture(autouse=True)
def behaving(sinks: RunningSinks) -> Iterator[None]:
    yield
    sinks.behave()


def envelope(key: str, **changes: object) -> dict[str, Any]:
    whole = {
        "name": "Microsoft.ApplicationInsights.Event",
        "time": "2026-03-01T00:00:00.000Z",
        "iKey": key,
        "data": {"baseType": "EventData", "baseData": {"name": "something"}},
    }
    return {**whole, **changes}


def post(sinks: RunningSinks, path: str, body: bytes, headers: dict[str, str] | None = None) -> tuple[int, Any]:
    connection = http.client.HTTPConnection("127.0.0.1", sinks.process.port, timeout=10)
    try:
        connection.request("POST", path, body, headers or {})
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read() or b"null")
    finally:
        connection.close()


@pytest.mark.parametrize("path", ["/v2.1/track", "/v2/track"])
@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("form", ["array", "lines"])
def test_takes_batches_in_every_form(sinks: RunningSinks, path: str, *, packed: bool, form: str) -> None:
    key = f"{path}-{packed}-{form}"
    items = [envelope(key), envelope(key)]
    text = json.dumps(items) if form == "array" else "\n".join(map(json.dumps, items))
    body = gzip.compress(text.encode()) if packed else text.encode()

    status, account = post(sinks, path, body, {"Content-Encoding": "gzip"} if packed else {})

    assert (status, account) == (200, {"itemsReceived": 2, "itemsAccepted": 2, "errors": []})
    assert sinks.envelopes(key) == items


@pytest.mark.parametrize(
    "changes",
    [
        {"name": None},
        {"time": "yesterday"},
        {"iKey": ""},
        {"data": {"baseType": "NoSuchData", "baseData": {}}},
        {"data": {"baseType": "EventData"}},
        {"tags": {"ai.operation.id": 7}},
    ],
)
def test_refuses_what_is_no_envelope_and_takes_the_rest(sinks: RunningSinks, changes: dict[str, Any]) -> None:
    key = json.dumps(changes)

    status, account = post(sinks, "/v2.1/track", json.dumps([envelope(key, **changes), envelope(key)]).encode())

    assert status == 206
    assert account["itemsAccepted"] == 1
    assert [(error["index"], error["statusCode"]) for error in account["errors"]] == [(0, 400)]
    assert sinks.envelopes(key) == [envelope(key)]


@pytest.mark.parametrize("body", [b"{", b"[1,", b"\xff", b'{"a":1}\n{'])
def test_refuses_what_is_no_json(sinks: RunningSinks, body: bytes) -> None:
    assert post(sinks, "/v2.1/track", body)[0] == 400


@pytest.mark.parametrize(
    "body",
    [b"[]", gzip.compress(b"[]")[:-4], gzip.compress(bytes(65 << 20))],
    ids=["not gzip", "cut short", "too much"],  # the bytes say when they were made, and so would name each test anew
)
def test_refuses_what_is_no_gzip_or_too_much_of_it(sinks: RunningSinks, body: bytes) -> None:
    assert post(sinks, "/v2.1/track", body, {"Content-Encoding": "gzip"})[0] == 400


def test_misbehaves_as_planned_and_then_no_more(sinks: RunningSinks) -> None:
    sinks.misbehave(sink="telemetry", status=503, count=2)
    sinks.misbehave(sink="webhooks", status=500)
    sinks.misbehave(sink="telemetry", partial={"indexes": [0], "status": 429})
    batch = json.dumps([envelope("planned"), envelope("planned")]).encode()

    statuses = [post(sinks, "/v2.1/track", batch)[0] for _ in range(4)]

    assert statuses == [503, 503, 206, 200]
    assert len(sinks.envelopes("planned")) == 3
    assert [plan["sink"] for plan in sinks.planned()] == ["webhooks"]


def test_hangs_as_planned(sinks: RunningSinks) -> None:
    sinks.misbehave(sink="telemetry", hang_s=0.3)
    begun = time.monotonic()

    post(sinks, "/v2.1/track", b"[]")

    assert time.monotonic() - begun >= 0.3


def test_refuses_a_plan_it_does_not_understand(sinks: RunningSinks) -> None:
    """A misspelt misbehaviour would make a test pass that tests nothing."""
    assert post(sinks, "/faults", b'{"sink": "telemetry", "stauts": 503}')[0] == 400


def signed(body: bytes, *, age_s: int = 0) -> dict[str, str]:
    timestamp = int(time.time()) - age_s
    return {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(timestamp),
        "webhook-signature": f"v1,AAAA {sign(SECRET, id='msg_1', timestamp=timestamp, body=body)}",
    }


def test_takes_a_signed_webhook(sinks: RunningSinks) -> None:
    status, answer = post(sinks, "/webhook/ops", b'{"alert": 1}', signed(b'{"alert": 1}'))

    kept = sinks.webhooks()[-1]
    assert (status, answer) == (200, {"verdict": "valid"})
    assert (kept["name"], kept["body"], kept["verdict"]) == ("ops", '{"alert": 1}', "valid")
    assert kept["headers"]["webhook-id"] == "msg_1"


@pytest.mark.parametrize(
    ("headers", "verdict"),
    [
        # Made when the test runs: signatures grow old while other tests do.
        (dict, "without webhook-id"),
        (lambda: signed(b"another body"), "no signature fits"),
        (lambda: signed(b"{}", age_s=301), "more than five minutes away"),
    ],
)
def test_refuses_and_keeps_a_webhook_it_cannot_trust(
    sinks: RunningSinks, headers: Callable[[], dict[str, str]], verdict: str
) -> None:
    status, _ = post(sinks, "/webhook/ops", b"{}", headers())

    assert status == 401
    assert verdict in sinks.webhooks()[-1]["verdict"]


def test_stops_cleanly_and_keeps_what_it_had(tmp_path: Path) -> None:
    with running_sinks(tmp_path) as first:
        post(first, "/v2.1/track", json.dumps([envelope("kept")]).encode())
        post(first, "/webhook/ops", b"{}")
        assert first.process.stop() == 0
        assert first.process.log.read_text() == ""

    with running_sinks(tmp_path) as second:
        assert second.envelopes("kept") == [envelope("kept")]
        assert [webhook["verdict"] for webhook in second.webhooks()] == ["unchecked"]

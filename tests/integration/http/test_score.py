"""Good requests are answered in every format; bad ones are told what is wrong, and break nothing."""

import asyncio
import json
import uuid
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from infra.local.system import System
from shared.blobs import Blobs, service
from tests.integration.http.conftest import Answered, Call
from tests.integration.models import answer

Score = Callable[..., Awaitable[Answered]]

ROWS = [[10.0, "AA"], [20, "UA"]]
RECORDS = [{"distance": distance, "carrier": carrier} for distance, carrier in ROWS]
SPLIT = {"columns": ["carrier", "distance"], "index": [0, 1], "data": [["AA", 10.0], ["UA", 20]]}


@pytest.mark.parametrize(
    "body",
    [
        {"data": ROWS},
        {"data": RECORDS},
        {"dataframe_split": SPLIT},
        {"dataframe_records": RECORDS},
        {"inputs": RECORDS},
        {"inputs": {"distance": [10.0, 20], "carrier": ["AA", "UA"]}},
        {"instances": RECORDS},
        {"input_data": SPLIT},
    ],
    ids=str,
)
async def test_every_format_is_answered(score: Score, body: dict[str, Any]) -> None:
    answered = await score(body)

    said = answered.body
    assert (answered.status, answered.content_type) == (200, "application/json")
    assert said["predictions"] == [answer(10), answer(20)]
    assert (said["model"], said["version"], said["capture"]) == ("flights", "1", "acked")
    assert [uuid.UUID(one).version for one in said["ids"]] == [7, 7]
    assert len(set(said["ids"])) == 2


async def test_a_version_can_be_asked_for(call: Call) -> None:
    answered = await call("POST", "/api/models/idle/versions/1/score", {"data": ROWS})

    assert (answered.status, answered.body["model"], answered.body["version"]) == (200, "idle", "1")


async def test_a_category_that_training_never_saw_is_scored_where_the_schema_takes_it(score: Score) -> None:
    assert (await score({"data": [[10.0, "ZZ"]]})).status == 200


async def test_a_callers_request_id_is_honoured_and_echoed(score: Score) -> None:
    for body, status in (({"data": ROWS}, 200), ({"data": [[]]}, 422), (b"{", 400)):
        answered = await score(body, headers={"X-Request-ID": "caller:42/a"})

        assert answered.status == status
        assert answered.body["request_id"] == answered.headers["X-Request-ID"] == "caller:42/a"


@pytest.mark.parametrize("given", ["x" * 129, "with blank", 'quote"', "é"])
async def test_a_request_id_that_no_header_should_repeat_is_replaced(score: Score, given: str) -> None:
    answered = await score({"data": ROWS}, headers={"X-Request-ID": given})

    assert answered.headers["X-Request-ID"] == answered.body["request_id"] != given
    assert uuid.UUID(answered.body["request_id"]).version == 4


def row(distance: object = 10.0, carrier: object = "AA") -> dict[str, list[list[object]]]:
    return {"data": [[20.0, "UA"], [distance, carrier]]}


@pytest.mark.parametrize(
    ("body", "status", "code", "reason"),
    [
        (b"", 400, "unreadable_request", "not JSON"),
        (b"distance=10", 400, "unreadable_request", "not JSON"),
        (b'{"data": [[10.0, "AA"]]', 400, "unreadable_request", "not JSON"),
        (b"\xff\xfe{}", 400, "unreadable_request", "not UTF-8"),
        (b'{"data": [[NaN, "AA"]]}', 400, "unreadable_request", "NaN is not JSON"),
        (b'{"data": [[Infinity, "AA"]]}', 400, "unreadable_request", "Infinity is not JSON"),
        (b'{"data": [{"distance": 1, "carrier": "AA", "distance": 2}]}', 400, "unreadable_request", "stands twice"),
        (b'{"data": ' + b"[" * 10_000 + b"]" * 10_000 + b"}", 400, "unreadable_request", "deeper than 32"),
        (b'{"data": [[' + b"9" * 5_000 + b', "AA"]]}', 400, "unreadable_request", "more digits"),
        (b'{"data": [[10.0, "\\ud800"]]}', 400, "unreadable_request", "surrogate"),
        (b"null", 400, "unreadable_request", "an object with one of"),
        (b"[]", 400, "unreadable_request", "an object with one of"),
        ({}, 400, "unreadable_request", "exactly one of"),
        ({"data": ROWS, "inputs": ROWS}, 400, "unreadable_request", "exactly one of"),
        ({"data": []}, 400, "unreadable_request", "no rows"),
        ({"data": ROWS, "threshold": 1}, 400, "unreadable_request", "no place for 'threshold'"),
        ({"data": [[10.0, "AA"]] * 1_001}, 413, "request_too_large", "1001, and 1000 is the limit"),
        (b'{"data": [[10.0, "AA"]]}' + b" " * (4 * 1024 * 1024), 413, "request_too_large", "4194304 is the limit"),
    ],
)
async def test_a_request_that_cannot_be_read_says_why(
    score: Score, body: object, status: int, code: str, reason: str
) -> None:
    problem = refused(await score(body), status)

    assert (problem["code"], problem.get("errors")) == (code, None)
    assert reason in problem["detail"]


@pytest.mark.parametrize(
    ("model", "body", "feature", "reason"),
    [
        ("flights", b'{"data": [[20.0, "UA"], [1e999, "AA"]]}', "distance", "larger than a float holds"),
        ("flights", row(distance="ten"), "distance", "a number is wanted, not a text"),
        ("flights", row(distance=True), "distance", "a number is wanted, not a truth value"),
        ("flights", row(distance=None), "distance", "a number is wanted, not null"),
        ("flights", row(distance=[10.0]), "distance", "a number is wanted, not an array"),
        ("flights", row(distance=10**400), "distance", "does not fit in 64 bits"),
        ("flights", row(carrier=7), "carrier", "a text is wanted, not a number"),
        ("flights", row(carrier="x" * 2_000), "carrier", "2000 characters"),
        ("strict", row(carrier="ZZ"), "carrier", "not one of the categories"),
        ("flights", {"data": [[20.0, "UA"], [10.0]]}, None, "1 values for 2 features"),
        ("flights", {"data": [RECORDS[0], {"distance": 10.0}]}, "carrier", "missing"),
        ("flights", {"data": [RECORDS[0], RECORDS[0] | {"weather": 1}]}, "weather", "no such feature"),
        ("flights", {"data": [RECORDS[0], "row"]}, None, "not an object"),
        ("flights", {"data": ROWS, "external_ids": ["a", 7]}, "external_id", "1 to 256 characters"),
    ],
)
async def test_a_row_that_does_not_fit_is_named_with_its_feature(
    score: Score, model: str, body: object, feature: str | None, reason: str
) -> None:
    problem = refused(await score(body, model=model), 422)

    (error,) = problem["errors"]
    assert problem["code"] == "invalid_rows"
    assert (error["row"], error.get("feature")) == (1, feature)
    assert reason in error["reason"]
    assert "row 1" in problem["detail"]


@pytest.mark.parametrize(
    "path",
    [
        "/api/models/trains/score",
        "/api/models/idle/score",
        "/api/models/flights/versions/9/score",
        "/api/models/Flights/score",
        "/api/models/flights%20/score",
        "/api/models/%5f_unknown/score",
        "/api/models/..%5cx/score",
        f"/api/models/{'x' * 64}/score",
        f"/api/models/{'x' * 4_000}/score",
        "/api/models/flights/versions/1%00/score",
        "/api/models/%ff/score",
    ],
    ids=lambda path: path[:40],
)
async def test_a_model_or_version_that_is_not_there_is_a_404_with_its_reason(call: Call, path: str) -> None:
    problem = refused(await call("POST", path, {"data": ROWS}), 404)

    assert problem["code"] == "unknown_model"


@pytest.mark.parametrize(
    "path",
    ["/api/models/../x/score", "/api/models/%2e%2e%2fx/score", "/api/models/..%2fx/score", "/api/models//score"],
)
async def test_a_path_that_leads_elsewhere_leads_nowhere(call: Call, path: str) -> None:
    assert (await call("POST", path, {"data": ROWS})).status == 404


async def test_a_model_that_raises_is_said_to_be_at_fault(score: Score) -> None:
    """The one thing that is not the caller's fault: the row fits its schema."""
    answered = await score({"data": [[400.0, "AA"]]})

    assert (answered.status, answered.content_type) == (500, "application/problem+json")
    assert answered.body["code"] == "model_failed"


async def test_broken_requests_lose_nothing_of_the_good_ones_beside_them(score: Score, system: System) -> None:
    broken = [b"{", b'{"data":' * 5_000, json.dumps(row(distance="ten")).encode(), {"data": [[400.0, "AA"]]}, b""]
    requests = [(score({"data": [[number, "AA"]]}), score(broken[number % 5])) for number in range(40)]

    answers = await asyncio.gather(*(one for pair in requests for one in pair))

    good, bad = answers[::2], answers[1::2]
    assert [one.body["predictions"] for one in good] == [[answer(number)] for number in range(40)]
    assert {one.body["capture"] for one in good} == {"acked"}
    assert {one.status for one in bad} == {400, 422, 500}
    ids = [one.body["ids"][0] for one in good]
    assert await found_in_logs(system, ids) == dict.fromkeys(ids, 1)


async def test_a_request_without_an_answer_is_found_as_a_failure_with_its_cause(call: Call, system: System) -> None:
    own = f"failing-{uuid.uuid4()}"
    for path, body in (
        ("flights/score", b"{"),
        ("flights/score", row(distance="ten")),
        ("flights/score", {"data": [RECORDS[0], RECORDS[0] | {"4711 secret": 1}]}),
        ("flights/score", {"data": [[400.0, "AA"]]}),
        ("flights/versions/9/score", {"data": ROWS}),
        ("trains/score", {"data": ROWS}),
    ):
        await call("POST", f"/api/models/{path}", body, headers={"X-Request-ID": own})

    def ours(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [one for one in lines if one["request_id"] == own]

    found = ours(await lines_in_logs(system, "kind=failure/", until=lambda lines: len(ours(lines)) == 6))
    told = ("model", "version", "status", "code", "feature", "asked", "rows")
    causes = {tuple(one[name] for name in told) for one in found}
    assert causes == {
        ("flights", "1", 400, "unreadable_request", None, None, None),
        ("flights", "1", 422, "invalid_rows", "distance", None, 2),
        ("flights", "1", 422, "invalid_rows", None, None, 2),
        ("flights", "1", 500, "model_failed", None, None, None),
        ("flights", None, 404, "unknown_model", None, None, None),
        ("_unknown", None, 404, "unknown_model", None, "trains", None),
    }
    assert len(found) == 6
    assert "secret" not in json.dumps(found)


def refused(answered: Answered, status: int) -> dict[str, Any]:
    """Return the problem document that a refusal is."""
    problem: dict[str, Any] = answered.body
    assert (answered.status, answered.content_type) == (status, "application/problem+json")
    assert problem["status"] == status
    assert problem["title"]
    assert problem["request_id"] == answered.headers["X-Request-ID"]
    return problem


async def found_in_logs(system: System, ids: list[str]) -> dict[str, int]:
    """Return how often each prediction stands in the hour logs, once all do or 20 seconds have passed."""

    def counts(lines: list[dict[str, Any]]) -> dict[str, int]:
        found = Counter(line["id"] for line in lines)
        return {one: found[one] for one in ids}

    folder = "kind=prediction/model=flights/"
    return counts(await lines_in_logs(system, folder, until=lambda lines: min(counts(lines).values()) > 0))


async def lines_in_logs(
    system: System, folder: str, *, until: Callable[[list[dict[str, Any]]], bool]
) -> list[dict[str, Any]]:
    """Return the lines of all hour logs in a folder, once they are what is waited for or 20 seconds have passed."""
    blobs = Blobs(service(system.settings["STORAGE"]))
    lines: list[dict[str, Any]] = []
    for _ in range(40):
        found = [await blobs.read(stored.path) async for stored in blobs.under(f"captures/logs/{folder}")]
        lines = [json.loads(line) for content in found for line in content.data.splitlines()]
        if until(lines):
            break
        await asyncio.sleep(0.5)
    await blobs.close()
    return lines

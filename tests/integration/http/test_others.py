"""Actuals, the catalog, health: answers to what is not scoring."""

import asyncio
import time
import uuid
from typing import Any

import msgspec
import pytest

from infra.local.system import System
from shared.alerts.outbox import Outbox
from shared.blobs import Blobs, service
from shared.clock import Clock
from shared.retraining.decision import Decision, Decisions
from shared.retraining.situation import Numbers
from shared.retraining.verdicts import Verdict
from tests.integration.http.conftest import Answered, Call
from tests.integration.http.test_score import found_in_logs, refused

ACTUALS = "/api/models/flights/actuals"
OWN = str(uuid.uuid4())


async def test_actuals_are_answered_one_by_one(call: Call) -> None:
    """One that cannot be taken does not keep the others out."""
    given: list[Any] = [
        {"prediction_id": OWN, "value": True},
        {"external_id": "AA1", "value": 12.5, "at": "2026-03-01T09:30:00+02:00"},
        {"external_id": "AA1"},
        {"value": 1},
        {"prediction_id": OWN, "external_id": "AA1", "value": 1},
        {"prediction_id": "7", "value": 1},
        {"external_id": "", "value": 1},
        {"external_id": "AA1", "value": None},
        {"external_id": "AA1", "value": 10**30},
        {"external_id": "AA1", "value": 1, "at": "2026-03-01T09:30:00"},
        {"external_id": "AA1", "value": 1, "at": "0001-01-01T00:00:00+14:00"},
        {"external_id": "AA1", "value": 1, "weight": 1},
        "late",
        {"external_id": "AA1", "value": "late"},
    ]

    answered = await call("POST", ACTUALS, given)

    said = answered.body
    assert answered.status == 200
    assert [one["status"] for one in said["actuals"]] == ["accepted"] * 2 + ["refused"] * 12
    assert [one.get("code") for one in said["actuals"]] == [None] * 2 + ["unreadable"] * 11 + ["wrong_type"]
    assert (said["accepted"], said["refused"], said["capture"], said["model"]) == (2, 12, "acked", "flights")
    assert [uuid.UUID(one["id"]).version for one in said["actuals"][:2]] == [7, 7]
    assert all(one["reason"] for one in said["actuals"][2:])


async def test_one_bad_actual_among_ten_thousand_keeps_none_of_the_others_out(call: Call) -> None:
    given: list[Any] = [{"external_id": f"AA{number}", "value": number} for number in range(10_000)]
    given[4_711]["value"] = "late"

    said = (await call("POST", ACTUALS, given)).body

    assert (said["accepted"], said["refused"], said["capture"]) == (9_999, 1, "acked")
    assert [number for number, one in enumerate(said["actuals"]) if one["status"] == "refused"] == [4_711]


@pytest.mark.parametrize(
    ("path", "body", "status", "code"),
    [
        (ACTUALS, b"", 400, "unreadable_request"),
        (ACTUALS, {}, 400, "unreadable_request"),
        (ACTUALS, [], 400, "unreadable_request"),
        (ACTUALS, b'[{"external_id": "a", "value": NaN}]', 400, "unreadable_request"),
        (ACTUALS, b'[{"external_id": "a", "value": 1, "value": 2}]', 400, "unreadable_request"),
        (ACTUALS, b"[" * 10_000, 400, "unreadable_request"),
        (ACTUALS, [{"external_id": "a", "value": 1}] * 10_001, 413, "request_too_large"),
        (ACTUALS, b" " * (4 * 1024 * 1024 + 1), 413, "request_too_large"),
        ("/api/models/trains/actuals", [{"external_id": "a", "value": 1}], 404, "unknown_model"),
        ("/api/models/Flights/actuals", [{"external_id": "a", "value": 1}], 404, "unknown_model"),
    ],
)
async def test_actuals_that_cannot_be_taken_at_all_are_refused(
    call: Call, path: str, body: object, status: int, code: str
) -> None:
    assert refused(await call("POST", path, body), status)["code"] == code


async def test_the_catalog_says_which_models_and_versions_there_are(call: Call) -> None:
    models = (await call("GET", "/api/models")).body["models"]
    flights = (await call("GET", "/api/models/flights")).body
    version = (await call("GET", "/api/models/flights/versions/1")).body

    assert [one["model"] for one in models] == ["flights", "idle", "strict"]
    assert flights == {
        "model": "flights",
        "versions": ["1"],
        "aliases": {"champion": "1"},
        "challengers": [],
        "retired_at": {},
    }
    assert version["retired_at"] is None
    assert [one["name"] for one in version["schema"]["features"]] == ["distance", "carrier"]


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/api/models/trains", "unknown_model"),
        ("/api/models/flights/versions/9", "unknown_model"),
        ("/api/models/flights/versions/..%5c1", "unknown_model"),
        ("/api/models/trains/evaluation", "unknown_model"),
        ("/api/models/flights/evaluation", "no_evaluation"),
        ("/api/models/trains/decision", "unknown_model"),
        ("/api/models/flights/decision", "no_decision"),
    ],
)
async def test_what_the_catalog_does_not_have_is_a_404(call: Call, path: str, code: str) -> None:
    assert refused(await call("GET", path), 404)["code"] == code


async def test_the_newest_decision_about_a_model_is_answered(call: Call, system: System) -> None:
    blobs = Blobs(service(system.settings["STORAGE"]))
    decision = Decision(
        model="strict",
        start="2026-03-01T00",
        end="2026-03-02T00",
        champion="1",
        challenger=None,
        verdict=Verdict.KEEP,
        rule=None,
        numbers=Numbers(champion_loss=0.25, age=1),
        reasons=("no retrain_cost is stated",),
        would_change_it="a cost",
        config="0" * 64,
        inputs={},
    )
    await Decisions(blobs, Outbox(blobs, Clock.real(), ())).note(decision)
    await blobs.close()

    answered = await call("GET", "/api/models/strict/decision")

    assert answered.status == 200
    assert msgspec.convert(answered.body, Decision) == decision
    assert (answered.body["verdict"], answered.body["numbers"]["champion_loss"]) == ("keep", 0.25)


async def test_without_a_key_nothing_is_answered_but_health(call: Call) -> None:
    anonymous = {"x-functions-key": ""}

    assert (await call("POST", "/api/models/flights/score", {"data": []}, headers=anonymous)).status == 401
    assert (await call("GET", "/api/models", headers=anonymous)).status == 401
    assert (await call("GET", "/api/health", headers=anonymous)).status == 200


async def test_with_the_hub_down_health_fails_and_nothing_is_lost(call: Call, system: System) -> None:
    """The answer comes first, within the time-out, and says that it waits in the spool."""
    healthy = await call("GET", "/api/health")
    system.process("eventhubs").stop()
    try:
        started = time.monotonic()
        answered = await call("POST", "/api/models/flights/score", {"data": [[10.0, "AA"]]})
        refused_model = await call("POST", "/api/models/trains/score", {"data": [[10.0, "AA"]]})
        took_s = time.monotonic() - started
        failing = await call("GET", "/api/health")
    finally:
        system.start_hub()
    again = await until_ok(call)
    kept = await until_acked(call)
    drained = await call("POST", "/admin/functions/drain", {}, headers={"x-functions-key": system.key("master")})

    assert (healthy.status, healthy.body["status"]) == (200, "ok")
    assert {name: one["reached"] for name, one in healthy.body["dependencies"].items()} == {
        "storage": True,
        "event_hubs": True,
    }
    assert (answered.status, answered.body["capture"]) == (200, "spooled")
    assert (refused_model.status, drained.status) == (404, 202)
    assert took_s < float(system.settings.get("CAPTURE_TIMEOUT_S", "5")) + 1.0
    assert (failing.status, failing.body["status"]) == (503, "failing")
    assert failing.body["dependencies"]["storage"]["reached"]
    assert not failing.body["dependencies"]["event_hubs"]["reached"]
    assert b"127.0.0.1" not in failing.data
    assert again.status == 200
    assert kept.body["capture"] == "acked"
    ids = [*answered.body["ids"], *kept.body["ids"]]
    assert await found_in_logs(system, ids) == dict.fromkeys(ids, 1)


async def until_ok(call: Call) -> Answered:
    """Return the first healthy answer, or the last of 20 seconds."""
    answered = await call("GET", "/api/health")
    for _ in range(40):
        if answered.status == 200:
            break
        await asyncio.sleep(0.5)
        answered = await call("GET", "/api/health")
    return answered


async def until_acked(call: Call) -> Answered:
    """Return the first answer whose prediction the hub has, or the last of 20 seconds: the scorer finds it back by itself."""
    for _ in range(80):
        answered = await call("POST", "/api/models/flights/score", {"data": [[10.0, "AA"]]})
        if answered.body["capture"] == "acked":
            break
        await asyncio.sleep(0.25)
    return answered

"""Items become the envelopes that Application Insights documents."""

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from infra.local.sinks.envelopes import flaw
from shared.errors import TelemetryUnanswered
from shared.telemetry.envelopes import Envelopes, duration
from shared.telemetry.items import Dependency, Item, Metric, Request, Subject, exceptional

AT = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)
SUBJECT = Subject("flights", "1", "op-1", {"capture": "acked"})


@pytest.fixture(scope="module")
def envelopes() -> Envelopes:
    return Envelopes("00000000-0000-0000-0000-000000000001", role="driftline")


def written(envelopes: Envelopes, item: Item) -> dict[str, Any]:
    envelope: dict[str, Any] = json.loads(envelopes.encode(item))
    assert flaw(envelope) is None
    return envelope


def test_a_request_says_what_who_when_and_how_long(envelopes: Envelopes) -> None:
    there = AT.astimezone(timezone(timedelta(hours=-5)))

    envelope = written(envelopes, Request("r1", "score flights:1", there, 1.25, 422, False, SUBJECT))  # noqa: FBT003

    assert envelope["time"] == "2026-03-01T12:30:00.000000Z"
    assert envelope["tags"]["ai.operation.id"] == "op-1"
    assert envelope["tags"]["ai.cloud.role"] == "driftline"
    assert envelope["data"]["baseType"] == "RequestData"
    assert envelope["data"]["baseData"] == {
        "ver": 2,
        "id": "r1",
        "name": "score flights:1",
        "duration": "0.00:00:00.001250",
        "responseCode": "422",
        "success": False,
        "properties": {"capture": "acked", "model": "flights", "version": "1"},
    }


def test_a_dependency_says_what_was_called(envelopes: Envelopes) -> None:
    item = Dependency("d1", "send", "Azure Event Hubs", "hub", AT, 3.0, "timeout", False, SUBJECT)  # noqa: FBT003

    data = written(envelopes, item)["data"]["baseData"]

    assert (data["name"], data["type"], data["target"]) == ("send", "Azure Event Hubs", "hub")
    assert (data["resultCode"], data["success"]) == ("timeout", False)


def test_a_metric_says_number_sum_and_extremes(envelopes: Envelopes) -> None:
    data = written(envelopes, Metric("rows", AT, 3, 0.0, -1.0, 1.0, Subject()))["data"]["baseData"]

    point = data["metrics"][0]
    assert (point["name"], point["kind"], point["count"]) == ("rows", 1, 3)
    assert (point["value"], point["min"], point["max"]) == (0.0, -1.0, 1.0)
    assert "properties" not in data


def test_an_exception_says_where_it_was_raised_but_not_its_message(envelopes: Envelopes) -> None:
    """Messages quote values: int("secret") does."""

    def culprit() -> None:
        int("secret")

    with pytest.raises(ValueError, match="secret") as caught:
        culprit()

    envelope = written(envelopes, exceptional(caught.value, at=AT, subject=SUBJECT))

    details = envelope["data"]["baseData"]["exceptions"][0]
    assert details["typeName"] == "builtins.ValueError"
    assert details["parsedStack"][0]["method"].endswith("culprit")
    assert details["parsedStack"][0]["fileName"] == __file__
    assert details["parsedStack"][0]["line"] == culprit.__code__.co_firstlineno + 1
    assert "secret" not in json.dumps(envelope)


def test_a_fault_says_its_code(envelopes: Envelopes) -> None:
    fault = exceptional(TelemetryUnanswered(reason="x"), at=AT, subject=Subject())

    details = written(envelopes, fault)["data"]["baseData"]["exceptions"][0]

    assert details["message"] == "telemetry_unanswered"


def test_what_belongs_to_no_operation_has_no_tag_for_it(envelopes: Envelopes) -> None:
    """A tag that is null gets the whole item refused."""
    written(envelopes, Request("r", "n", AT, 1.0, 200, True, SUBJECT))  # noqa: FBT003

    envelope = written(envelopes, exceptional(ValueError(), at=AT, subject=Subject()))

    assert "ai.operation.id" not in envelope["tags"]


def test_a_deep_stack_keeps_its_nearest_frames() -> None:
    """A RecursionError has a thousand frames, and an ingestion endpoint takes 64 KiB."""

    def dive(depth: int) -> None:
        if not depth:
            raise TimeoutError
        dive(depth - 1)

    with pytest.raises(TimeoutError) as caught:
        dive(200)

    frames = exceptional(caught.value, at=AT, subject=Subject()).frames
    assert len(frames) == 50
    assert frames[0].line == dive.__code__.co_firstlineno + 2


def test_long_texts_are_cut(envelopes: Envelopes) -> None:
    subject = Subject("m" * 5000, "1", "op", {"p": "x" * 5000})

    data = written(envelopes, Request("r", "n" * 5000, AT, 1.0, 200, True, subject))["data"]["baseData"]  # noqa: FBT003

    assert {len(data["name"]), len(data["properties"]["p"]), len(data["properties"]["model"])} == {1024}


@pytest.mark.parametrize(
    ("milliseconds", "text"),
    [
        (0.0, "0.00:00:00.000000"),
        (-1.0, "0.00:00:00.000000"),
        (999.9999, "0.00:00:01.000000"),
        (59_999.0, "0.00:00:59.999000"),
    ],
)
def test_durations_are_written_to_the_microsecond(milliseconds: float, text: str) -> None:
    assert duration(milliseconds) == text

"""What is read from the bindings of an app, and what is refused."""

from collections.abc import Mapping
from typing import Any

import pytest

from infra.local.host.bindings import resolve
from infra.local.host.engine import IndexedFunction
from infra.local.host.errors import CannotStart
from infra.local.host.triggers import EventHubTrigger, TimerTrigger, read_triggers

HUB = {
    "type": "eventHubTrigger",
    "name": "events",
    "eventHubName": "%HUB%",
    "consumerGroup": "%GROUP%",
    "connection": "EVENTS",
    "cardinality": "MANY",
}
TIMER = {"type": "timerTrigger", "name": "timer", "schedule": "%TICKS%"}
HTTP = {"type": "httpTrigger", "name": "req", "route": "a"}


def function(*bindings: Mapping[str, Any]) -> IndexedFunction:
    return IndexedFunction("f", "f", bindings)


def test_settings_are_put_in() -> None:
    settings = {
        "HUB": "flights",
        "GROUP": "capture",
        "EVENTS": "Endpoint=…",
        "TICKS": "0 * * * * *",
        "AzureWebJobsStorage": "…",
    }

    hub, timer = read_triggers(resolve([function(HUB), function(TIMER)], settings), route_prefix="")

    assert isinstance(hub, EventHubTrigger)
    assert (hub.hub, hub.consumer_group, hub.connection, hub.binary) == ("flights", "capture", "EVENTS", False)
    assert isinstance(timer, TimerTrigger)
    assert timer.monitored


def test_every_missing_setting_is_named_at_once() -> None:
    """One start for each missing setting would be a long evening."""
    with pytest.raises(CannotStart, match="AzureWebJobsStorage, EVENTS, GROUP, HUB, TICKS"):
        resolve([function(HUB), function(TIMER)], {})


def test_an_identity_needs_a_namespace_and_no_key() -> None:
    settings = {"HUB": "h", "GROUP": "g", "EVENTS__fullyQualifiedNamespace": "x", "AzureWebJobsStorage": "…"}

    resolve([function(HUB)], settings)


@pytest.mark.parametrize(
    ("binding", "reason"),
    [
        ({**HUB, "cardinality": "ONE"}, "cardinality many"),
        ({"type": "blobTrigger", "name": "blob"}, "blobTrigger"),
        ({**HTTP, "route": "{a:regex(b)}"}, "regex"),
        ({**HTTP, "authLevel": "EVERYBODY"}, "everybody"),
        ({**TIMER, "schedule": "0"}, "six fields"),
    ],
)
def test_what_this_host_cannot_do_is_refused(binding: dict[str, Any], reason: str) -> None:
    with pytest.raises(CannotStart, match=reason):
        read_triggers([function(binding)], route_prefix="")


def test_output_bindings_are_refused() -> None:
    """They would silently send nothing."""
    queue = {"type": "queue", "name": "out", "direction": "OUT"}

    with pytest.raises(CannotStart, match="queue"):
        read_triggers([function(HTTP, queue)], route_prefix="")


@pytest.mark.parametrize(("data_type", "warnings"), [("", 1), ("STRING", 0), ("BINARY", 0)])
def test_bodies_of_no_declared_type_are_warned_of(
    caplog: pytest.LogCaptureFixture, data_type: str, warnings: int
) -> None:
    """What works here would stop a partition in Azure at the first body that is not a single JSON document."""
    (hub,) = read_triggers([function({**HUB, "dataType": data_type})], route_prefix="")

    assert isinstance(hub, EventHubTrigger)
    assert hub.binary is (data_type == "BINARY")
    assert len(caplog.records) == warnings

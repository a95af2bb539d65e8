"""Trigger data in the shape in which the real host sends it to its worker."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, Final, cast
from uuid import UUID

from azure.eventhub import EventData
from azure.eventhub.aio import PartitionContext
from azure.functions.meta import Datum

from infra.local.host.engine import TriggerData
from infra.local.host.schedules import TimerStatus

# What .NET says for a moment that never was.
NEVER: Final = datetime(1, 1, 1, tzinfo=UTC)


def http_data(
    argument: str,
    *,
    method: str,
    url: str,
    headers: Mapping[str, str],
    query: Mapping[str, str],
    route_params: Mapping[str, str],
    body: bytes,
) -> TriggerData:
    """Return a request as ``func.HttpRequest`` is made from it; the body stays bytes."""
    request = {
        "method": Datum(method, "string"),
        "url": Datum(url, "string"),
        "headers": _texts(headers),
        "query": _texts(query),
        "params": _texts(route_params),
        "body": Datum(body, "bytes"),
    }
    return TriggerData(argument, Datum(request, "http"))


def timer_data(argument: str, *, status: TimerStatus | None, past_due: bool) -> TriggerData:
    """Return a tick as ``func.TimerRequest`` is made from it; without a status, ``schedule_status`` is empty."""
    document: dict[str, Any] = {"Schedule": {"AdjustForDST": True}, "IsPastDue": past_due}
    if status is not None:
        document["ScheduleStatus"] = status_document(status)
    return TriggerData(argument, Datum(json.dumps(document), "json"))


def status_document(status: TimerStatus) -> dict[str, str]:
    """Return the document that is stored for a timer and shown to its function."""
    return {
        "Last": (status.last or NEVER).isoformat(),
        "Next": status.next.isoformat(),
        "LastUpdated": status.updated.isoformat(),
    }


def events_data(
    argument: str, events: Sequence[EventData], partition: PartitionContext, *, binary: bool
) -> TriggerData:
    """Return a batch of one partition as ``list[func.EventHubEvent]`` is made from it.

    Bodies that are declared as strings become text on the way, as with the real host: bytes that are not UTF-8 are
    replaced.
    """
    bodies = [b"".join(cast("Iterable[bytes]", event.body)) for event in events]
    if binary:
        datum = Datum(SimpleNamespace(bytes=bodies), "collection_bytes")
    else:
        datum = Datum(SimpleNamespace(string=[body.decode("utf-8", "replace") for body in bodies]), "collection_string")
    system = [_system_properties(event) for event in events]
    metadata = {
        "PartitionContext": {
            "FullyQualifiedNamespace": partition.fully_qualified_namespace,
            "EventHubName": partition.eventhub_name,
            "ConsumerGroup": partition.consumer_group,
            "PartitionId": partition.partition_id,
        },
        "PropertiesArray": [_plain(event.properties) for event in events],
        "SystemPropertiesArray": system,
        **{f"{name}Array": [each[name] for each in system] for name in system[0]},
    }
    return TriggerData(argument, datum, {name: Datum(json.dumps(value), "json") for name, value in metadata.items()})


def _system_properties(event: EventData) -> dict[str, object]:
    return {
        "SequenceNumber": event.sequence_number,
        "Offset": event.offset,
        "PartitionKey": _plain(event.partition_key),
        "EnqueuedTimeUtc": _plain(event.enqueued_time),
    }


def _texts(values: Mapping[str, str]) -> dict[str, Datum]:
    return {name: Datum(value, "string") for name, value in values.items()}


def _plain(value: object) -> Any:  # noqa: ANN401 - JSON
    """Return an AMQP value as JSON holds it."""
    match value:
        case bytes():
            return value.decode("utf-8", "replace")
        case datetime():
            return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        case UUID():
            return str(value)
        case Mapping():
            return {_plain(key): _plain(item) for key, item in value.items()}
        case list() | tuple():
            return [_plain(item) for item in value]
        case _:
            return value

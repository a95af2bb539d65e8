"""From a hub to a batch as the worker hands it over, and from storage back to records."""

import asyncio
import json
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, cast

import azure.functions as func
from azure.eventhub import EventData
from azure.eventhub.aio import EventHubConsumerClient, PartitionContext
from azure.functions import meta

from shared.blobs import Blobs
from shared.capture.records import Kind, Outgoing, Shelf
from shared.clock import Clock
from shared.ids import uuid7
from shared.registry.manifest import Manifest, Source, Task
from shared.schema import Feature, FeatureType, Output, Schema
from shared.scoring.prediction import Prediction

HUB = "driftline"
_SCHEMA = Schema(
    features=(Feature(name="distance", type=FeatureType.FLOAT),),
    outputs=(Output(name="prediction", type=FeatureType.FLOAT),),
)


def manifest(model: str, version: str) -> Manifest:
    """Return the manifest of a version whose files do not matter."""
    return Manifest(
        model=model,
        version=version,
        task=Task.REGRESSION,
        schema=_SCHEMA,
        sources=(Source(tensor="variable"),),
        flavour="onnx",
        files={"model.onnx": "0" * 64},
        actual="delay",
        training_data="0" * 64,
        training_rows=10,
        registered_at=datetime(2026, 1, 1, tzinfo=UTC),
    )


def predictions(
    clock: Clock, rows: int, *, model: str = "flights", version: str = "1", **inputs: float | str
) -> list[Prediction]:
    """Return the predictions of one request."""
    now = clock.now()
    return [
        Prediction(
            id=uuid7(now),
            model=model,
            version=version,
            request_id="request",
            row=row,
            external_id=None,
            at=now.isoformat(),
            inputs={"distance": 1.5, **inputs},
            outputs={"prediction": 0.5},
            latency_ms=1.0,
        )
        for row in range(rows)
    ]


def outgoing(*bodies: bytes) -> list[Outgoing]:
    """Return events to be sent, whatever is in them, that say they are predictions of ``flights`` 1."""
    return [Outgoing(Shelf(Kind.PREDICTION, "flights", "1"), body) for body in bodies]


async def received(connection: str, *, expected: int) -> list[EventData]:
    """Receive the first events of the only partition."""
    client = EventHubConsumerClient.from_connection_string(
        connection, consumer_group="$Default", eventhub_name=HUB, load_balancing_interval=0.2
    )
    events: list[EventData] = []
    complete = asyncio.Event()

    async def on_event(_: PartitionContext, event: EventData | None) -> None:
        if event is not None:
            events.append(event)
            if len(events) == expected:
                complete.set()

    receiving = asyncio.create_task(client.receive(on_event, partition_id="0", starting_position="-1"))
    try:
        await asyncio.wait_for(complete.wait(), 30.0)
    finally:
        await client.close()
        await receiving
    return events


def delivered(event: EventData, partition: str = "0") -> func.EventHubEvent:
    """Return an event as the worker hands it to the trigger."""
    body = b"".join(cast("Iterable[bytes]", event.body))
    return handed_over(body, partition, sequence=event.sequence_number or 0, at=cast("datetime", event.enqueued_time))


def events(clock: Clock, partition: str, *bodies: bytes) -> list[func.EventHubEvent]:
    """Return the first events of a partition, as the worker hands them to the trigger."""
    return [handed_over(body, partition, sequence=number, at=clock.now()) for number, body in enumerate(bodies)]


def handed_over(body: bytes, partition: str, *, sequence: int, at: datetime) -> func.EventHubEvent:
    """Return one event with what the trigger gets of it."""
    metadata = {"PartitionContext": meta.Datum(json.dumps({"PartitionId": partition}), "json")}
    return func.EventHubEvent(body=body, trigger_metadata=metadata, enqueued_time=at, sequence_number=sequence)


async def lines(blobs: Blobs, prefix: str, holding: str = "") -> list[dict[str, Any]]:
    """Return the lines of all logs under ``prefix`` whose path holds a text, log by log."""
    found: list[dict[str, Any]] = []
    async for stored in blobs.under(prefix):
        if holding in stored.path:
            content = await blobs.read(stored.path)
            found += [json.loads(line) for line in content.data.splitlines()]
    return found

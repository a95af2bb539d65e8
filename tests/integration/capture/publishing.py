"""What publishes, as the app builds it."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from azure.eventhub import EventData

from infra.local.eventhubs.emulator import Emulator
from infra.local.processes import free_port
from shared.blobs import Blobs, service
from shared.capture.hub import Hub, producer
from shared.capture.publishing.draining import Draining
from shared.capture.publishing.lanes import Lanes
from shared.capture.publishing.publisher import Publisher
from shared.capture.publishing.sending import Sending
from shared.capture.publishing.spool import Spool
from shared.clock import Clock
from shared.telemetry import Telemetry
from tests.integration.capture.delivery import HUB

TIMEOUT_S = 2.0
_CLOCK = Clock.real()
_AWAY = f"AccountName=a;AccountKey=a2V5;BlobEndpoint=http://127.0.0.1:{free_port()}/a;"


def lanes(emulator: Emulator) -> Lanes:
    """Return lanes to a hub, which need not be there yet."""
    return Lanes(lambda: Hub(producer(emulator.connection_string(), namespace="", hub=HUB)))


def publisher(emulator: Emulator, blobs: Blobs, telemetry: Telemetry | None = None, **options: Any) -> Publisher:  # noqa: ANN401 - of a publisher
    """Return what publishes to a hub, and to the spool in ``blobs``."""
    nowhere = Telemetry.to("", clock=_CLOCK)
    sending = Sending(
        lanes(emulator), Spool(blobs), telemetry or nowhere, _CLOCK, timeout_s=TIMEOUT_S, target="the hub"
    )
    return Publisher(sending, **options)


async def drained(emulator: Emulator, blobs: Blobs) -> int:
    """Empty the spool in ``blobs`` into a hub, as one run of the timer does, and return how many blobs that were."""
    telemetry = Telemetry.to("", clock=_CLOCK)
    way = lanes(emulator)
    made = Draining(Spool(blobs), way, _CLOCK, telemetry, target="the hub")
    try:
        return await made.drain()
    finally:
        await way.close()


@asynccontextmanager
async def without_storage(address: Emulator, **options: Any) -> AsyncIterator[Publisher]:  # noqa: ANN401 - of a publisher
    """Yield what publishes while nobody answers for storage."""
    blobs = Blobs(service(_AWAY))
    publishing = publisher(address, blobs, **options)
    yield publishing
    await publishing.close()
    await blobs.close()


@asynccontextmanager
async def asked_hub(address: Emulator) -> AsyncIterator[Hub]:
    """Yield a hub to be asked about itself."""
    made = Hub(producer(address.connection_string(), namespace="", hub=HUB))
    yield made
    await made.close()


def ids_of(events: list[EventData]) -> list[str]:
    return [json.loads(record)["id"] for event in events for record in event.body_as_str().split("\n")]

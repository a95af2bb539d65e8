"""A partition that let events go before anybody captured them holds nothing up, and hides nothing."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from azure.eventhub import EventData
from azure.eventhub.aio import EventHubProducerClient

from infra.local.eventhubs.emulator import Emulator
from shared import documents
from shared.blobs import Blobs
from shared.capture.cursor import Cursors
from shared.capture.gap import Gap, gap_path
from shared.capture.hub import Hub, producer
from shared.sealing.hours.watermark import WATERMARK_PATH, Watermark
from tests.integration.sealing.batches import event, prediction
from tests.integration.sealing.conftest import CONFIG, HUB, NINE, Stages
from tests.integration.stored import Calendar

SENT_AT = NINE + timedelta(hours=1)


@pytest.fixture
async def forgetting(stages: Stages, calendar: Calendar, tmp_path: Path) -> AsyncIterator[Stages]:
    """The same stages around a hub that keeps its events for a second."""
    async with Emulator(CONFIG, tmp_path / "short", clock=calendar, retention_s=1.0) as emulator:
        hub = Hub(producer(emulator.connection_string(), namespace="", hub=HUB))
        yield Stages(stages.blobs, hub, calendar)
        await hub.close()


async def _send(hub: Hub, calendar: Calendar, *, partition: str, events: int) -> None:
    calendar.set(SENT_AT)
    connection = hub._producer
    assert isinstance(connection, EventHubProducerClient)
    await connection.send_batch([EventData(b"?") for _ in range(events)], partition_id=partition)
    async with asyncio.timeout(30.0):
        while not (await hub.partition(partition)).is_empty:  # noqa: ASYNC110 - a hub tells nobody
            await asyncio.sleep(0.1)


async def _sealed_before(blobs: Blobs) -> str:
    return (await documents.read(blobs, WATERMARK_PATH, Watermark))[0].before


async def test_numbers_dropped_unread_are_recorded_and_their_hour_is_sealed(
    forgetting: Stages, calendar: Calendar
) -> None:
    """Nothing more will come to tell capture of them: without this they would be missed by nobody."""
    incarnation = await forgetting.hub.incarnation()
    cursors = Cursors(forgetting.blobs, calendar)
    await forgetting.capturing().append([event(prediction(NINE), sequence=0, at=NINE)])
    await _send(forgetting.hub, calendar, partition="0", events=4)
    await _send(forgetting.hub, calendar, partition="1", events=2)
    calendar.set(SENT_AT + timedelta(hours=2))

    await forgetting.sealing().seal()

    gap, _ = await documents.read(forgetting.blobs, gap_path(incarnation, "0", 1, 3), Gap)
    captured, never = [await cursors.read(incarnation, partition) for partition in ("0", "1")]
    assert (gap.first, gap.last, gap.accepted_by) == (1, 3, None)
    assert captured is not None
    assert (captured.first, captured.sequence, captured.enqueued_at) == (0, 3, SENT_AT)
    assert never is not None
    assert (never.first, never.sequence) == (2, 1)
    assert [one.path async for one in forgetting.blobs.under(f"captures/gaps/{incarnation}/p1/")] == []
    assert await _sealed_before(forgetting.blobs) == "2026-03-01T11"

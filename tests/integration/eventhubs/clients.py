"""What the tests do with the client, in one call each."""

# Where to send and from where to receive are options of the client's own.
# ruff: noqa: ANN401

import asyncio
from typing import Any

from azure.eventhub import EventData
from azure.eventhub.aio import EventHubConsumerClient, EventHubProducerClient, PartitionContext

from infra.local.eventhubs.emulator import Emulator
from infra.local.eventhubs.subscription import Subscription
from tests.integration.eventhubs.conftest import HUB

WAIT_S = 30.0


def producer(connection: str, hub: str = HUB, **options: Any) -> EventHubProducerClient:
    """Return a producer that gives up at once rather than trying again."""
    return EventHubProducerClient.from_connection_string(
        connection, eventhub_name=hub, **{"retry_total": 0, "auth_timeout": 5, **options}
    )


def consumer(connection: str, group: str = "$Default", hub: str = HUB) -> EventHubConsumerClient:
    """Return a consumer that gives up at once rather than trying again."""
    return EventHubConsumerClient.from_connection_string(
        connection,
        consumer_group=group,
        eventhub_name=hub,
        retry_total=0,
        auth_timeout=5,
        # Closing takes as long as one more round of balancing.
        load_balancing_interval=0.2,
    )


async def send(connection: str, *bodies: str, **where: Any) -> None:
    """Send ``bodies`` as one batch."""
    async with producer(connection) as client:
        await client.send_batch([EventData(body) for body in bodies], **where)


async def receive(
    client: EventHubConsumerClient, expected: int, *, partition_id: str = "0", position: Any = "-1", **options: Any
) -> list[EventData]:
    """Receive ``expected`` events of a partition, then close the client; raise what the client reports instead."""
    events: list[EventData] = []
    outcome: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def on_events(_: PartitionContext, batch: list[EventData]) -> None:
        events.extend(batch)
        if len(events) >= expected and not outcome.done():
            outcome.set_result(None)

    async def on_error(_: PartitionContext | None, error: Exception) -> None:
        if not outcome.done():
            outcome.set_exception(error)

    receiving = asyncio.create_task(
        client.receive_batch(
            on_events, on_error=on_error, partition_id=partition_id, starting_position=position, **options
        )
    )
    try:
        await asyncio.wait_for(outcome, WAIT_S)
    finally:
        await client.close()
        await receiving
    return events


async def attach(connection: str, position: str | int, *, group: str = "$Default") -> None:
    """Open a receiver of partition 0 and close it again; raise what the hub answers.

    The client's public calls say nothing of a receiver that is refused when it attaches: they try again, for ever.
    """
    async with consumer(connection, group) as client:
        receiver = client._create_consumer(group, "0", position, _ignore)
        try:
            await receiver._open()
        finally:
            await receiver.close()


async def _ignore(_: PartitionContext, __: EventData | None) -> None:
    """Take an event and do nothing."""


async def receivers(emulator: Emulator, expected: int) -> None:
    """Wait until so many receive from a partition."""
    async with asyncio.timeout(WAIT_S):
        while len(_subscriptions(emulator)) != expected:  # noqa: ASYNC110 - the emulator tells nobody of its links
            await asyncio.sleep(0.01)


def _subscriptions(emulator: Emulator) -> list[Subscription]:
    sessions = [session for connection in emulator._connections for session in connection._sessions.values()]
    links = [granted.link for session in sessions for granted in session._links.values()]
    return [link for link in links if isinstance(link, Subscription)]


def bodies(events: list[EventData]) -> list[str]:
    """Return the bodies of ``events``."""
    return [event.body_as_str() for event in events]

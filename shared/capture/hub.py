"""The event hub: sending events, and what the hub says of itself."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from shared.capture.records import Outgoing
from shared.errors import EventRefused, EventsUnavailable

if TYPE_CHECKING:  # it takes 230 ms of CPU to import
    from azure.core.credentials_async import AsyncTokenCredential
    from azure.eventhub import EventData, EventDataBatch
    from azure.eventhub.aio import EventHubProducerClient


@dataclass(frozen=True, slots=True)
class Partition:
    """What the hub says of one partition; ``last_sequence`` is -1 where nothing was ever sent.

    ``first_sequence`` is that of the oldest event it still has, of the next one when it is empty; ``last_enqueued_at``
    is the time of the last event, whether it is still there or not, and None where there never was one.
    """

    id: str
    last_sequence: int
    is_empty: bool
    first_sequence: int
    last_enqueued_at: datetime | None


class Hub:
    """One event hub."""

    def __init__(self, producer: "EventHubProducerClient") -> None:
        self._producer = producer

    @property
    def name(self) -> str:
        """Return the hub's name."""
        return str(self._producer.eventhub_name)

    async def open(self, *, timeout_s: float) -> None:
        """Connect, so that the first event need not wait for that.

        Raises:
            EventsUnavailable: the hub cannot be reached.
        """
        async with _translated(timeout_s):
            await self._producer.create_batch()

    async def send(self, events: Sequence[Outgoing], *, timeout_s: float) -> None:
        """Send events, and return once the hub has acknowledged all of them.

        They go out together where the hub takes as many bytes at once, one lot after the other where it does not.

        Raises:
            EventRefused: one of them is larger than anything this hub takes; nothing was sent.
            EventsUnavailable: some of them may not have arrived, or may have without our knowing.
        """
        async with _translated(timeout_s):
            for batch in await self._batches(events):
                await self._producer.send_batch(batch)

    async def _batches(self, events: Sequence[Outgoing]) -> "list[EventDataBatch]":
        from azure.eventhub import EventData

        batches: list[EventDataBatch] = []
        for event in events:
            data = EventData(event.body)
            data.properties = event.properties
            if batches and _added(data, batches[-1]):
                continue
            batches.append(await self._producer.create_batch())
            if not _added(data, batches[-1]):
                raise EventRefused(size=len(event.body), limit=batches[-1].max_size_in_bytes)
        return batches

    async def incarnation(self, *, timeout_s: float = 30.0) -> str:
        """Return the name of this life of the hub, from the time it was created.

        Raises:
            EventsUnavailable: the hub cannot be asked.
        """
        async with _translated(timeout_s):
            properties = await self._producer.get_eventhub_properties()
        return incarnation_named(properties["created_at"])

    async def partitions(self, *, timeout_s: float = 30.0) -> list[Partition]:
        """Return what the hub says of its partitions now.

        Raises:
            EventsUnavailable: the hub cannot be asked.
        """
        async with _translated(timeout_s):
            ids = await self._producer.get_partition_ids()
            found = await asyncio.gather(*(self._producer.get_partition_properties(one) for one in ids))
        return [_partition(one) for one in found]

    async def partition(self, partition: str, *, timeout_s: float = 30.0) -> Partition:
        """Return what the hub says of one partition now.

        Raises:
            EventsUnavailable: the hub cannot be asked, or has no such partition.
        """
        async with _translated(timeout_s):
            return _partition(await self._producer.get_partition_properties(partition))

    async def close(self, *, timeout_s: float = 5.0) -> None:
        """Let the connection go, and say goodbye to whoever listens within the time.

        Raises:
            EventsUnavailable: nobody did.
        """
        async with _translated(timeout_s):
            await self._producer.close()


def _added(event: "EventData", batch: "EventDataBatch") -> bool:
    """Add an event to a batch, and return whether there was room for it."""
    try:
        batch.add(event)
    except ValueError:
        return False
    return True


def incarnation_named(created_at: datetime) -> str:
    """Name an incarnation after the time its hub was created, which is known to the millisecond."""
    return f"{created_at:%Y%m%dT%H%M%S}{created_at.microsecond // 1000:03d}"


def _partition(properties: Mapping[str, Any]) -> Partition:
    last = properties["last_enqueued_sequence_number"]
    is_empty = properties["is_empty"]
    return Partition(
        id=properties["id"],
        last_sequence=last,
        is_empty=is_empty,
        # What the hub says of the oldest event is not documented where there is none.
        first_sequence=last + 1 if is_empty else properties["beginning_sequence_number"],
        last_enqueued_at=None if last < 0 else properties["last_enqueued_time_utc"],
    )


def producer(
    connection: str, *, namespace: str, hub: str, credential: "AsyncTokenCredential | None" = None
) -> "EventHubProducerClient":
    """Build the client for a connection string, or for a namespace with ``credential``.

    One quick second try: a caller waits for the answer, and what to do without Event Hubs is decided here, not in the
    SDK.
    """
    from azure.eventhub.aio import EventHubProducerClient

    if connection:
        return EventHubProducerClient.from_connection_string(
            connection, eventhub_name=hub, retry_total=1, retry_backoff_factor=0.1
        )
    if credential is None:
        raise TypeError("a namespace without a credential")
    return EventHubProducerClient(namespace, hub, credential, retry_total=1, retry_backoff_factor=0.1)


@asynccontextmanager
async def _translated(timeout_s: float) -> AsyncIterator[None]:
    """Bound the time, and turn what the SDK raises into a fault of ours."""
    from azure.core.exceptions import AzureError
    from azure.eventhub.exceptions import EventHubError

    try:
        async with asyncio.timeout(timeout_s):
            yield
    except TimeoutError:
        raise EventsUnavailable(f"no answer within {timeout_s:g} s") from None
    except (EventHubError, AzureError, OSError, ValueError) as error:
        # A ValueError is what the client makes of a frame that it cannot read.
        raise EventsUnavailable(f"{type(error).__name__}: {error}") from error

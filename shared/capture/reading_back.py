"""Events that capture was never handed, read from the hub itself."""

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final, cast

from shared.capture.records import Event
from shared.errors import EventsUnavailable

if TYPE_CHECKING:  # it takes 230 ms of CPU to import
    from azure.core.credentials_async import AsyncTokenCredential
    from azure.eventhub import EventData
    from azure.eventhub.aio import EventHubConsumerClient, PartitionContext

GROUP: Final = "$Default"
"""Every hub has this consumer group.

The receivers of capture's own group have an owner level: one without would be refused beside them, and one with would
take the partition from them.
"""
_SECOND_TRY_S: Final = 5.0
"""How long the client rests after a receiver was refused: some tries must fit into the patience of who waits."""
_PIECE_EVENTS: Final = 50
_PREFETCHED_EVENTS: Final = 100
"""With three pieces under way, these bound what is in memory: 300 events, which is 150 MB of the largest we send."""


@dataclass(frozen=True, slots=True)
class ReadingBack:
    """Reads a partition from a number to another.

    The client tries again for ever, and says nothing, when a receiver is refused: so a piece that does not come within
    ``patience_s`` ends it, and so does the end of ``longest_s``, within which a trigger can run.
    """

    consumer: "Callable[[], EventHubConsumerClient]"
    patience_s: float = 30.0
    longest_s: float = 240.0

    async def pieces(self, partition: str, first: int, last: int) -> AsyncGenerator[list[Event], None]:
        """Yield the events from ``first`` to ``last`` that the hub still has, in order, a few at a time.

        The hub must have an event that is not before ``last``: that one tells where it ends.

        Raises:
            EventsUnavailable: the hub does not answer in time, or there are too many to read at once.
        """
        came: asyncio.Queue[list[EventData]] = asyncio.Queue(maxsize=1)
        problems: list[str] = []

        async def on_batch(_: "PartitionContext", batch: "list[EventData]") -> None:
            await came.put(batch)

        async def on_error(_: "PartitionContext | None", error: Exception) -> None:
            problems.append(str(error))

        client = self.consumer()
        receiving = asyncio.create_task(
            client.receive_batch(
                on_batch,
                on_error=on_error,
                partition_id=partition,
                max_batch_size=_PIECE_EVENTS,
                prefetch=_PREFETCHED_EVENTS,
                # Excluding: where a connection breaks, the client goes on from the last event it had, in the same way.
                starting_position=first - 1 if first else "-1",
            )
        )
        began = time.monotonic()
        try:
            while first <= last:
                try:
                    async with asyncio.timeout(self.patience_s):
                        batch = await came.get()
                except TimeoutError:
                    raise EventsUnavailable(
                        f"events from {first} on were not read back within {self.patience_s:g} s: {problems[-1:]}"
                    ) from None
                if time.monotonic() - began > self.longest_s:
                    raise EventsUnavailable(f"{last - first + 1} events are to be read back still: it goes on later")
                events = [_event(one) for one in batch]
                piece = [event for event in events if first <= event.sequence <= last]
                if piece:
                    yield piece
                first = max(first, events[-1].sequence + 1)
        finally:
            receiving.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await receiving
            await client.close()


def consumer(
    connection: str, *, namespace: str, hub: str, credential: "AsyncTokenCredential | None" = None
) -> "EventHubConsumerClient":
    """Build the client for a connection string, or for a namespace with ``credential``."""
    from azure.eventhub.aio import EventHubConsumerClient

    if connection:
        return EventHubConsumerClient.from_connection_string(
            connection, consumer_group=GROUP, eventhub_name=hub, load_balancing_interval=_SECOND_TRY_S
        )
    if credential is None:
        raise TypeError("a namespace without a credential")
    return EventHubConsumerClient(namespace, hub, GROUP, credential, load_balancing_interval=_SECOND_TRY_S)


def _event(one: "EventData") -> Event:
    body = b"".join(cast("Iterable[bytes]", one.body))
    return Event(cast("int", one.sequence_number), cast("datetime", one.enqueued_time), body)

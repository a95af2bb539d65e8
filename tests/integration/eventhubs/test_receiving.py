"""Receivers of the real client: where they start, and who may receive."""

import asyncio
from uuid import uuid4

import pytest
from azure.eventhub import EventData
from azure.eventhub._pyamqp.error import AMQPLinkError, ErrorCondition
from azure.eventhub.aio import EventHubConsumerClient, PartitionContext
from azure.eventhub.exceptions import ConnectionLostError
from azure.eventhub.extensions.checkpointstoreblobaio import BlobCheckpointStore
from azure.storage.blob.aio import ContainerClient

from infra.local.eventhubs.emulator import Emulator
from tests.integration.eventhubs.clients import WAIT_S, attach, bodies, consumer, producer, receive, receivers, send
from tests.integration.eventhubs.conftest import HUB


@pytest.fixture
async def events(emulator: Emulator) -> list[EventData]:
    """Ten events of partition 0, enqueued at ten times, as a receiver got them."""
    async with producer(emulator.connection_string()) as client:
        for number in range(10):
            await client.send_batch([EventData(str(number))], partition_id="0")
            await asyncio.sleep(0.002)
    received = await receive(consumer(emulator.connection_string()), 10)
    await receivers(emulator, 0)
    return received


@pytest.mark.parametrize("inclusive", [False, True])
@pytest.mark.parametrize("by", ["offset", "sequence_number", "enqueued_time"])
async def test_receiving_starts_where_it_was_asked_to(
    emulator: Emulator, events: list[EventData], by: str, *, inclusive: bool
) -> None:
    position = getattr(events[4], by)

    received = await receive(
        consumer(emulator.connection_string()),
        6 if inclusive else 5,
        position=position,
        starting_position_inclusive=inclusive,
    )

    assert bodies(received)[0] == ("4" if inclusive else "5")
    assert bodies(received)[-1] == "9"


async def test_latest_brings_only_what_comes_later(emulator: Emulator, events: list[EventData]) -> None:
    receiving = asyncio.create_task(receive(consumer(emulator.connection_string()), 1, position="@latest"))
    await receivers(emulator, 1)
    await send(emulator.connection_string(), "later", partition_id="0")

    [event] = await receiving

    assert event.body_as_str() == "later"
    assert event.sequence_number == len(events)


async def test_the_newest_event_is_a_good_position(emulator: Emulator, events: list[EventData]) -> None:
    """It is what a checkpoint holds when a receiver has kept up."""
    receiving = asyncio.create_task(receive(consumer(emulator.connection_string()), 1, position=events[-1].offset))
    await receivers(emulator, 1)
    await send(emulator.connection_string(), "next", partition_id="0")

    assert bodies(await receiving) == ["next"]


@pytest.mark.parametrize("position", ["99999", 10])
async def test_a_stale_position_is_refused(emulator: Emulator, events: list[EventData], position: str | int) -> None:
    """The checkpoint of a hub that was deleted and created again: the service refuses it, so must the emulator."""
    assert events

    with pytest.raises(
        AMQPLinkError, match=r"is invalid\. The last (offset|sequence number) in the system is"
    ) as caught:
        await attach(emulator.connection_string(), position)

    assert caught.value.condition == b"com.microsoft:argument-error"


@pytest.mark.parametrize("position", ["0", 0])
async def test_any_position_is_stale_in_a_partition_without_events(emulator: Emulator, position: str | int) -> None:
    with pytest.raises(AMQPLinkError, match=r"The last (offset|sequence number) in the system is '-1'"):
        await attach(emulator.connection_string(), position)


async def test_an_unknown_consumer_group_is_refused(emulator: Emulator) -> None:
    with pytest.raises(AMQPLinkError) as caught:
        await attach(emulator.connection_string(), "-1", group="nobody")

    assert caught.value.condition == ErrorCondition.NotFound


async def _hold(client: EventHubConsumerClient, level: int | None, errors: asyncio.Queue[Exception]) -> None:
    """Receive until closed; what the client reports goes to ``errors``."""

    async def on_event(_: PartitionContext, __: EventData | None) -> None:
        """Events are of no interest here."""

    async def on_error(_: PartitionContext | None, error: Exception) -> None:
        errors.put_nowait(error)

    await client.receive(on_event, on_error=on_error, partition_id="0", owner_level=level, starting_position="-1")


@pytest.mark.parametrize(
    ("there", "comes", "stays"),
    [(1, 2, False), (1, 1, False), (None, 0, False), (2, 1, True), (0, None, True)],
)
async def test_an_owner_level_decides_who_receives(
    emulator: Emulator, there: int | None, comes: int | None, *, stays: bool
) -> None:
    """Load balancing hands a partition over this way; two owners would process it twice."""
    await send(emulator.connection_string(), "event", partition_id="0")
    first, second = consumer(emulator.connection_string()), consumer(emulator.connection_string())
    first_errors: asyncio.Queue[Exception] = asyncio.Queue()
    second_errors: asyncio.Queue[Exception] = asyncio.Queue()
    holding = [asyncio.create_task(_hold(first, there, first_errors))]
    await receivers(emulator, 1)

    holding.append(asyncio.create_task(_hold(second, comes, second_errors)))
    loser = second_errors if stays else first_errors
    error = await asyncio.wait_for(loser.get(), WAIT_S)

    assert isinstance(error, ConnectionLostError)
    assert "stolen" in str(error).lower()
    await first.close()
    await second.close()
    await asyncio.gather(*holding)


async def test_receivers_without_owner_level_share_a_partition(emulator: Emulator, events: list[EventData]) -> None:
    both = await asyncio.gather(*(receive(consumer(emulator.connection_string()), 10) for _ in range(2)))

    assert [bodies(received) for received in both] == [bodies(events)] * 2


async def test_credit_is_given_again_and_again(emulator: Emulator) -> None:
    """A hub that forgot to go on would stop after the first seven."""
    await send(emulator.connection_string(), *map(str, range(100)), partition_id="0")

    received = await receive(consumer(emulator.connection_string()), 100, prefetch=7)

    assert bodies(received) == list(map(str, range(100)))


@pytest.fixture
async def container(azurite: str) -> str:
    """The name of a new container for checkpoints."""
    name = f"checkpoints-{uuid4().hex}"
    async with ContainerClient.from_connection_string(azurite, name) as client:
        await client.create_container()
    return name


async def test_load_balanced_consumers_share_partitions_and_go_on_from_checkpoints(
    emulator: Emulator, azurite: str, container: str
) -> None:
    """This is what the Event Hubs trigger does: blobs for ownership and checkpoints, an owner level for each link."""
    connection = emulator.connection_string()

    async def run(expected: int) -> set[tuple[str, str]]:
        seen: set[tuple[str, str]] = set()
        done = asyncio.Event()

        async def on_event(context: PartitionContext, event: EventData | None) -> None:
            assert event is not None
            await context.update_checkpoint(event)
            seen.add((context.partition_id, event.body_as_str()))
            if len(seen) == expected:
                done.set()

        stores = [BlobCheckpointStore.from_connection_string(azurite, container) for _ in range(2)]
        clients = [
            EventHubConsumerClient.from_connection_string(
                connection, "capture", eventhub_name=HUB, checkpoint_store=store, load_balancing_interval=0.5
            )
            for store in stores
        ]
        receiving = [asyncio.create_task(client.receive(on_event, starting_position="-1")) for client in clients]
        await asyncio.wait_for(done.wait(), WAIT_S)
        for client in clients:
            await client.close()
        await asyncio.gather(*receiving, *(store.close() for store in stores))
        return seen

    for partition in "0123":
        await send(connection, "first", partition_id=partition)
    assert await run(4) == {(partition, "first") for partition in "0123"}

    for partition in "0123":
        await send(connection, "second", partition_id=partition)
    assert await run(4) == {(partition, "second") for partition in "0123"}

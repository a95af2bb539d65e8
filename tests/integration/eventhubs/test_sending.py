"""Senders of the real client: where events go, and what is refused."""

import asyncio
import contextlib
import socket
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeAlias

import pytest
from azure.eventhub import EventData, EventHubConsumerClient, EventHubProducerClient
from azure.eventhub._pyamqp.utils import generate_sas_token
from azure.eventhub.aio import EventHubProducerClient as AsyncProducer
from azure.eventhub.amqp import AmqpAnnotatedMessage, AmqpMessageHeader
from azure.eventhub.exceptions import AuthenticationError, EventDataSendError, EventHubError

from infra.local.eventhubs.emulator import Emulator
from infra.local.eventhubs.sas import SharedKey
from shared.clock import Clock
from tests.integration.eventhubs.clients import WAIT_S, bodies, consumer, producer, receive, send
from tests.integration.eventhubs.conftest import CONFIG, HUB

Events: TypeAlias = list[EventData | AmqpAnnotatedMessage]


async def test_a_batch_arrives_in_order_with_everything_the_sender_attached(emulator: Emulator) -> None:
    batch = []
    for number in range(500):
        event = EventData(f"event {number}")
        event.properties = {"kind": "prediction", "number": number}
        event.content_type = "application/json"
        event.message_id = str(number)
        batch.append(event)
    async with producer(emulator.connection_string()) as client:
        await client.send_batch([*batch], partition_id="2")

    received = await receive(consumer(emulator.connection_string()), 500, partition_id="2")

    assert bodies(received) == [f"event {number}" for number in range(500)]
    assert [event.sequence_number for event in received] == list(range(500))
    assert [event.properties[b"number"] for event in received] == list(range(500))
    assert {event.properties[b"kind"] for event in received} == {b"prediction"}
    assert {event.content_type for event in received} == {"application/json"}
    assert received[7].message_id == "7"
    assert len({event.offset for event in received}) == 500
    assert all(event.offset != str(event.sequence_number) for event in received)


async def test_annotations_and_bodies_of_every_kind_survive(emulator: Emulator) -> None:
    """What the hub adds goes beside what the sender put there."""
    message = AmqpAnnotatedMessage(
        value_body={b"nested": [1, 2.5, b"three"]},
        annotations={"mine": 1},
        header=AmqpMessageHeader(durable=True, priority=3),  # type: ignore[no-untyped-call]
        footer={"checksum": 5},
    )
    async with producer(emulator.connection_string()) as client:
        await client.send_event(message, partition_id="0")

    [event] = await receive(consumer(emulator.connection_string()), 1)

    raw = event.raw_amqp_message
    assert raw.annotations is not None
    assert raw.header is not None
    assert raw.body == {b"nested": [1, 2.5, b"three"]}
    assert raw.annotations[b"mine"] == 1
    assert raw.annotations[b"x-opt-sequence-number"] == 0
    assert raw.header.priority == 3
    assert raw.footer == {b"checksum": 5}


async def test_a_partition_key_always_leads_to_the_same_partition(emulator: Emulator) -> None:
    """Order within a key is what partition keys are for."""
    async with producer(emulator.connection_string()) as client:
        for number in range(8):
            await client.send_batch([EventData(str(number))], partition_key="one key")
            await client.send_event(EventData(f"single {number}"), partition_key="one key")
        last = [await client.get_partition_properties(partition) for partition in "0123"]
    [partition] = [each for each in last if not each["is_empty"]]

    received = await receive(consumer(emulator.connection_string()), 16, partition_id=partition["id"])

    assert {event.partition_key for event in received} == {b"one key"}


async def test_events_without_a_partition_go_round(emulator: Emulator) -> None:
    """Whoever reads one partition only must notice in tests, too."""
    async with producer(emulator.connection_string()) as client:
        for _ in range(8):
            await client.send_batch([EventData("event")])
        counts = [await client.get_partition_properties(partition) for partition in "0123"]

    assert [each["last_enqueued_sequence_number"] for each in counts] == [1, 1, 1, 1]


async def test_a_message_over_one_mebibyte_is_refused(emulator: Emulator) -> None:
    async with producer(emulator.connection_string()) as client:
        batch = await client.create_batch()
        assert batch.max_size_in_bytes == 1_048_576

        with pytest.raises(EventDataSendError, match=r"(?i)message-?size-?exceeded"):
            await client.send_event(EventData(b"x" * 1_048_577), partition_id="0")

        await client.send_event(EventData(b"x" * 1_040_000), partition_id="0")
        assert (await client.get_partition_properties("0"))["last_enqueued_sequence_number"] == 0


async def test_a_large_message_crosses_frames_both_ways(emulator: Emulator) -> None:
    """Frames hold 64 KiB, as those of the service do."""
    body = bytes(range(256)) * 4_000
    async with producer(emulator.connection_string()) as client:
        await client.send_event(EventData(body), partition_id="0")

    [event] = await receive(consumer(emulator.connection_string()), 1)

    assert event.body_as_str("latin-1").encode("latin-1") == body


async def test_the_sync_client_sends_and_receives(emulator: Emulator) -> None:
    connection = emulator.connection_string()

    def send_and_receive() -> list[str]:
        with EventHubProducerClient.from_connection_string(connection, eventhub_name=HUB) as client:
            client.send_batch([EventData("a"), EventData("b")], partition_id="1")
        received: list[str] = []
        receiver = EventHubConsumerClient.from_connection_string(connection, "capture", eventhub_name=HUB)

        def on_event(_: object, event: EventData | None) -> None:
            if event is not None:
                received.append(event.body_as_str())
            if len(received) == 2:
                receiver.close()

        with receiver:
            receiver.receive(on_event, partition_id="1", starting_position="-1")
        return received

    assert await asyncio.wait_for(asyncio.to_thread(send_and_receive), WAIT_S) == ["a", "b"]


async def test_the_buffered_producer_sends(emulator: Emulator) -> None:
    """It keeps a connection for each partition and sends from tasks of its own."""
    sent: list[str | None] = []

    async def on_success(events: Events, partition_id: str | None) -> None:
        sent.extend(partition_id for _ in events)

    async def on_error(_: Events, __: str | None, error: Exception) -> None:
        raise error

    client = AsyncProducer.from_connection_string(
        emulator.connection_string(),
        eventhub_name=HUB,
        buffered_mode=True,
        on_success=on_success,
        on_error=on_error,
        max_wait_time=0.2,
    )
    async with client:
        for number in range(40):
            await client.send_event(EventData(str(number)))
        await client.flush()

    assert sorted(set(sent), key=str) == ["0", "1", "2", "3"]
    assert len(sent) == 40


async def test_a_wrong_key_is_unauthorized(tmp_path: Path) -> None:
    """Settings with yesterday's key must fail here as they would there."""
    async with Emulator(CONFIG, tmp_path, key=SharedKey("RootManageSharedAccessKey", "right")) as emulator:
        wrong = emulator.connection_string().replace("=right;", "=wrong;")

        with pytest.raises(AuthenticationError, match="401"):
            await send(wrong, "event")


async def test_an_expired_token_is_unauthorized(tmp_path: Path) -> None:
    """Expiry is in real time, however slow the emulator's clock runs."""
    async with Emulator(CONFIG, tmp_path, clock=Clock.standing(datetime(2013, 7, 1, tzinfo=UTC))) as emulator:
        host = f"127.0.0.1:{emulator.port}"
        expired = int(time.time()) - 10
        token = generate_sas_token(  # type: ignore[no-untyped-call]
            f"sb://{host}/{HUB}", "RootManageSharedAccessKey", "SAS_KEY_VALUE", expired
        )
        connection = f"Endpoint=sb://{host};SharedAccessSignature={token};UseDevelopmentEmulator=true;"

        with pytest.raises(AuthenticationError, match="ExpiredToken"):
            await send(connection, "event")


async def test_an_unknown_hub_and_an_unknown_partition_are_refused(emulator: Emulator) -> None:
    """A name misspelt in the settings must not create a hub that nobody reads."""
    connection = emulator.connection_string()
    async with producer(connection, "nothing") as client:
        with pytest.raises(EventHubError, match=r"not-found"):
            await client.send_batch([EventData("event")])
        with pytest.raises(EventHubError, match="404"):
            await client.get_eventhub_properties()
    async with producer(connection) as client:
        with pytest.raises(EventHubError, match="0 to 3"):
            await client.get_partition_properties("4")


async def test_management_describes_hub_and_partitions(emulator: Emulator) -> None:
    before = datetime.now(UTC)
    async with producer(emulator.connection_string()) as client:
        hub = await client.get_eventhub_properties()
        empty = await client.get_partition_properties("3")
        await client.send_batch([EventData("a"), EventData("b")], partition_id="3")
        filled = await client.get_partition_properties("3")

    assert hub["eventhub_name"] == HUB
    assert hub["partition_ids"] == ["0", "1", "2", "3"]
    assert abs((hub["created_at"] - before).total_seconds()) < 60.0
    assert (empty["is_empty"], empty["last_enqueued_sequence_number"], empty["last_enqueued_offset"]) == (
        True,
        -1,
        "-1",
    )
    assert (filled["is_empty"], filled["beginning_sequence_number"], filled["last_enqueued_sequence_number"]) == (
        False,
        0,
        1,
    )
    assert int(filled["last_enqueued_offset"]) > 1
    assert abs((filled["last_enqueued_time_utc"] - before).total_seconds()) < 60.0


async def test_enqueued_times_follow_the_clock(tmp_path: Path) -> None:
    """A month of events in a minute, with hours that fill and close."""
    start = datetime(2013, 7, 1, tzinfo=UTC)
    async with Emulator(CONFIG, tmp_path, clock=Clock.starting(start, speed=86_400.0)) as emulator:
        for number in range(3):
            await send(emulator.connection_string(), str(number), partition_id="0")
            await asyncio.sleep(0.1)
        received = await receive(consumer(emulator.connection_string()), 3)
        async with producer(emulator.connection_string()) as client:
            created_at = (await client.get_eventhub_properties())["created_at"]

    times = [event.enqueued_time for event in received if event.enqueued_time is not None]
    assert len(times) == 3
    assert start <= created_at <= times[0]
    assert times == sorted(times)
    assert (times[-1] - times[0]).total_seconds() > 3_600.0
    assert times[-1].year == 2013


async def closed(writer: asyncio.StreamWriter) -> None:
    """Let a connection go, which the other side has ended."""
    writer.close()
    with contextlib.suppress(ConnectionError):
        await writer.wait_closed()


@pytest.mark.parametrize(
    "data",
    [b"GET / HTTP/1.1\r\n\r\n", b"AMQP\x03\x01\x00\x00" + b"\xff" * 64, b"AMQP\x00\x01\x00\x00"],
    ids=["another protocol", "no frames", "no SASL"],
)
async def test_malformed_bytes_end_their_own_connection_only(emulator: Emulator, data: bytes) -> None:
    """One confused client must not take the others' hub away."""
    async with producer(emulator.connection_string()) as client:
        await client.send_batch([EventData("before")], partition_id="0")
        reader, writer = await asyncio.open_connection("127.0.0.1", emulator.port)
        writer.write(data)

        await asyncio.wait_for(reader.read(), WAIT_S)

        await closed(writer)
        await client.send_batch([EventData("after")], partition_id="0")
        assert (await client.get_partition_properties("0"))["last_enqueued_sequence_number"] == 1


async def test_a_silent_connection_is_ended(tmp_path: Path) -> None:
    """Half-open connections would otherwise hold an owner level for ever."""
    async with Emulator(CONFIG, tmp_path, idle_timeout_s=0.2) as emulator:
        reader, writer = await asyncio.open_connection("127.0.0.1", emulator.port)

        assert await asyncio.wait_for(reader.read(), 5.0) == b""

        await closed(writer)


async def test_many_connections_at_once_lose_nothing(emulator: Emulator) -> None:
    senders = [send(emulator.connection_string(), f"{number}", partition_id="0") for number in range(30)]

    await asyncio.gather(*senders)

    received = await receive(consumer(emulator.connection_string()), 30)
    assert sorted(map(int, bodies(received))) == list(range(30))


async def test_only_this_machine_is_served(emulator: Emulator) -> None:
    """The key stands in a public document."""
    with socket.socket() as other, pytest.raises(OSError, match="refused"):
        other.connect(("127.0.0.2", emulator.port))

"""From one life of the emulator to the next: what was acknowledged is there."""

import asyncio
import contextlib
import gc
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from azure.eventhub import EventData
from azure.eventhub.exceptions import EventHubError

from infra.local.eventhubs.emulator import Emulator
from infra.local.eventhubs.errors import Corrupt
from infra.local.processes import Process
from tests.integration.eventhubs.clients import bodies, consumer, producer, receive, send
from tests.integration.eventhubs.conftest import CONFIG, HUB


def _connection(port: int) -> str:
    return (
        f"Endpoint=sb://127.0.0.1:{port};SharedAccessKeyName=RootManageSharedAccessKey;"
        "SharedAccessKey=SAS_KEY_VALUE;UseDevelopmentEmulator=true;"
    )


async def test_a_restart_keeps_events_and_numbers_on(tmp_path: Path) -> None:
    created = []
    for life in range(3):
        async with Emulator(CONFIG, tmp_path) as emulator:
            await send(emulator.connection_string(), f"{life}a", f"{life}b", partition_id="0")
            received = await receive(consumer(emulator.connection_string()), 2 * (life + 1))
            async with producer(emulator.connection_string()) as client:
                created.append((await client.get_eventhub_properties())["created_at"])

    assert bodies(received) == ["0a", "0b", "1a", "1b", "2a", "2b"]
    assert [event.sequence_number for event in received] == list(range(6))
    assert len(set(created)) == 1


async def test_a_deleted_hub_is_another_one(tmp_path: Path) -> None:
    """Readers tell incarnations apart by the creation time, because sequence numbers begin again."""
    created = []
    for body in ("old", "new"):
        async with Emulator(CONFIG, tmp_path) as emulator:
            await send(emulator.connection_string(), body, partition_id="0")
            [event] = await receive(consumer(emulator.connection_string()), 1)
            async with producer(emulator.connection_string()) as client:
                created.append((await client.get_eventhub_properties())["created_at"])
        assert (event.sequence_number, event.body_as_str()) == (0, body)
        shutil.rmtree(tmp_path / HUB)

    assert created[0] < created[1]


async def test_two_emulators_never_serve_the_same_data(tmp_path: Path) -> None:
    """Both would number on from the same event."""
    async with Emulator(CONFIG, tmp_path):
        with pytest.raises(Corrupt):
            await Emulator(CONFIG, tmp_path).__aenter__()


@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")  # the client forgets its sockets when a hub is killed
async def test_every_acknowledged_event_survives_sigkill(start: Callable[..., Process]) -> None:
    """Kept once is the first promise; a hub that forgets would make it impossible to test."""
    acknowledged: list[int] = []
    numbers = iter(range(1_000_000))

    async def send_until_killed(port: int) -> None:
        async with producer(_connection(port)) as client:
            with contextlib.suppress(EventHubError):
                while True:
                    sent = [next(numbers) for _ in range(5)]
                    await client.send_batch([EventData(str(number)) for number in sent], partition_id="0")
                    acknowledged.extend(sent)

    for life in range(4):
        process = start()
        sending = asyncio.create_task(send_until_killed(process.port))
        while len(acknowledged) < 100 * (life + 1):
            assert not sending.done()
            await asyncio.sleep(0.01)
        process.kill()
        await sending

    process = start()
    async with producer(_connection(process.port)) as client:
        last = (await client.get_partition_properties("0"))["last_enqueued_sequence_number"]
    received = await receive(consumer(_connection(process.port)), last + 1)
    kept = [int(body) for body in bodies(received)]
    assert kept == sorted(set(kept))
    assert set(acknowledged) <= set(kept)
    assert [event.sequence_number for event in received] == list(range(last + 1))
    gc.collect()


def test_sigterm_ends_the_process_cleanly(start: Callable[..., Process]) -> None:
    process = start()

    process.signal(signal.SIGTERM)

    assert process.child.wait(10.0) == 0


async def test_events_go_when_they_are_older_than_the_retention(tmp_path: Path) -> None:
    """Real time: a fast clock would otherwise delete events before anybody could read them."""
    async with Emulator(CONFIG, tmp_path, retention_s=1.0) as emulator:
        connection = emulator.connection_string()
        await send(connection, "old", "older", partition_id="0")
        [first, _] = await receive(consumer(connection), 2)
        await asyncio.sleep(2.0)
        async with producer(connection) as client:
            emptied = await client.get_partition_properties("0")
        await send(connection, "new", partition_id="0")
        [event] = await receive(consumer(connection), 1, position=first.offset)

    assert emptied["is_empty"]
    assert (emptied["beginning_sequence_number"], emptied["last_enqueued_sequence_number"]) == (2, 1)
    assert (event.body_as_str(), event.sequence_number) == ("new", 2)


async def test_clients_come_back_after_a_restart(start: Callable[..., Process]) -> None:
    """A producer and a consumer that stay open through it need nothing but their own retries."""
    process = start()
    connection = _connection(process.port)
    async with producer(connection, retry_total=8, retry_backoff_max=1) as client:
        await client.send_batch([EventData("before")], partition_id="0")
        process.stop()
        start()
        await client.send_batch([EventData("after")], partition_id="0")

    assert bodies(await receive(consumer(connection), 2)) == ["before", "after"]


def test_the_key_of_the_command_line_counts(start: Callable[..., Process]) -> None:
    process = start("--key-name", "app", "--key", "another")

    with pytest.raises(EventHubError):
        asyncio.run(send(_connection(process.port), "event"))

"""What the real client never asks for, or never shows: credit, windows, draining, heartbeats, the last words."""

import asyncio
from pathlib import Path

import pytest
from azure.eventhub import EventData

from infra.local.eventhubs.emulator import Emulator
from infra.local.eventhubs.values import Uint
from tests.integration.eventhubs.clients import producer, send
from tests.integration.eventhubs.conftest import CONFIG, HUB
from tests.integration.eventhubs.wire import ATTACH, BEGIN, CLOSE, DETACH, END, FLOW, TRANSFER, Wire

PARTITION = f"{HUB}/ConsumerGroups/$Default/Partitions/0"


@pytest.fixture
async def filled(emulator: Emulator) -> Emulator:
    """An emulator with ten events in partition 0."""
    await send(emulator.connection_string(), *map(str, range(10)), partition_id="0")
    return emulator


async def _begin(wire: Wire, *, window: int = 1_000) -> None:
    wire.say(BEGIN, None, Uint(0), Uint(window), Uint(1_000))
    await wire.expect(BEGIN)


async def _receiver(wire: Wire) -> None:
    await _begin(wire)
    wire.receive_from(PARTITION)
    await wire.expect(ATTACH)


async def test_no_more_is_sent_than_there_is_credit_for(filled: Emulator) -> None:
    """A receiver without credit has no room; what it gets all the same is lost or takes its memory."""
    async with Wire(filled.port) as wire:
        await _receiver(wire)
        await wire.silence()

        wire.credit(3)

        assert [(await wire.expect(TRANSFER))[1] for _ in range(3)] == [0, 1, 2]
        await wire.silence()
        wire.credit(1, count=3)
        await wire.expect(TRANSFER)
        await wire.silence()


async def test_no_more_is_sent_than_the_session_takes(filled: Emulator) -> None:
    """Credit counts messages, the window transfers: both must allow it."""
    async with Wire(filled.port) as wire:
        await _receiver(wire)

        wire.credit(10, window=2)

        for _ in range(2):
            await wire.expect(TRANSFER)
        await wire.silence()
        wire.credit(8, count=2, window=1)
        await wire.expect(TRANSFER)
        await wire.silence()


async def test_draining_gives_back_the_credit_that_is_left(filled: Emulator) -> None:
    """The receiver waits for this answer before it says that there was nothing more."""
    async with Wire(filled.port) as wire:
        await _receiver(wire)

        wire.credit(12, drain=True)

        for _ in range(10):
            await wire.expect(TRANSFER)
        _, _, _, _, handle, count, credit, _, drain, *_ = await wire.expect(FLOW)
        assert (handle, count, credit, drain) == (0, 12, 0, True)


async def test_heartbeats_keep_an_idle_connection_alive(emulator: Emulator) -> None:
    """Clients close a connection on which nothing was said for the time they named."""
    async with Wire(emulator.port, idle_time_out_ms=200) as wire:
        for _ in range(3):
            assert await wire.frame() == b""


async def test_what_is_ended_is_answered(emulator: Emulator) -> None:
    """A client that waits for the other side's last word would otherwise wait for its time-out."""
    async with Wire(emulator.port) as wire:
        await _receiver(wire)

        wire.say(DETACH, Uint(0), True)  # noqa: FBT003 - for good
        assert (await wire.expect(DETACH))[:2] == [0, True]
        wire.say(END)
        await wire.expect(END)
        wire.say(CLOSE)
        assert await wire.expect(CLOSE) == [None]
        assert await wire.ended()


async def test_a_stop_says_why(tmp_path: Path) -> None:
    """Clients come back at once when a connection is forced, and not when it was lost."""
    async with Emulator(CONFIG, tmp_path) as emulator:
        wire = await Wire(emulator.port).__aenter__()

    [error] = await wire.expect(CLOSE)

    assert error.value[0] == "amqp:connection:forced"
    await wire.__aexit__(None, None, None)


async def test_a_wrong_password_gets_no_further(emulator: Emulator) -> None:
    async with Wire(emulator.port, password="guessed") as wire:
        assert wire.outcome == 1
        assert await wire.ended()


async def test_a_refused_link_leaves_the_others_alone(filled: Emulator) -> None:
    async with Wire(filled.port) as wire:
        await _receiver(wire)
        wire.receive_from(f"{HUB}/ConsumerGroups/nobody/Partitions/0", handle=1)

        assert (await wire.expect(ATTACH))[5] is None
        assert (await wire.expect(DETACH))[2].value[0] == "amqp:not-found"

        wire.credit(1)
        await wire.expect(TRANSFER)


async def test_a_receiver_that_does_not_read_is_not_waited_for(emulator: Emulator) -> None:
    """What it asked for waits in the hub's files, not in the emulator's memory, and others get theirs."""
    async with producer(emulator.connection_string()) as client:
        for _ in range(30):
            await client.send_event(EventData(b"x" * 1_000_000), partition_id="0")
    async with Wire(emulator.port) as deaf, Wire(emulator.port) as other:
        await _receiver(deaf)
        deaf.credit(1_000, window=100_000)
        await asyncio.sleep(0.5)

        waiting = [connection._transport.get_write_buffer_size() for connection in emulator._connections]
        assert 0 < max(waiting) < 4_000_000
        await _receiver(other)
        other.credit(1)
        await other.expect(TRANSFER)

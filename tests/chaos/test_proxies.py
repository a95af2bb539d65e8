"""The proxies do what they say, and change nothing else: a test that breaks nothing proves nothing."""

import asyncio
import time
import uuid
from collections.abc import AsyncIterator
from typing import Self

import pytest

from shared.blobs import Blobs
from shared.errors import BlobChanged, StorageUnavailable
from tests.chaos.proxies.storage import Fault, StorageProxy
from tests.chaos.proxies.tcp import Line, TcpProxy


@pytest.fixture
def path() -> str:
    return f"captures/chaos/{uuid.uuid4()}/a b+c%20ü.jsonl"


async def test_everything_passes_the_storage_proxy_unchanged(blobs: Blobs, path: str) -> None:
    """Signatures hold, large bodies arrive, conditions are kept, listings end."""
    large = b"x" * 9_000_000

    await blobs.create(path, large)
    await blobs.create_log(f"{path}.log")
    await blobs.append(f"{path}.log", b"one", position=0)
    with pytest.raises(BlobChanged):
        await blobs.append(f"{path}.log", b"one", position=0)

    assert (await blobs.read(path)).data == large
    assert (await blobs.read_end(f"{path}.log", most_bytes=2)).data == b"ne"
    assert await blobs.read_range(path, start=5, end=10) == b"xxxxx"
    assert [stored.path async for stored in blobs.under(path)] == [path, f"{path}.log"]


@pytest.mark.parametrize("fault", [Fault.FORBIDDEN, Fault.CONFLICT])
async def test_what_the_proxy_answers_storage_never_hears_of(
    storage_proxy: StorageProxy, blobs: Blobs, path: str, fault: Fault
) -> None:
    storage_proxy.plan("PUT", "/captures/chaos", fault=fault)

    with pytest.raises(StorageUnavailable, match=str(fault.value[0])):
        await blobs.create(path, b"one")

    assert [stored async for stored in blobs.under(path)] == []
    assert storage_proxy.met == {fault.name: 1}


async def test_a_lost_answer_is_a_done_request(storage_proxy: StorageProxy, blobs: Blobs, path: str) -> None:
    """The client asks again by itself and is told no; what it asked for is there."""
    storage_proxy.plan("PUT", "/captures/chaos", fault=Fault.ANSWER_LOST)

    with pytest.raises(BlobChanged):
        await blobs.create(path, b"one")

    assert (await blobs.read(path)).data == b"one"


@pytest.mark.parametrize("fault", [Fault.TRUNCATED, Fault.RESET])
async def test_the_client_reads_again_what_broke_off(
    storage_proxy: StorageProxy, blobs: Blobs, path: str, fault: Fault
) -> None:
    await blobs.create(path, b"x" * 100_000)
    storage_proxy.plan("GET", "/captures/chaos", fault=fault)

    assert len((await blobs.read(path)).data) == 100_000
    assert storage_proxy.met == {fault.name: 1}


async def test_a_held_request_waits_while_others_pass(storage_proxy: StorageProxy, blobs: Blobs, path: str) -> None:
    held = storage_proxy.plan("PUT", "/captures/chaos", held=True)
    first = asyncio.create_task(blobs.create(path, b"first"))
    await held.arrived()

    await blobs.create(path, b"second")
    held.release()

    with pytest.raises(BlobChanged):
        await first
    assert (await blobs.read(path)).data == b"second"


async def test_a_share_of_requests_meets_faults(storage_proxy: StorageProxy, blobs: Blobs) -> None:
    """About the share that was asked for, of every fault there is to meet."""
    storage_proxy.share, storage_proxy.faults = 0.5, (Fault.FORBIDDEN, Fault.CONFLICT)

    answers = await asyncio.gather(*(blobs.ping() for _ in range(100)), return_exceptions=True)

    failed = sum(isinstance(answer, StorageUnavailable) for answer in answers)
    assert 30 <= failed <= 70
    assert sum(storage_proxy.met.values()) == failed
    assert min(storage_proxy.met.values()) > 10


@pytest.fixture
async def line() -> AsyncIterator[TcpProxy]:
    """A proxy before a server that echoes."""

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(1024):
            writer.write(data)
        writer.close()

    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    async with TcpProxy(to=server.sockets[0].getsockname()[1]) as proxy:
        yield proxy
    server.close()


class Speaker:
    """A client that says something and listens for the echo."""

    def __init__(self, line: TcpProxy) -> None:
        self._port = line.port

    async def __aenter__(self) -> Self:
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._writer.close()

    async def hears(self, text: bytes, *, within_s: float = 5.0) -> bytes | None:
        """Say a text; return what comes back, nothing if the connection ended, None if nobody answered."""
        self._writer.write(text)
        try:
            return await asyncio.wait_for(self._reader.read(len(text)), within_s)
        except ConnectionError:
            return b""
        except TimeoutError:
            return None


async def test_a_line_passes_bytes_until_it_is_cut_and_again_after(line: TcpProxy) -> None:
    async with Speaker(line) as old, Speaker(line) as new:
        assert await old.hears(b"one") == b"one"
        line.cut()
        assert await old.hears(b"two") == b""
        await new.hears(b"whatever")
        async with Speaker(line) as newest:
            assert await newest.hears(b"three") == b"three"


async def test_a_line_that_is_down_takes_nobody(line: TcpProxy) -> None:
    line.line = Line.DOWN
    async with Speaker(line) as refused:
        assert await refused.hears(b"one") == b""

    line.line = Line.OPEN
    async with Speaker(line) as taken:
        assert await taken.hears(b"two") == b"two"


async def test_what_a_stalled_line_holds_arrives_when_it_opens(line: TcpProxy) -> None:
    async with Speaker(line) as speaker:
        line.line = Line.STALLED
        assert await speaker.hears(b"one", within_s=0.2) is None

        line.line = Line.OPEN

        assert await speaker.hears(b"two") == b"one"


async def test_what_is_said_over_a_muted_line_arrives_and_no_answer_comes_back(line: TcpProxy) -> None:
    """An acknowledgement lost: what was sent is there, and its sender cannot know."""
    line.line = Line.MUTED
    async with Speaker(line) as speaker:
        assert await speaker.hears(b"one", within_s=0.2) is None
        assert line.passed_bytes == 3

        line.line = Line.OPEN

        assert await speaker.hears(b"two") == b""


async def test_a_half_open_connection_never_says_anything_again(line: TcpProxy) -> None:
    """That is what a lost host, or a firewall that forgot, looks like: no end, and no answer for good."""
    async with Speaker(line) as forgotten:
        assert await forgotten.hears(b"one") == b"one"
        line.line = Line.HALF_OPEN
        assert await forgotten.hears(b"two", within_s=0.2) is None

        line.line = Line.OPEN

        assert await forgotten.hears(b"three", within_s=0.2) is None
        async with Speaker(line) as new:
            assert await new.hears(b"four") == b"four"


async def test_a_delay_is_added_both_ways(line: TcpProxy) -> None:
    line.delay_s = 0.1
    async with Speaker(line) as speaker:
        began = time.monotonic()
        assert await speaker.hears(b"one") == b"one"
    assert time.monotonic() - began >= 0.2

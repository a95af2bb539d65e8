"""Two writers of one log or cursor, over the wire: one's request waits at the proxy while the other goes through.

Each schedule is told twice: with the fence it comes out right, and with the fence taken out it does not.
"""

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime

import msgspec
import pytest

from infra.local import azurite as storage_emulator
from shared.blobs import Blobs, service
from shared.capture.cursor import Cursor, Cursors
from shared.capture.hour_log import HourLogs
from shared.capture.reading import read_event
from shared.capture.records import Entry, Tail
from shared.clock import Clock
from tests.chaos.proxies.storage import Fault, StorageProxy
from tests.chaos.unfenced import AnyPosition, NeverClosed, Overwriting, Recreating
from tests.unit.capture.records import PARTITION, event, record
from tests.unit.sealing.logs import without_control_lines

AT = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
APPEND = "comp=appendblock"

PATIENCE_S = 0.5
"""How long a writer that is told so waits for an answer."""

Writer = Callable[..., Blobs]


@pytest.fixture
def path() -> str:
    """A log that no other test has."""
    return f"captures/logs/chaos/{uuid.uuid4()}/i-p0-r0.jsonl"


@pytest.fixture
async def writer(storage_proxy: StorageProxy, blobs: Blobs) -> AsyncIterator[Writer]:
    """Return what makes storage of a writer's own, with all fences or without one."""
    del blobs  # the containers are there
    made: list[Blobs] = []

    def make(kind: type[Blobs], *, timeout_s: float = 30.0) -> Blobs:
        made.append(kind(service(storage_emulator.connection_string(storage_proxy.port), timeout_s=timeout_s)))
        return made[-1]

    yield make
    for one in made:
        await one.close()


def entries(*sequences: int) -> list[Entry]:
    return [read_event(event(record(), sequence=number), PARTITION).entry for number in sequences]


async def sequences(blobs: Blobs, path: str) -> list[int]:
    """Return the sequence numbers in all rolls of a log, without its control lines."""
    folder = path.rsplit("/", 1)[0]
    contents = [(await blobs.read(stored.path)).data async for stored in blobs.under(f"{folder}/")]
    lines = b"".join(without_control_lines(content) for content in contents)
    return [tail.sequence for tail in msgspec.json.Decoder(Tail).decode_lines(lines)]


@pytest.mark.parametrize(
    ("kind", "written"), [(Blobs, [1, 2, 3, 4]), (AnyPosition, [1, 2, 3, 4, 2, 3, 4])], ids=["fenced", "unfenced"]
)
async def test_an_append_that_arrives_late_is_refused_by_its_position(
    storage_proxy: StorageProxy, writer: Writer, path: str, kind: type[Blobs], written: list[int]
) -> None:
    """A zombie's batch arrives after the new owner's: it must neither stand there twice nor between."""
    zombie, owner = HourLogs(writer(kind)), HourLogs(writer(kind))
    await zombie.append(path, entries(1))
    held = storage_proxy.plan("PUT", path, APPEND, held=True)
    late = asyncio.create_task(zombie.append(path, entries(2, 3, 4)))
    await held.arrived()

    await owner.append(path, entries(1, 2, 3, 4))
    held.release()
    await late

    assert await sequences(writer(Blobs), path) == written


@pytest.mark.parametrize("fault", [Fault.ANSWER_LOST, Fault.SILENCE_AFTER])
@pytest.mark.parametrize(
    ("kind", "written"), [(Blobs, [1, 2, 3]), (AnyPosition, [1, 2, 2, 3])], ids=["fenced", "unfenced"]
)
async def test_an_append_whose_answer_was_lost_is_not_done_again(
    storage_proxy: StorageProxy, writer: Writer, path: str, kind: type[Blobs], written: list[int], fault: Fault
) -> None:
    """The SDK sends it again by itself. The position refuses that, and the log's end shows that it was done."""
    logs = HourLogs(writer(kind, timeout_s=PATIENCE_S))
    await logs.append(path, entries(1))
    storage_proxy.plan("PUT", path, APPEND, fault=fault)

    await logs.append(path, entries(2))
    await logs.append(path, entries(3))

    assert storage_proxy.met == {fault.name: 1}
    assert await sequences(writer(Blobs), path) == written


@pytest.mark.parametrize("fault", [Fault.RESET, Fault.SILENCE])
async def test_an_append_that_storage_never_heard_of_is_done(
    storage_proxy: StorageProxy, writer: Writer, path: str, fault: Fault
) -> None:
    """To its writer it looks the same as one whose answer was lost."""
    logs = HourLogs(writer(Blobs, timeout_s=PATIENCE_S))
    await logs.append(path, entries(1))
    storage_proxy.plan("PUT", path, APPEND, fault=fault)

    await logs.append(path, entries(2))

    assert await sequences(writer(Blobs), path) == [1, 2]


@pytest.mark.parametrize(("kind", "written"), [(Blobs, [1, 2]), (Recreating, [2])], ids=["fenced", "unfenced"])
async def test_a_log_that_is_created_late_does_not_empty_the_one_that_is_there(
    storage_proxy: StorageProxy, writer: Writer, path: str, kind: type[Blobs], written: list[int]
) -> None:
    late, owner = HourLogs(writer(kind)), HourLogs(writer(kind))
    held = storage_proxy.plan("PUT", path, held=True)
    creating = asyncio.create_task(late.append(path, entries(2)))
    await held.arrived()

    await owner.append(path, entries(1))
    held.release()
    await creating

    assert await sequences(writer(Blobs), path) == written


@pytest.mark.parametrize(
    ("kind", "written"), [(Blobs, [1, 2, 3]), (NeverClosed, [1, 2, 2, 3])], ids=["closed", "left open"]
)
async def test_an_append_to_a_log_that_was_rolled_over_is_refused(
    storage_proxy: StorageProxy, writer: Writer, path: str, kind: type[Blobs], written: list[int]
) -> None:
    """Without the closing line the old roll still ends where the zombie believes, and it goes on there."""
    zombie, owner = HourLogs(writer(kind), most_blocks=2), HourLogs(writer(kind), most_blocks=1)
    await zombie.append(path, entries(1))
    held = storage_proxy.plan("PUT", path, APPEND, held=True)
    late = asyncio.create_task(zombie.append(path, entries(2)))
    await held.arrived()

    await owner.append(path, entries(1, 2, 3))
    held.release()
    await late

    assert await sequences(writer(Blobs), path) == written


@pytest.mark.parametrize(("kind", "reached"), [(Blobs, 9), (Overwriting, 5)], ids=["fenced", "unfenced"])
async def test_a_cursor_that_is_written_late_does_not_go_backwards(
    storage_proxy: StorageProxy, writer: Writer, kind: type[Blobs], reached: int
) -> None:
    """Sealing would wait for what was captured long ago, or count it twice."""
    incarnation = uuid.uuid4().hex
    zombie, owner = (Cursors(writer(kind), Clock.standing(AT)) for _ in range(2))
    await zombie.begin(incarnation, "0", first=1)
    held = storage_proxy.plan("PUT", incarnation, held=True)
    late = asyncio.create_task(zombie.advance(incarnation, "0", sequence=5, enqueued_at=AT))
    await held.arrived()

    await owner.advance(incarnation, "0", sequence=9, enqueued_at=AT)
    held.release()
    await late

    cursor: Cursor | None = await owner.read(incarnation, "0")
    assert cursor is not None
    assert (cursor.first, cursor.sequence) == (1, reached)


@pytest.mark.parametrize("fault", [Fault.ANSWER_LOST, Fault.RESET, Fault.SILENCE, Fault.SILENCE_AFTER])
async def test_a_cursor_whose_write_has_no_answer_moves_all_the_same(
    storage_proxy: StorageProxy, writer: Writer, fault: Fault
) -> None:
    """The SDK writes again by itself, and is told that the cursor is another by now: its own, which nobody says."""
    incarnation = uuid.uuid4().hex
    cursors = Cursors(writer(Blobs, timeout_s=PATIENCE_S), Clock.standing(AT))
    storage_proxy.plan("PUT", incarnation, fault=fault)
    await cursors.begin(incarnation, "0", first=1)
    storage_proxy.plan("PUT", incarnation, fault=fault)

    await cursors.advance(incarnation, "0", sequence=5, enqueued_at=AT)

    cursor: Cursor | None = await cursors.read(incarnation, "0")
    assert cursor is not None
    assert (cursor.first, cursor.sequence) == (1, 5)
    assert storage_proxy.met == {fault.name: 2}

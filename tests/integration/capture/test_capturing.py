"""From a published record to its line: once, whatever comes twice, late or broken."""

import asyncio
import hashlib
import json
import random
from collections.abc import AsyncIterator, Callable
from typing import Any

import azure.functions as func
import pytest

from infra.local.eventhubs.emulator import Emulator
from shared.blobs import Appended, Blobs, service
from shared.capture.capturing import Capturing
from shared.capture.cursor import Cursors
from shared.capture.hub import Hub
from shared.capture.records import Actual
from shared.clock import Clock
from shared.errors import BlobRefused, StorageUnavailable
from shared.hours import Hour
from shared.ids import uuid7
from shared.scoring.prediction import Kept
from tests.integration.capture.delivery import delivered, events, lines, predictions, received
from tests.integration.capture.publishing import publisher
from tests.unit.capture.records import record

pytestmark = pytest.mark.usefixtures("registry")

Make = Callable[..., Capturing]
Deliver = Callable[..., list[func.EventHubEvent]]


class Refusing(Blobs):
    """Storage that never takes a content with ``poison`` in it, nor, while it ``fails``, a dead letter."""

    poison = b"POISON"
    failing = False

    async def append(self, path: str, data: bytes, *, position: int) -> Appended:
        if self.failing and path.startswith("captures/dead/"):
            raise StorageUnavailable(path, reason="it is down")
        if self.poison in data and path.startswith("captures/logs/"):
            raise BlobRefused(path, reason="400 InvalidInput")
        return await super().append(path, data, position=position)


@pytest.fixture
async def refusing(azurite: str) -> AsyncIterator[Refusing]:
    made = Refusing(service(azurite))
    yield made
    await made.close()


@pytest.fixture
def kept(blobs: Blobs, clock: Clock) -> Callable[[], Any]:
    """Return what reads the lines kept in the hour of the test."""
    return lambda: lines(blobs, "captures/logs/kind=", Hour.containing(clock.now()).folder)


@pytest.fixture
def dead(blobs: Blobs, clock: Clock) -> Callable[[], Any]:
    """Return what reads the dead letters of the hour of the test."""
    return lambda: lines(blobs, f"captures/dead/{Hour.containing(clock.now()).folder}/")


@pytest.fixture
def deliver(clock: Clock, partition: str) -> Deliver:
    """Return what delivers events, from the first on, of the test's own partition in the test's own hour."""
    return lambda *bodies: events(clock, partition, *bodies)


def ids(found: list[dict[str, Any]]) -> list[str]:
    return [line["id"] for line in found]


async def test_what_is_published_is_found_once_under_its_version_and_hour(
    emulator: Emulator, hub: Hub, make_capturing: Make, blobs: Blobs, clock: Clock
) -> None:
    """Through the real client, there and back; then again, with other borders, as after a crash."""
    publishing = publisher(emulator, blobs)
    requests = [predictions(clock, rows) for rows in (1, 3, 2)]
    actual = Actual(
        id=uuid7(clock.now()), model="flights", prediction_id=None, external_id="a", at="2026-03-01T00:00:00Z", value=1
    )

    answers = [await publishing.keep(request) for request in requests]
    answers.append(await publishing.keep_actuals([actual]))
    await publishing.close()
    arrived = [delivered(event) for event in await received(emulator.connection_string(), expected=4)]
    await make_capturing().append(arrived[:3])
    await make_capturing().append(arrived[1:])

    assert answers == [Kept.ACKED] * 4
    found = await lines(blobs, "captures/logs/kind=prediction/model=flights/version=1/", await hub.incarnation())
    ours = [line for line in found if line["partition"] == 0]
    assert ids(ours) == [one.id for request in requests for one in request]
    assert [(line["sequence"], line["row"]) for line in ours] == [(0, 0), (1, 0), (1, 1), (1, 2), (2, 0), (2, 1)]
    assert ours[0]["inputs"] == {"distance": 1.5}
    assert ids(await lines(blobs, "captures/logs/kind=actual/model=flights/version=_none/", "-p0-")) == [actual.id]


@pytest.mark.parametrize("seed", range(4))
async def test_redelivery_with_other_borders_and_new_processes_keeps_each_event_once_in_order(
    seed: int, make_capturing: Make, deliver: Deliver, kept: Callable[[], Any]
) -> None:
    """The host remembers where it was after a batch, not within: what came after that comes again, differently cut."""
    rng = random.Random(seed)
    events = deliver(*(record(n=number) for number in range(40)))

    capturing, position = make_capturing(), 0
    while position < len(events):
        end = min(len(events), position + rng.randint(1, 15))
        await capturing.append(events[position:end])
        position = end if end == len(events) else max(0, end - rng.randint(0, 6))
        if rng.random() < 0.3:
            capturing = make_capturing()

    assert [line["n"] for line in await kept()] == list(range(40))


async def test_a_batch_that_holds_events_again_keeps_each_once(
    make_capturing: Make, deliver: Deliver, kept: Callable[[], Any]
) -> None:
    """The client keeps what it has received when its connection breaks, and receives it again."""
    events = deliver(*(record(n=number) for number in range(6)))

    await make_capturing().append([*events[:4], *events[1:4], *events[1:]])

    assert [line["n"] for line in await kept()] == list(range(6))


async def test_the_cursor_reaches_the_last_event_of_a_batch(
    make_capturing: Make, deliver: Deliver, hub: Hub, blobs: Blobs, clock: Clock, partition: str
) -> None:
    events = deliver(*(record() for _ in range(4)))

    await make_capturing().append(events)
    await make_capturing().append(events[:2])

    cursor = await Cursors(blobs, clock).read(await hub.incarnation(), partition)
    assert cursor is not None
    assert (cursor.first, cursor.sequence, cursor.enqueued_at) == (0, 3, clock.now())


async def test_the_cursor_stays_where_something_could_not_be_appended(
    make_capturing: Make,
    deliver: Deliver,
    refusing: Refusing,
    hub: Hub,
    blobs: Blobs,
    clock: Clock,
    partition: str,
) -> None:
    """Sealing believes the cursor: past it there may be rows to come, before it there are none."""
    events = deliver(record(), b"unreadable")
    refusing.failing = True

    with pytest.RaisesGroup(StorageUnavailable):
        await make_capturing(refusing).append(events)

    cursor = await Cursors(blobs, clock).read(await hub.incarnation(), partition)
    assert cursor is not None
    assert (cursor.first, cursor.sequence) == (0, -1)


async def test_records_of_unknown_models_become_dead_letters_that_can_be_read_again(
    make_capturing: Make, deliver: Deliver, kept: Callable[[], Any], dead: Callable[[], Any]
) -> None:
    strange = [record(model="trains"), record(version="2"), record(model="trains", kind="actual", version=None)]
    mixed = b"\n".join((record(model="trains"), b"?"))
    events = deliver(*strange, mixed, record(n=1))

    for _ in range(2):
        await make_capturing().append(events)

    letters = await dead()
    assert [letter.get("record") for letter in letters[:3]] == [json.loads(one) for one in strange]
    assert {letter["reason"] for letter in letters[:3]} == {"its model or version is not registered"}
    assert sorted((letter["sequence"], letter["index"]) for letter in letters[3:]) == [(3, 0), (3, 1)]
    assert [line["n"] for line in await kept()] == [1]


async def test_failures_of_models_that_nobody_knows_are_kept(
    make_capturing: Make, deliver: Deliver, kept: Callable[[], Any]
) -> None:
    events = deliver(record(kind="failure", model="_unknown", version=None))

    await make_capturing().append(events)

    assert len(await kept()) == 1


async def test_of_unreadable_events_only_length_and_digest_are_kept(
    make_capturing: Make,
    deliver: Deliver,
    dead: Callable[[], Any],
    kept: Callable[[], Any],
) -> None:
    bodies = [b"", b'{"secret"', b"\xff" * 10, record(secret=1, sequence=10**9), b"\n" * 5_000]
    events = deliver(*bodies, record(n=1), record(n=2))

    await make_capturing().append(events)

    letters = await dead()
    assert [(letter["size_bytes"], letter["sha256"]) for letter in letters] == [
        (len(body), hashlib.sha256(body).hexdigest()) for body in bodies
    ]
    assert "secret" not in json.dumps(letters)
    assert [line["n"] for line in await kept()] == [1, 2]


async def test_only_what_storage_refuses_is_set_aside_and_nothing_twice(
    make_capturing: Make,
    deliver: Deliver,
    refusing: Refusing,
    kept: Callable[[], Any],
    dead: Callable[[], Any],
) -> None:
    """A dead letter of a later event must not keep out that of an earlier one."""
    bodies = [
        record(n=0),
        record(n=1, inputs="POISON"),
        b"unreadable",
        record(n=3, kind="actual", version=None, value="POISON"),
        b"\n".join((record(n=4, inputs="POISON"), b"?")),
        record(n=5),
    ]
    events = deliver(*bodies)

    for borders in ((0, 6), (0, 6), (2, 5), (4, 6)):
        await make_capturing(refusing).append(events[slice(*borders)])

    letters = await dead()
    assert sorted((letter["sequence"], letter["index"]) for letter in letters) == [
        (1, 0),
        (2, 0),
        (3, 0),
        (4, 0),
        (4, 1),
    ]
    assert sorted(letter["record"]["n"] for letter in letters if "record" in letter) == [1, 3, 4]
    assert [line["n"] for line in await kept()] == [0, 5]


async def test_a_refused_event_is_set_aside_before_a_later_one_is_appended(
    make_capturing: Make,
    deliver: Deliver,
    refusing: Refusing,
    kept: Callable[[], Any],
    dead: Callable[[], Any],
) -> None:
    """With the later one in the log, the refused one would be taken for in as well when the batch comes again."""
    events = deliver(record(n=0), record(n=1, inputs="POISON"), record(n=2))
    refusing.failing = True

    with pytest.RaisesGroup(StorageUnavailable):
        await make_capturing(refusing).append(events)
    assert [line["n"] for line in await kept()] == [0]
    refusing.failing = False
    await make_capturing(refusing).append(events)

    assert [line["n"] for line in await kept()] == [0, 2]
    assert [letter["record"]["n"] for letter in await dead()] == [1]


async def test_an_append_that_fails_ends_the_others(
    make_capturing: Make, deliver: Deliver, azurite: str, kept: Callable[[], Any]
) -> None:
    """The host delivers the batch again at once: what is still under way would meet it in the same logs."""
    held = asyncio.Event()

    class Slow(Blobs):
        """Storage in which dead letters fail, and logs take their time."""

        async def append(self, path: str, data: bytes, *, position: int) -> Appended:
            if path.startswith("captures/dead/"):
                raise StorageUnavailable(path, reason="it is down")
            await held.wait()
            return await super().append(path, data, position=position)

    slow = Slow(service(azurite))
    tasks = asyncio.all_tasks()
    with pytest.RaisesGroup(StorageUnavailable):
        await make_capturing(slow).append(deliver(record(n=0), b"?"))

    assert asyncio.all_tasks() <= tasks
    await slow.close()
    assert await kept() == []

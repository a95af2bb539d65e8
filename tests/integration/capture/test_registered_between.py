"""A model that is registered between two deliveries: an event is a dead letter or in a log, and never both."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import azure.functions as func
import pytest

from shared.blobs import Appended, Blobs, Stored
from shared.capture.capturing import Capturing
from shared.errors import BlobRefused
from shared.registry.manifest import manifest_path
from shared.registry.store import Registry
from tests.integration.capture.delivery import handed_over
from tests.integration.capture.streams import NINE, Frozen, Stream, pass_time, stream
from tests.integration.stored import Killed
from tests.unit.capture.records import record


@pytest.fixture
async def hub(azurite: str, tmp_path: Path) -> AsyncIterator[Stream]:
    async with stream(azurite, tmp_path) as made:
        yield made


def batch(*bodies: bytes) -> list[func.EventHubEvent]:
    return [handed_over(body, "0", sequence=number, at=NINE) for number, body in enumerate(bodies)]


async def break_off(hub: Stream, events: Sequence[func.EventHubEvent], blobs: Blobs | None = None) -> Capturing:
    """Append a batch, and end before the cursor moves; return the process that tried."""
    capturing = hub.capturing(blobs)
    whole, capturing.cursors = capturing.cursors, Frozen(hub.blobs, hub.calendar)
    with pytest.raises(Killed):
        await capturing.append(events)
    capturing.cursors = whole
    return capturing


@pytest.mark.parametrize("same_process", [True, False])
async def test_what_was_set_aside_stays_there(hub: Stream, same_process: bool) -> None:  # noqa: FBT001 - a parameter
    """The account counts events in logs and events that are dead letters: this one would be counted twice."""
    events = batch(record(n=0), record(n=1, model="trains"), record(n=2))
    capturing = await break_off(hub, events)
    await hub.register("trains")

    await (capturing if same_process else hub.capturing()).append(events)
    later = handed_over(record(n=3, model="trains"), "0", sequence=3, at=NINE)
    await hub.capturing().append([*events, later])

    assert sorted(await hub.kept()) == [0, 2, 3]
    assert [letter["sequence"] for letter in await hub.dead()] == [1]


@pytest.mark.parametrize("seconds", [0.0, 60.0])
async def test_what_another_process_set_aside_meanwhile_stays_there(hub: Stream, seconds: float) -> None:
    """A partition came back to a process that had it before: the other one broke off, and left the cursor where it was.

    Within a minute the process goes by its own memory, which knows nothing of the other's attempt.
    """
    events = batch(record(n=0), record(n=1, model="trains"), record(n=2))
    capturing = hub.capturing()
    await capturing.append(events[:1])
    await break_off(hub, events[1:])
    await hub.register("trains")

    pass_time(capturing, seconds=seconds)
    # That it has filed the model's events of another partition says nothing of this one's.
    await capturing.append([handed_over(record(n=10, model="trains"), "900", sequence=0, at=NINE)])
    await capturing.append(events[1:])

    assert sorted(await hub.kept()) == [0, 2, 10]
    assert [letter["sequence"] for letter in await hub.dead()] == [1]


async def test_while_models_stay_what_they_are_nothing_is_looked_for(hub: Stream) -> None:
    """It would cost every batch a listing, and what is captured is nearly always of models that were there before."""
    listed: list[str] = []

    class Watched(Blobs):
        def under(self, prefix: str) -> AsyncIterator[Stored]:
            listed.append(prefix)
            return super().under(prefix)

    events = batch(record(n=0), record(n=1, model="trains"), record(n=2), record(n=3, model="trains"), record(n=4))
    capturing = hub.capturing(Watched(hub.blobs._service))
    await capturing.append(events[:2])
    listed.clear()

    await capturing.append(events[2:4])
    await capturing.append(events[4:])

    assert listed == []


@pytest.mark.parametrize("same_process", [True, False])
async def test_what_is_in_a_log_stays_there(hub: Stream, same_process: bool) -> None:  # noqa: FBT001 - a parameter
    """A manifest that was deleted by hand, say."""
    await hub.register("trains")
    events = batch(record(n=0), record(n=1, model="trains"), record(n=2))
    capturing = await break_off(hub, events)
    await hub.blobs.delete(manifest_path("trains", "1"))

    await (capturing if same_process else hub.capturing()).append(events)

    assert sorted(await hub.kept()) == [0, 1, 2]
    assert await hub.dead() == []


async def test_a_letter_that_is_a_part_keeps_nothing_out_of_a_log(hub: Stream) -> None:
    """Its event is in a log, or is to be: only the unreadable record is dead."""
    events = batch(b"\n".join((b"?", record(n=0))))

    set_aside = asyncio.Event()

    class Halfway(Blobs):
        """Storage that a process reaches for dead letters, and for logs no more."""

        async def append(self, path: str, data: bytes, *, position: int) -> Appended:
            if "/dead/" not in path:
                await set_aside.wait()
                raise Killed
            done = await super().append(path, data, position=position)
            set_aside.set()
            return done

    with pytest.RaisesGroup(Killed):
        await hub.capturing(Halfway(hub.blobs._service)).append(events)
    assert len(await hub.dead()) == 1
    await hub.capturing().append(events)

    assert await hub.kept() == [0]
    assert [(letter["index"], letter["part"]) for letter in await hub.dead()] == [(0, True)]


async def test_what_storage_refused_once_is_not_appended_when_it_takes_it_at_last(hub: Stream) -> None:
    events = batch(record(n=0), b"\n".join((record(n=1), b"?")), record(n=2))

    class Refusing(Blobs):
        async def append(self, path: str, data: bytes, *, position: int) -> Appended:
            if b'"n":1' in data and "/logs/" in path:
                raise BlobRefused(path, reason="400 InvalidInput")
            return await super().append(path, data, position=position)

    await break_off(hub, events, Refusing(hub.blobs._service))

    await hub.capturing().append(events)

    assert await hub.kept() == [0, 2]
    assert sorted((letter["sequence"], letter["index"]) for letter in await hub.dead()) == [(1, 0), (1, 1)]


async def test_what_was_captured_is_not_brought_back_by_a_registration(hub: Stream) -> None:
    """A host that lost its checkpoints delivers everything again."""
    events = batch(record(n=0), record(n=1, model="trains"), record(n=2))
    await hub.capturing().append(events)
    await hub.register("trains")

    await hub.capturing().append(events)

    assert sorted(await hub.kept()) == [0, 2]
    assert [letter["sequence"] for letter in await hub.dead()] == [1]


async def test_dead_letters_longer_than_a_step_are_all_found(hub: Stream) -> None:
    """They are read from the end, a mebibyte at a time; a letter may be a quarter of that."""
    large = [record(n=number, model="trains", inputs="x" * 250_000) for number in range(12)]
    events = batch(*large, record(n=99))
    await break_off(hub, events)
    await hub.register("trains")

    await hub.capturing().append(events)

    assert await hub.kept() == [99]
    assert len(await hub.dead()) == 12


async def test_two_events_of_one_batch_are_of_one_mind_about_a_model(hub: Stream) -> None:
    """One that went to the log would hide the one before it, which was to be set aside and was not yet."""
    events = batch(record(n=0, model="trains"), record(n=1, model="trains"))

    class Meanwhile(Registry):
        """A registry in which somebody registers a model right after it was asked for."""

        async def knows(self, model: str, version: str) -> bool:
            known = await super().knows(model, version)
            await hub.register(model)
            return known

    capturing = hub.capturing()
    capturing._filing.registry = Meanwhile(hub.blobs, hub.calendar)
    await capturing.append(events)

    assert [letter["sequence"] for letter in await hub.dead()] == [0, 1]
    assert await hub.kept() == []

"""What is written before a cursor moves, and whose cursor it is: a process ends in between, another goes on.

Each schedule is told twice: with the fence it comes out right, and with the fence taken out it does not.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from shared.blobs import Appended, Blobs
from shared.capture.capturing import Capturing
from shared.capture.cursor import Cursors
from shared.capture.filing import Filed, Filing
from shared.capture.hub import Hub
from shared.capture.place import Place
from shared.capture.records import Event
from tests.integration.capture.streams import Stream, expired, stream
from tests.integration.stored import Killed


@pytest.fixture
async def hub(azurite: str, tmp_path: Path) -> AsyncIterator[Stream]:
    async with stream(azurite, tmp_path) as made:
        yield made


@pytest.fixture
async def forgetting(azurite: str, tmp_path: Path) -> AsyncIterator[Stream]:
    """A hub that keeps its events for a second."""
    async with stream(azurite, tmp_path, retention_s=1.0) as made:
        yield made


class AskedOnce(Hub):
    """A hub that is never asked again whether it is the same."""

    known = ""

    async def incarnation(self, *, timeout_s: float = 30.0) -> str:
        self.known = self.known or await super().incarnation(timeout_s=timeout_s)
        return self.known


@pytest.mark.parametrize(
    ("kind", "written"), [(Hub, [0, 1, 2, 10, 11]), (AskedOnce, [0, 1, 2])], ids=["fenced", "unfenced"]
)
async def test_the_first_numbers_of_a_hub_created_anew_are_not_old_ones(
    hub: Stream, kind: type[Hub], written: list[int]
) -> None:
    """Two processes, one of which has seen the old hub alone: without the check everything would be skipped as old."""
    hub.hub.__class__ = kind
    stale, other = hub.capturing(), hub.capturing()
    before = await hub.send_numbered(0, 1, 2)
    await stale.append(before[:2])
    await other.append(before[1:])

    await hub.recreate()
    anew = await hub.send_numbered(10, 11)
    await stale.append(anew[:1])
    await other.append(anew)

    assert await hub.kept() == written


class Ending(Blobs):
    """Storage of a process that ends at its first append."""

    async def append(self, path: str, data: bytes, *, position: int) -> Appended:
        del path, data, position
        raise Killed


@dataclass(slots=True)
class CursorFirst(Filing):
    """It moves the cursor before it appends."""

    cursors: Cursors = field(kw_only=True)

    async def file(self, events: Sequence[Event], place: Place, *, above: int, may_repeat: bool) -> Filed:
        last = events[-1]
        await self.cursors.advance(
            place.incarnation, place.partition, sequence=last.sequence, enqueued_at=last.enqueued_at
        )
        return await Filing.file(self, events, place, above=above, may_repeat=may_repeat)


def _as_it_is(_: Capturing) -> None:
    """Take nothing out."""


def _cursor_first(capturing: Capturing) -> None:
    capturing._filing = CursorFirst(capturing.logs, capturing.registry, cursors=capturing.cursors)


@pytest.mark.parametrize(
    ("change", "written"), [(_as_it_is, [0, 1, 2]), (_cursor_first, [0])], ids=["fenced", "unfenced"]
)
async def test_a_cursor_moves_after_everything_is_appended(
    hub: Stream, change: Callable[[Capturing], None], written: list[int]
) -> None:
    """What is not above the cursor is captured, for whoever comes next: a crash in between would lose it for ever."""
    arrived = await hub.send_numbered(0, 1, 2)
    await hub.capturing().append(arrived[:1])
    dying = hub.capturing(Ending(hub.blobs._service))
    change(dying)

    with pytest.RaisesGroup(Killed):
        await dying.append(arrived[1:])
    await hub.capturing().append(arrived[1:])

    assert await hub.kept() == written


class EndingAtTheCursor(Blobs):
    """Storage of a process that ends when its cursor has moved."""

    async def replace(self, path: str, data: bytes, *, etag: str) -> str:
        await super().replace(path, data, etag=etag)
        raise Killed


class GapsLater(EndingAtTheCursor):
    """It would write a gap down when the cursor has moved: it does not come to that."""

    async def create(self, path: str, data: bytes) -> str:
        return "" if "/gaps/" in path else await super().create(path, data)


@pytest.mark.parametrize(
    ("kind", "recorded"), [(EndingAtTheCursor, [(1, 2)]), (GapsLater, [])], ids=["fenced", "unfenced"]
)
async def test_a_gap_is_recorded_before_the_cursor_passes_it(
    forgetting: Stream, kind: type[Blobs], recorded: list[tuple[int, int]]
) -> None:
    """Behind the cursor nobody looks any more: numbers would be missing that nobody says are lost."""
    await forgetting.capturing().append(await forgetting.send_numbered(0))
    await forgetting.send_numbered(1, 2)
    await expired(forgetting.hub, first=3)
    arrived = await forgetting.send_numbered(3)

    dying = forgetting.capturing()
    dying.cursors = Cursors(kind(forgetting.blobs._service), forgetting.calendar)
    with pytest.raises(Killed):
        await dying.append(arrived)
    await forgetting.capturing().append(arrived)

    assert await forgetting.gaps() == recorded
    assert await forgetting.kept() == [0, 3]

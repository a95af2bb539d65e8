"""A sender that takes its time, and remembers what left when."""

import asyncio
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Any

from shared.capture.publishing.commits import Commits
from shared.capture.records import Kind, Outgoing, Shelf
from shared.scoring.prediction import Kept
from tests.unit.capture.virtual_time import now

ONE = Shelf(Kind.PREDICTION, "flights", "1")
TWO = Shelf(Kind.PREDICTION, "flights", "2")
PATIENCE_S = 2.0


@dataclass
class Left:
    """A commit on its way."""

    at: float
    lane: int
    events: list[Outgoing]

    @property
    def records(self) -> list[bytes]:
        return [record for event in self.events for record in event.body.split(b"\n")]


@dataclass
class Sender:
    """Takes so long for each commit and for opening a lane, and keeps events as ``outcomes`` says, by their shelf."""

    takes_s: float = 0.0
    opens_s: float = 0.0
    outcomes: dict[Shelf, Kept] = field(default_factory=dict)
    commits: list[Left] = field(default_factory=list)
    opened: list[int] = field(default_factory=list)
    under_way: int = 0
    most_under_way: int = 0

    async def leave(self, events: Sequence[Outgoing], *, lane: int, waiting_since: float) -> Sequence[Kept]:
        assert waiting_since <= now() + 1e-6
        self.commits.append(Left(now(), lane, list(events)))
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        await asyncio.sleep(self.takes_s)
        self.under_way -= 1
        return [self.outcomes.get(event.shelf, Kept.ACKED) for event in events]

    async def open(self, lane: int) -> None:
        await asyncio.sleep(self.opens_s)
        self.opened.append(lane)


async def after(seconds: float, work: Coroutine[Any, Any, Kept]) -> Kept:
    await asyncio.sleep(seconds)
    return await work


def keep(commits: Commits, *records: bytes, shelf: Shelf = ONE) -> Coroutine[Any, Any, Kept]:
    return commits.keep(shelf, records, timeout_s=PATIENCE_S)


def left(sender: Sender) -> list[tuple[float, int, list[bytes]]]:
    return [(commit.at, commit.lane, commit.records) for commit in sender.commits]

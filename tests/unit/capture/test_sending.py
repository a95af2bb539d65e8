"""How long hub and spool are given, in virtual time; what becomes of commits is tried against real ones."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import cast

import pytest

from shared.capture.publishing.breaker import Way
from shared.capture.publishing.lanes import Lanes
from shared.capture.publishing.sending import Sending
from shared.capture.publishing.spool import Spool
from shared.capture.records import Kind, Outgoing, Shelf
from shared.clock import Clock
from shared.errors import EventsUnavailable, StorageUnavailable
from shared.scoring.prediction import Kept
from shared.telemetry import Telemetry
from tests.unit.capture.virtual_time import now, run

CLOCK = Clock.standing(datetime(2026, 3, 1, 9, 30, tzinfo=UTC))
EVENTS = [Outgoing(Shelf(Kind.PREDICTION, "flights", "1"), b"{}")]
TIMEOUT_S = 5.0


@dataclass
class Silent:
    """Lanes and a spool that take all the time they are given, and that remember how much that was."""

    hub_s: list[float] = field(default_factory=list)
    spool_s: list[float] = field(default_factory=list)

    async def send(self, events: Sequence[Outgoing], *, lane: int, timeout_s: float) -> None:
        self.hub_s.append(round(timeout_s, 6))
        await asyncio.sleep(timeout_s)
        raise EventsUnavailable(f"{len(events)} events on lane {lane}")

    async def keep(self, events: Sequence[Outgoing], *, timeout_s: float) -> str:
        self.spool_s.append(round(timeout_s, 6))
        await asyncio.sleep(timeout_s)
        raise StorageUnavailable("spool", reason=f"{len(events)} events")


def sending(silent: Silent) -> Sending:
    nowhere = Telemetry.to("", clock=CLOCK)
    return Sending(cast("Lanes", silent), cast("Spool", silent), nowhere, CLOCK, timeout_s=TIMEOUT_S, target="the hub")


@pytest.mark.parametrize(
    ("waited_s", "hub_s", "spool_s"),
    [(0.0, 5.0, 5.0), (3.0, 2.0, 5.0), (5.0, 0.5, 4.5), (9.8, 0.5, 0.5), (60.0, 0.5, 0.5)],
)
def test_what_waited_has_the_less_time_left(waited_s: float, hub_s: float, spool_s: float) -> None:
    """Else a request in the queue behind a hub that hangs would wait for its time-out, and then for its own."""

    async def scene() -> None:
        silent = Silent()
        await asyncio.sleep(waited_s)
        assert await sending(silent).leave(EVENTS, lane=0, waiting_since=0.0) == [Kept.LOST]
        assert (silent.hub_s, silent.spool_s) == ([hub_s], [spool_s])

    run(scene())


def test_while_the_breaker_rests_the_hub_is_given_no_time_at_all() -> None:
    async def scene() -> None:
        silent = Silent()
        tried = sending(silent)
        await tried.leave(EVENTS, lane=0, waiting_since=now())
        tried.breaker._rests_until = now() + 30.0
        silent.hub_s.clear()
        assert await tried.leave(EVENTS, lane=0, waiting_since=now()) == [Kept.LOST]
        await tried.open(1)
        assert silent.hub_s == []

    run(scene())


def test_while_storage_is_away_too_the_hub_is_tried_at_once() -> None:
    """Else a hub that is back would be given nothing for as long as the rest, and all of that would be lost."""

    async def scene() -> None:
        silent = Silent()
        tried = sending(silent)
        tried.breaker.failed(Way.SEND, now())
        tried.breaker._rests_until = now() + 1_000.0
        kept = [(await tried.leave(EVENTS, lane=0, waiting_since=now()))[0], len(silent.hub_s)]
        kept += [(await tried.leave(EVENTS, lane=0, waiting_since=now()))[0], len(silent.hub_s)]
        assert kept == [Kept.LOST, 0, Kept.LOST, 1]

    run(scene())


def test_a_mistake_of_ours_is_cried_out_as_any_loss(caplog: pytest.LogCaptureFixture) -> None:
    """Whoever waits is told that records are lost, and nobody else would know."""

    class Mistaken(Silent):
        async def send(self, events: Sequence[Outgoing], *, lane: int, timeout_s: float) -> None:
            raise ZeroDivisionError(lane, len(events) / timeout_s)

    with pytest.raises(ZeroDivisionError):
        run(sending(Mistaken()).leave(EVENTS, lane=0, waiting_since=0.0))

    assert [(one.levelname, one.message) for one in caplog.records] == [("CRITICAL", "records lost")]

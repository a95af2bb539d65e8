"""Actuals are answered by how they were kept."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import cast

import pytest

from shared.capture import wanting
from shared.capture.actual_values import Numbers, Wanted
from shared.capture.actuals import Answer, ReceivingActuals
from shared.capture.records import Actual
from shared.clock import Clock
from shared.errors import NotKept
from shared.scoring.prediction import Kept
from shared.telemetry import Telemetry

CLOCK = Clock.standing(datetime(2026, 3, 1, 9, 30, tzinfo=UTC))
BODY = b'[{"external_id": "a", "value": 1}, {"external_id": "b"}]'


class Wanting:
    """Wants every number of every model."""

    async def of(self, model: str) -> Wanted:
        assert model
        return Wanted(Numbers.ANY, texts=False)


@dataclass
class Keeper:
    """Keeps as it is told."""

    how: Kept

    async def keep_actuals(self, actuals: Sequence[Actual]) -> Kept:
        assert actuals
        return self.how


def receiving(how: Kept, *, kept_or_refused: bool) -> ReceivingActuals:
    return ReceivingActuals(
        cast("wanting.Wanting", Wanting()),
        Keeper(how),
        CLOCK,
        Telemetry.to("", clock=CLOCK),
        max_body_bytes=100_000,
        max_depth=32,
        kept_or_refused=kept_or_refused,
    )


@pytest.mark.parametrize("how", [Kept.ACKED, Kept.SENT, Kept.SPOOLED, Kept.LOST])
async def test_the_answer_says_how_they_were_kept(how: Kept) -> None:
    received = await receiving(how, kept_or_refused=False).receive("flights", BODY, request_id="a")

    assert (received.accepted, received.capture) == (1, how)


async def test_where_records_must_be_kept_actuals_that_are_lost_are_refused() -> None:
    """Their caller sends them again, which nobody does with actuals that were accepted."""
    with pytest.raises(NotKept):
        await receiving(Kept.LOST, kept_or_refused=True).receive("flights", BODY, request_id="a")


async def test_actuals_that_wait_in_the_spool_are_kept() -> None:
    received = await receiving(Kept.SPOOLED, kept_or_refused=True).receive("flights", BODY, request_id="a")

    assert received.capture is Kept.SPOOLED


@pytest.mark.parametrize(("actuals", "on_the_loop"), [(500, True), (501, False)])
async def test_only_a_few_actuals_are_read_on_the_event_loop(
    actuals: int, monkeypatch: pytest.MonkeyPatch, *, on_the_loop: bool
) -> None:
    """Ten thousand take a twentieth of a second, in which nobody would be answered."""
    threads: set[threading.Thread] = set()

    def noted(*_: object) -> Answer:
        threads.add(threading.current_thread())
        return Answer("refused")

    monkeypatch.setattr("shared.capture.actuals._read", noted)

    body = b"[" + b",".join([b"{}"] * actuals) + b"]"
    received = await receiving(Kept.ACKED, kept_or_refused=False).receive("flights", body, request_id="a")

    assert len(received.answers) == actuals
    assert (threads == {threading.current_thread()}) is on_the_loop

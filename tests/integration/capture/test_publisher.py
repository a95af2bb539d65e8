"""Requests share what they send, and are told how it was kept."""

import asyncio
import json
from collections.abc import Sequence

import pytest

from infra.local.eventhubs.emulator import Emulator
from shared.blobs import Blobs
from shared.capture.publishing.lanes import Lanes
from shared.capture.publishing.publisher import CaptureOff, Publisher
from shared.capture.records import Actual, Kind, Outgoing, Shelf
from shared.clock import Clock
from shared.errors import EventRefused, EventsUnavailable, RequestTooLarge
from shared.ids import uuid7
from shared.scoring.prediction import Failure, Kept
from tests.integration.capture.delivery import predictions, received
from tests.integration.capture.publishing import TIMEOUT_S, asked_hub, ids_of, publisher, without_storage

NOW = Clock.real()


async def test_requests_that_publish_at_once_share_events(address: Emulator, ours: Publisher) -> None:
    """An event costs the client 300 µs whatever is in it, and so does a batch: that is what capture cost a request."""
    rows = [predictions(NOW, 1, version=str(number % 2)) for number in range(40)]

    async with address:
        kept = await asyncio.gather(*(ours.keep(one) for one in rows))
        events = await received(address.connection_string(), expected=2)

    assert set(kept) == {Kept.ACKED}
    assert sorted(ids_of(events)) == sorted(one.id for request in rows for one in request)
    assert {event.properties[b"records"] for event in events} == {b"20"}
    assert {event.properties[b"version"] for event in events} == {b"0", b"1"}


class SlowFirst(Lanes):
    """Lanes of which the first takes its time: until another has sent something."""

    beside: asyncio.Event

    async def send(self, events: Sequence[Outgoing], *, lane: int, timeout_s: float) -> None:
        if lane == 0:
            await self.beside.wait()
        await super().send(events, lane=lane, timeout_s=timeout_s)
        self.beside.set()


async def test_commits_side_by_side_go_by_lanes_of_their_own(address: Emulator, ours: Publisher) -> None:
    """The client of one lane sends one batch after the other, however long the hub takes for each."""
    async with address:
        await ours.keep(predictions(NOW, 1))
        lanes = ours.sending.lanes
        alone = sorted(lanes._hubs)
        slow = ours.sending.lanes = SlowFirst(lanes.connect, lanes._hubs, lanes._leaving)
        slow.beside = asyncio.Event()
        kept = await asyncio.gather(*(ours.keep(predictions(NOW, 20, note="x" * 200_000)) for _ in range(2)))

    assert alone == [0]
    assert sorted(slow._hubs)[:2] == [0, 1]
    assert set(kept) == {Kept.ACKED}


async def test_who_does_not_wait_is_told_so_and_sends_all_the_same(address: Emulator, storage: Blobs) -> None:
    publishing = publisher(address, storage, waits=False)
    rows = [predictions(NOW, 2) for _ in range(30)]

    async with address:
        kept = [await publishing.keep(one) for one in rows]
        await publishing.close()
        events = await received(address.connection_string(), expected=1)

    assert set(kept) == {Kept.SENT}
    assert sorted(ids_of(events)) == sorted(one.id for request in rows for one in request)


async def test_of_a_sample_the_kept_rows_say_how_many_they_stand_for(address: Emulator, storage: Blobs) -> None:
    publishing = publisher(address, storage, one_in=4)
    rows = predictions(NOW, 400)
    actual = Actual(id=uuid7(NOW.now()), model="flights", prediction_id=None, external_id="a", at="2026", value=1)

    async with address:
        kept = await publishing.keep(rows)
        others = [await publishing.keep([one]) for one in rows[:20]]
        actuals = [await publishing.keep_actuals([actual]) for _ in range(5)]
        await publishing.close()
        (event, *_) = await received(address.connection_string(), expected=1)

    found = [json.loads(record) for record in event.body_as_str().split("\n")]
    assert kept is Kept.SAMPLED_OUT
    assert set(others) == {Kept.SAMPLED_OUT, Kept.ACKED}
    assert set(actuals) == {Kept.ACKED}
    assert 50 < len(found) < 150
    assert {one["weight"] for one in found} == {4}


async def test_a_failure_is_kept_on_a_shelf_of_its_own(address: Emulator, ours: Publisher) -> None:
    failure = Failure(
        id=uuid7(NOW.now()),
        model="flights",
        version=None,
        request_id="request",
        at="2026",
        status=404,
        code="unknown_model",
        feature=None,
        asked=None,
    )

    async with address:
        await ours.keep_failure(failure)
        (event,) = await received(address.connection_string(), expected=1)

    assert (event.properties[b"kind"], event.properties[b"version"]) == (b"failure", b"_none")
    assert json.loads(event.body_as_str())["version"] is None


async def test_a_request_of_more_than_one_commit_keeps_its_order_within_each_event(
    address: Emulator, ours: Publisher
) -> None:
    """The properties say what an event holds without opening it."""
    rows = predictions(NOW, 20, note="x" * 200_000)

    async with address:
        assert await ours.keep(rows) is Kept.ACKED
        events = await received(address.connection_string(), expected=10)

    order = {row.id: row.row for row in rows}
    found = [[order[one] for one in ids_of([event])] for event in events]
    assert sorted(found) == [[number, number + 1] for number in range(0, 20, 2)]
    assert {event.properties[b"records"] for event in events} == {b"2"}
    assert {event.properties[b"kind"] for event in events} == {b"prediction"}
    assert {(event.properties[b"model"], event.properties[b"version"]) for event in events} == {(b"flights", b"1")}
    assert {event.properties.get(b"replayed") for event in events} == {None}


async def test_nothing_of_a_request_is_sent_when_one_row_is_too_large(address: Emulator, ours: Publisher) -> None:
    fits, large = predictions(NOW, 1), predictions(NOW, 1, note="x" * 300_000)

    async with address, asked_hub(address) as asked:
        with pytest.raises(RequestTooLarge, match="row's record"):
            await ours.keep([*fits, *large])
        await ours.close()
        partitions = await asked.partitions()

    assert [one.last_sequence for one in partitions] == [-1]


async def test_an_event_that_the_hub_is_too_small_for_takes_no_other_along(address: Emulator) -> None:
    """The tiers differ in what they take; a prediction that was made is answered on all of them."""
    shelf = Shelf(Kind.PREDICTION, "flights", "1")
    fits, large = Outgoing(shelf, b"x"), Outgoing(shelf, b"x" * 2_000_000)

    async with address, asked_hub(address) as asked, without_storage(address) as publishing:
        with pytest.raises(EventRefused, match="2000000 bytes"):
            await asked.send([fits, large], timeout_s=TIMEOUT_S)
        nothing = await asked.partitions()
        kept = await publishing.sending.leave(
            [fits, large, fits], lane=0, waiting_since=asyncio.get_running_loop().time()
        )

    assert [one.last_sequence for one in nothing] == [-1]
    assert kept == [Kept.ACKED, Kept.LOST, Kept.ACKED]


async def test_a_hub_that_is_away_cannot_say_who_it_is(address: Emulator) -> None:
    """Capture must not guess an incarnation: it would file events under a hub that never was."""
    async with asked_hub(address) as asked:
        with pytest.raises(EventsUnavailable):
            await asked.incarnation(timeout_s=TIMEOUT_S)


async def test_with_capture_off_nothing_is_kept_and_that_is_said() -> None:
    off = CaptureOff()
    actual = Actual(id="1", model="flights", prediction_id=None, external_id="a", at="2026-03-01", value=1)

    assert await off.keep(predictions(NOW, 1)) is Kept.OFF
    assert await off.keep_actuals([actual]) is Kept.OFF

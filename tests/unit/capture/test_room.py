"""What waits in a process is bounded: who finds no room waits in line, and nobody's room is forgotten."""

import asyncio
from collections.abc import Sequence

import pytest

from shared.capture.publishing.commits import Commits
from shared.capture.records import Outgoing
from shared.errors import EventsUnavailable
from shared.scoring.prediction import Kept
from tests.unit.capture.sender import ONE, PATIENCE_S, Sender, after, keep
from tests.unit.capture.virtual_time import now, run


def test_what_waits_is_bounded_and_who_finds_no_room_waits_for_it() -> None:
    async def scene() -> None:
        sender = Sender(takes_s=0.1)
        commits = Commits(sender, lanes=1, most_waiting_bytes=1_000)
        callers = [keep(commits, b"%d" % number + b"x" * 498) for number in range(8)]
        assert set(await asyncio.gather(*callers)) == {Kept.ACKED}
        # In the order in which they came: two at a time find room.
        assert [[record[:1] for record in commit.records] for commit in sender.commits] == [
            [b"0", b"1"],
            [b"2", b"3"],
            [b"4", b"5"],
            [b"6", b"7"],
        ]

    run(scene())


def test_who_finds_no_room_in_time_is_refused_whole() -> None:
    async def scene() -> None:
        sender = Sender(takes_s=10.0)
        commits = Commits(sender, lanes=1, most_waiting_bytes=1_000)
        first = asyncio.ensure_future(keep(commits, b"0"))
        await asyncio.sleep(0.001)
        second = asyncio.ensure_future(keep(commits, b"1" * 900))
        await asyncio.sleep(0.0)
        with pytest.raises(EventsUnavailable, match="901 bytes wait"):
            await keep(commits, b"2" * 900, b"3")
        assert now() == 0.001 + PATIENCE_S
        small = asyncio.ensure_future(keep(commits, b"4"))
        await asyncio.gather(first, second, small)
        assert [commit.records for commit in sender.commits] == [[b"0"], [b"1" * 900, b"4"]]

    run(scene())


def test_a_request_that_is_larger_than_all_room_leaves_when_it_is_alone() -> None:
    """It would wait for ever otherwise; and the one behind it must not pass it each time."""

    async def scene() -> None:
        sender = Sender(takes_s=0.1)
        commits = Commits(sender, lanes=1, most_waiting_bytes=1_000)
        sizes = (900, 900, 5_000, 900)
        kept = await asyncio.gather(*(keep(commits, b"%d" % size + b"x" * size) for size in sizes))
        assert set(kept) == {Kept.ACKED}
        assert [len(commit.records[0]) for commit in sender.commits] == [903, 903, 5_004, 903]

    run(scene())


def test_nobody_passes_those_who_wait_for_room() -> None:
    """A large request would wait as long as small ones come."""

    async def scene() -> None:
        sender = Sender(takes_s=0.1)
        commits = Commits(sender, lanes=1, most_waiting_bytes=1_000)
        sizes = (9, 900, 500, 20)
        await asyncio.gather(*(after(0.001 * index, keep(commits, b"x" * size)) for index, size in enumerate(sizes)))
        assert [[len(record) for record in commit.records] for commit in sender.commits] == [[9], [900], [500, 20]]

    run(scene())


def test_who_stops_waiting_for_room_holds_up_nobody_behind() -> None:
    async def scene() -> None:
        sender = Sender(takes_s=10.0)
        commits = Commits(sender, lanes=1, most_waiting_bytes=1_000)
        sizes = (9, 900, 500, 20)
        callers = [
            asyncio.ensure_future(after(0.5 * index, keep(commits, b"x" * size))) for index, size in enumerate(sizes)
        ]
        kept = await asyncio.gather(*callers, return_exceptions=True)
        assert [type(one) for one in kept] == [Kept, Kept, EventsUnavailable, Kept]

    run(scene())


def test_a_caller_that_goes_away_before_there_is_room_leaves_none_taken() -> None:
    async def scene() -> None:
        sender = Sender(takes_s=0.1)
        commits = Commits(sender, lanes=1, most_waiting_bytes=1_000)
        callers = [asyncio.ensure_future(keep(commits, b"%d" % number + b"x" * 900)) for number in range(4)]
        await asyncio.sleep(0.05)
        callers[2].cancel()
        await asyncio.wait(callers)
        assert [caller.cancelled() for caller in callers] == [False, False, True, False]
        assert [commit.records[0][:1] for commit in sender.commits] == [b"0", b"1", b"3"]

    run(scene())


def test_a_caller_that_goes_away_as_it_is_let_in_leaves_none_taken() -> None:
    """Room that nobody gives back is gone as long as the process lives."""

    async def scene() -> None:
        class Cancelling(Sender):
            async def leave(self, events: Sequence[Outgoing], *, lane: int, waiting_since: float) -> Sequence[Kept]:
                if len(self.commits) == 1:
                    callers[2].cancel()  # room was made for it right before, and it has not run since
                return await super().leave(events, lane=lane, waiting_since=waiting_since)

        sender = Cancelling(takes_s=0.1)
        commits = Commits(sender, lanes=1, most_waiting_bytes=1_000)
        callers = [asyncio.ensure_future(keep(commits, b"%d" % number + b"x" * 900)) for number in range(4)]
        await asyncio.wait(callers)
        assert [caller.cancelled() for caller in callers] == [False, False, True, False]
        assert [commit.records[0][:1] for commit in sender.commits] == [b"0", b"1", b"3"]
        assert commits._waiting_bytes == 0

    run(scene())


def test_what_is_handed_over_is_not_waited_for_until_the_end() -> None:
    async def scene() -> None:
        sender = Sender(takes_s=0.1)
        commits = Commits(sender, lanes=1, most_waiting_bytes=10)
        for number in range(6):
            await commits.hand_over(ONE, [b"%04d" % number], timeout_s=PATIENCE_S)
        assert now() == 0.1, "the bound holds here too"
        await commits.close()
        assert [commit.records for commit in sender.commits] == [
            [b"0000", b"0001"],
            [b"0002", b"0003"],
            [b"0004", b"0005"],
        ]
        assert sender.under_way == 0

    run(scene())

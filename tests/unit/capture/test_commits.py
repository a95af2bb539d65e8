"""Who leaves when, and with whom: in virtual time, so that milliseconds are exact."""

import asyncio
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.capture.publishing.commits import EVENT_BYTES, LINGER_S, MOST_COMMIT_BYTES, Commits
from shared.capture.records import MOST_EVENT_BYTES, MOST_RECORD_BYTES, Outgoing, Shelf
from shared.scoring.prediction import Kept
from tests.unit.capture.sender import ONE, TWO, Sender, after, keep, left
from tests.unit.capture.virtual_time import now, run


def test_alone_a_request_waits_for_nobody() -> None:
    async def scene() -> None:
        sender = Sender(takes_s=0.001)
        commits = Commits(sender)
        for number in range(3):
            assert await keep(commits, b"%d" % number) is Kept.ACKED
        assert left(sender) == [(0.0, 0, [b"0"]), (0.001, 0, [b"1"]), (0.002, 0, [b"2"])]
        assert sender.opened == []

    run(scene())


def test_requests_that_are_ready_together_go_together() -> None:
    async def scene() -> None:
        sender = Sender()
        commits = Commits(sender)
        await asyncio.gather(*(keep(commits, b"%d" % number) for number in range(3)), keep(commits, b"x", shelf=TWO))
        assert [[(event.shelf, event.body) for event in commit.events] for commit in sender.commits] == [
            [(ONE, b"0\n1\n2"), (TWO, b"x")]
        ]

    run(scene())


def test_what_comes_while_a_commit_is_under_way_leaves_when_that_ends() -> None:
    async def scene() -> None:
        sender = Sender(takes_s=0.003)
        commits = Commits(sender)
        first = (after(at, keep(commits, b"%d" % index)) for index, at in enumerate((0.0, 0.001, 0.002)))
        await asyncio.gather(*first)
        assert left(sender) == [(0.0, 0, [b"0"]), (0.003, 0, [b"1", b"2"])]

    run(scene())


def test_nobody_lingers_longer_than_5_ms_where_a_lane_is_free() -> None:
    async def scene() -> None:
        sender = Sender(takes_s=0.1)
        commits = Commits(sender)
        waiting = [after(at, keep(commits, b"%d" % index)) for index, at in enumerate((0.0, 0.001, 0.004, 0.01))]
        await asyncio.gather(*waiting)
        assert left(sender) == [
            (0.0, 0, [b"0"]),
            (0.001 + LINGER_S, 1, [b"1", b"2"]),
            (0.01 + LINGER_S, 2, [b"3"]),
        ]

    run(scene())


def test_nobody_waits_for_a_lane_to_be_connected() -> None:
    """That takes longer than the commit which is under way, most of the time."""

    async def scene() -> None:
        sender = Sender(takes_s=0.02, opens_s=0.5)
        commits = Commits(sender)
        await asyncio.gather(keep(commits, b"0"), after(0.001, keep(commits, b"1")))
        assert left(sender) == [(0.0, 0, [b"0"]), (0.02, 0, [b"1"])]
        await commits.close()
        assert sender.opened == [1]

    run(scene())


def test_no_more_commits_are_under_way_than_there_are_lanes() -> None:
    async def scene() -> None:
        sender = Sender(takes_s=0.1)
        commits = Commits(sender, lanes=3)
        await asyncio.gather(*(after(0.006 * number, keep(commits, b"%d" % number)) for number in range(60)))
        assert sender.most_under_way == 3
        assert sorted(record for commit in sender.commits for record in commit.records) == sorted(
            b"%d" % number for number in range(60)
        )
        assert len(sender.commits) < 20

    run(scene())


def test_a_full_commit_lingers_for_nobody() -> None:
    async def scene() -> None:
        sender = Sender(takes_s=0.1)
        commits = Commits(sender, lanes=2)
        await asyncio.gather(keep(commits, b"0"), after(0.001, keep(commits, b"1")))  # opens the second lane
        large = b"x" * 200_000
        began = now()
        await asyncio.gather(keep(commits, b"2"), after(0.001, keep(commits, *[large] * 5)))
        assert [commit.at - began for commit in sender.commits[2:]] == pytest.approx([0.0, 0.001, 0.1])
        assert [len(commit.records) for commit in sender.commits[2:]] == [1, 4, 1]

    run(scene())


@given(
    st.lists(
        st.tuples(
            st.sampled_from([ONE, TWO]),
            st.lists(st.sampled_from([8, 1_000, 200_000, MOST_RECORD_BYTES]), min_size=1, max_size=6),
        ),
        min_size=1,
        max_size=8,
    )
)
def test_everything_leaves_once_in_order_and_within_the_sizes(requests: list[tuple[Shelf, list[int]]]) -> None:
    async def scene() -> None:
        sender = Sender(takes_s=0.001)
        commits = Commits(sender, most_waiting_bytes=1_000_000)
        rows = {
            number: [b"%08d" % (100 * number + row) + b"x" * (size - 8) for row, size in enumerate(sizes)]
            for number, (_, sizes) in enumerate(requests)
        }
        kept = await asyncio.gather(
            *(commits.keep(shelf, rows[number], timeout_s=60.0) for number, (shelf, _) in enumerate(requests))
        )

        assert set(kept) == {Kept.ACKED}
        events = [event for commit in sender.commits for event in commit.events]
        for shelf in (ONE, TWO):
            found = [int(record[:8]) for event in events if event.shelf == shelf for record in event.body.split(b"\n")]
            wanted = [rows[number] for number, (its, _) in enumerate(requests) if its == shelf]
            assert sorted(found) == sorted(int(row[:8]) for request in wanted for row in request)
        for event in events:
            numbers = [int(record[:8]) for record in event.body.split(b"\n")]
            assert len(event.body) <= MOST_EVENT_BYTES
            for number in range(len(requests)):
                its = [one for one in numbers if one // 100 == number]
                assert its == sorted(its)
        for commit in sender.commits:
            assert sum(len(event.body) + EVENT_BYTES for event in commit.events) <= MOST_COMMIT_BYTES

    run(scene())


def test_a_caller_is_told_the_worst_of_what_became_of_its_own_records() -> None:
    async def scene() -> None:
        sender = Sender(outcomes={ONE: Kept.SPOOLED, TWO: Kept.ACKED})
        commits = Commits(sender)
        kept = await asyncio.gather(keep(commits, b"0"), keep(commits, b"1", shelf=TWO))
        assert list(kept) == [Kept.SPOOLED, Kept.ACKED]

    run(scene())


def test_a_request_over_several_commits_waits_for_all_of_them() -> None:
    async def scene() -> None:
        outcomes = iter([Kept.ACKED, Kept.SPOOLED, Kept.ACKED, Kept.ACKED])
        sender = Sender(takes_s=0.1)

        async def leave(events: Sequence[Outgoing], *, lane: int, waiting_since: float) -> Sequence[Kept]:
            await Sender.leave(sender, events, lane=lane, waiting_since=waiting_since)
            return [next(outcomes) for _ in events]

        sender.leave = leave  # type: ignore[method-assign]
        commits = Commits(sender, lanes=1)
        assert await keep(commits, *[b"x" * 250_000] * 5) is Kept.SPOOLED
        assert now() == 0.2

    run(scene())


def test_a_caller_that_goes_away_takes_nothing_along() -> None:
    """Its client hung up. What it sent is scored, and is kept with the rest."""

    async def scene() -> None:
        sender = Sender(takes_s=0.1)
        commits = Commits(sender)
        callers = [asyncio.ensure_future(keep(commits, b"%d" % number)) for number in range(3)]
        await asyncio.sleep(0.05)
        callers[1].cancel()
        assert [await callers[0], await callers[2]] == [Kept.ACKED] * 2
        assert sender.commits[0].records == [b"0", b"1", b"2"]
        assert await keep(commits, b"3") is Kept.ACKED

    run(scene())


def test_a_sender_that_breaks_its_word_leaves_nobody_waiting() -> None:
    """A mistake in there would otherwise hang every request of the process, one lane after the other."""

    async def scene() -> None:
        class Broken(Sender):
            async def leave(self, events: Sequence[Outgoing], *, lane: int, waiting_since: float) -> Sequence[Kept]:
                await super().leave(events, lane=lane, waiting_since=waiting_since)
                raise ZeroDivisionError

        seen: list[object] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: seen.append(context["exception"]))
        commits = Commits(Broken(), lanes=1)
        assert [await keep(commits, b"0"), await keep(commits, b"1")] == [Kept.LOST] * 2

    run(scene())

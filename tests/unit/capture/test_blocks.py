"""Entries go out in as few appends as storage allows."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from shared.capture.hour_log import MOST_APPEND_BYTES, _blocks
from shared.capture.records import Entry, Tail, control_line

entries = st.lists(st.sampled_from([1, 1_000, MOST_APPEND_BYTES // 3, MOST_APPEND_BYTES - 1]), max_size=12).map(
    lambda sizes: [Entry(index, b"x" * size) for index, size in enumerate(sizes)]
)


@given(entries)
def test_no_event_is_parted_lost_or_moved(given_entries: list[Entry]) -> None:
    assert [entry for block in _blocks(given_entries) for entry in block] == given_entries


@given(entries)
def test_an_append_is_at_most_4_mib_and_no_smaller_than_need_be(given_entries: list[Entry]) -> None:
    blocks = list(_blocks(given_entries))

    sizes = [sum(len(entry.data) for entry in block) for block in blocks]
    assert all(size <= MOST_APPEND_BYTES for size in sizes)
    assert all(
        size + len(after[0].data) > MOST_APPEND_BYTES for size, (_, after) in zip(sizes, pairwise(blocks), strict=False)
    )


def test_an_append_has_room_for_the_line_that_opens_a_roll() -> None:
    """It goes out with the first entries: storage takes 4 MiB at once, and no byte more."""
    last = Tail(sequence=2**63 - 1, enqueued_at="2026-03-01T09:59:59.999999+00:00")

    assert MOST_APPEND_BYTES + len(control_line("opened", last)) <= 4 * 1024 * 1024

"""Counting the events of a log by where its lines came from, and seeing what capture does not write."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.capture.reading import dead_line
from shared.capture.records import Event, Tail, control_line
from shared.sealing.accounting.places import Places
from shared.sealing.tables.logs import LogName
from tests.unit.sealing.logs import ENQUEUED_AT, logged, prediction

LOG = LogName(partition=0, incarnation="i", roll=0)


def places(data: bytes, *, is_dead: bool = False) -> Places:
    made = Places(LOG, is_dead=is_dead)
    made.feed(data)
    made.end()
    return made


def letter(sequence: int, index: int = 0, *, part: bool = False, of: int = 1) -> bytes:
    event = Event(sequence, ENQUEUED_AT, b"")
    return dead_line(
        b'{"part":true}', event, partition="0", index=index, reason="r", readable=True, part=part, lines=of
    )


def test_an_events_lines_are_one_event() -> None:
    found = places(logged(prediction(1), prediction(2), sequence=7) + logged(prediction(3), sequence=8))

    assert (found.numbers, found.lines, found.problems) == ([7, 8], 3, [])


def test_an_event_that_stands_there_twice_is_two() -> None:
    once = logged(prediction(1), prediction(2), sequence=7)

    found = places(once + once)

    assert found.numbers == [7, 7]
    assert found.problems == ["number 7, index 0 comes again, or too late"]


def test_control_lines_are_about_the_log_itself() -> None:
    control = control_line("opened", Tail(sequence=6, enqueued_at="t"))

    assert places(control + logged(prediction(1), sequence=7) + control).numbers == [7]


def test_dead_letters_that_are_part_of_an_event_in_a_log_do_not_count() -> None:
    found = places(
        letter(3, part=True) + letter(4, 0, part=True) + letter(4, 1, of=2) + letter(4, 2, of=2) + letter(5),
        is_dead=True,
    )

    assert (found.numbers, found.lines, found.problems) == ([4, 5], 5, [])


@pytest.mark.parametrize("lost", [0, 1, 2])
@pytest.mark.parametrize("after", [b"", logged(prediction(4), sequence=8)], ids=["at the end", "between others"])
def test_an_event_that_lacks_a_line_is_told(lost: int, after: bytes) -> None:
    """Its number is there, so that no sum says so; the first line may be the one that is lost."""
    three = logged(*(prediction(number) for number in (1, 2, 3)), sequence=7).splitlines(keepends=True)
    del three[lost]

    found = places(logged(prediction(0), sequence=6) + b"".join(three) + after)

    assert found.problems == ["number 7 has 2 lines, and it had 3"]


def test_a_letter_that_is_gone_is_told_by_the_others_of_its_event() -> None:
    found = places(letter(3) + letter(4, 0, of=3) + letter(4, 2, of=3) + letter(5), is_dead=True)

    assert found.problems == ["number 4 has 2 lines, and it had 3"]


def test_lines_that_do_not_say_how_many_they_are_can_be_read() -> None:
    """They were written before lines said so."""
    written = logged(prediction(1), prediction(2), sequence=7)

    found = places(written.replace(b',"lines":2', b""))

    assert b'"lines":2' in written
    assert (found.numbers, found.lines, found.problems) == ([7], 2, [])


def test_a_log_that_is_read_on_from_the_end_of_an_event_lacks_nothing() -> None:
    found = places(logged(prediction(1), prediction(2), sequence=7))

    found.feed(logged(prediction(3), prediction(4), sequence=8))
    found.end()

    assert (found.numbers, found.problems) == ([7, 8], [])


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (logged(prediction(1))[:-5], "its last line is not finished"),
        (b"nonsense\n", "line 1 of records does not say where it came from"),
        (logged(prediction(1), partition=1), "line 1 of records is of partition 1"),
        (logged(prediction(1), sequence=8) + logged(prediction(2), sequence=7), "number 7, index 0 comes again"),
    ],
)
def test_what_capture_does_not_write_is_told(data: bytes, problem: str) -> None:
    assert problem in str(places(data).problems)


@given(st.lists(st.integers(1, 3), max_size=20), st.integers(1, 400))
def test_it_does_not_matter_how_the_bytes_come_in(records: list[int], step: int) -> None:
    data = b"".join(
        logged(*(prediction(row) for row in range(count)), sequence=number) for number, count in enumerate(records)
    )
    bit_by_bit = Places(LOG, is_dead=False)
    for start in range(0, len(data), step):
        bit_by_bit.feed(data[start : start + step])
    bit_by_bit.end()

    assert bit_by_bit == places(data)
    assert bit_by_bit.numbers == list(range(len(records)))


def test_a_record_cannot_say_where_its_line_came_from() -> None:
    record = msgspec.json.decode(prediction(1))
    lying = msgspec.json.encode({**record, "inputs": {'{"partition":9,"sequence":9': 1}})

    assert places(logged(lying, sequence=7)).numbers == [7]

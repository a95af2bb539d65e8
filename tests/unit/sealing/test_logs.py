"""Which bytes of logs wait, and where they may be cut."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.capture.records import DEAD_SHELF, Tail, control_line
from shared.errors import InvalidDocument
from shared.hours import Hour
from shared.sealing.tables.logs import LogName, Logs, Range, is_log, last_event
from tests.unit.sealing.logs import log_name, logged, prediction


def test_what_waits_is_what_is_past_the_consumed_bytes_in_the_order_of_sealed_rows() -> None:
    """So that the rows of a generation are those of a stretch of one partition, and their ids lie close together."""
    names = [log_name("a", 10), log_name("b", 2), log_name("a", 2, 10), log_name("a", 2, 9)]
    logs = Logs(DEAD_SHELF, Hour.parse("2026-03-01T09"), dict.fromkeys(names, 5))

    waiting = logs.beyond({log_name("a", 10): 5, log_name("a", 2, 9): 3})

    assert waiting == [
        Range(log=log_name("a", 2, 9), start=3, end=5),
        Range(log=log_name("a", 2, 10), start=0, end=5),
        Range(log=log_name("b", 2), start=0, end=5),
    ]


def test_what_sealing_sets_aside_itself_is_no_log() -> None:
    """It is part of events that are in other logs; sealed, they would count twice."""
    assert is_log("captures/dead/date=2026-03-01/hour=09/life-p0-r0.jsonl")
    assert not is_log("captures/dead/date=2026-03-01/hour=09/sealing-0f3a.jsonl")
    with pytest.raises(ValueError, match="no log"):
        LogName.of("captures/dead/date=2026-03-01/hour=09/sealing-0f3a.jsonl")


events = st.lists(st.tuples(st.integers(1, 4), st.booleans()), min_size=1, max_size=8)


@given(events, st.data())
def test_a_log_is_cut_before_an_event_that_may_go_on(of_log: list[tuple[int, bool]], data: st.DataObject) -> None:
    """An event in two generations would count twice; one that stands there twice, as it may, is two."""
    whole, begins = b"", [0]
    for sequence, (records, again) in enumerate(of_log):
        if sequence == 3:
            whole += control_line("opened", Tail(sequence=sequence, enqueued_at="t"))
            begins.append(len(whole))
        for _ in range(1 + again):
            whole += logged(*[prediction()] * records, sequence=sequence)
            begins.append(len(whole))
    end = data.draw(st.integers(0, len(whole)))
    start = data.draw(st.integers(0, end))

    place = last_event(whole[start:end], log_name())

    if place is not None:
        assert start + place in begins
    lines = whole[start:end].count(b"\n")
    if start == 0 and lines > 10:
        assert place is not None, "more lines than two events have hold a border"


def test_a_line_that_does_not_say_where_it_is_from_is_no_line_of_a_log() -> None:
    with pytest.raises(InvalidDocument, match="where it came from"):
        last_event(b"first\nsecond\nthird", log_name())

"""Which hours can be sealed."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from shared.capture.cursor import Cursor
from shared.capture.hub import Partition
from shared.hours import Hour
from shared.sealing.hours.watermark import Progress, sealable_before

NOW = datetime(2026, 3, 1, 12, 20, tzinfo=UTC)
GRACE = timedelta(minutes=15)


def partition(last: int, *, is_empty: bool = False) -> Partition:
    return Partition("0", last, is_empty, first_sequence=last + 1 if is_empty else 0, last_enqueued_at=NOW)


def cursor(sequence: int, enqueued_at: datetime | None) -> Cursor:
    return Cursor(first=0, sequence=sequence, enqueued_at=enqueued_at, at=NOW)


CAUGHT_UP = Progress(partition(9), cursor(9, NOW - timedelta(hours=3)))


def before(*partitions: Progress, now: datetime = NOW) -> str | None:
    hour = sealable_before(partitions, now=now, grace=GRACE)
    return hour.key if hour else None


def test_an_hour_can_be_sealed_once_the_grace_after_its_end_is_over() -> None:
    """That long an event may take from getting its time to being seen."""
    end = datetime(2026, 3, 1, 12, tzinfo=UTC)

    assert before(CAUGHT_UP, now=end + GRACE - timedelta(seconds=1)) == "2026-03-01T11"
    assert before(CAUGHT_UP, now=end + GRACE) == "2026-03-01T12"


def test_an_hour_that_every_cursor_has_passed_needs_no_grace() -> None:
    """A partition's times never run backwards: nothing more can come."""
    end = datetime(2026, 3, 1, 12, tzinfo=UTC)
    passed = Progress(partition(9), cursor(9, end))

    assert before(passed, passed, now=end + timedelta(seconds=1)) == "2026-03-01T12"
    assert before(passed, CAUGHT_UP, now=end + timedelta(seconds=1)) == "2026-03-01T11"


def test_a_partition_that_lags_holds_back_the_hour_its_cursor_stands_in() -> None:
    lagging = Progress(partition(9), cursor(8, datetime(2026, 3, 1, 9, 59, tzinfo=UTC)))

    assert before(CAUGHT_UP, lagging) == "2026-03-01T09"


def test_a_partition_of_which_nothing_was_captured_holds_back_everything() -> None:
    assert before(CAUGHT_UP, Progress(partition(0), None)) is None
    assert before(CAUGHT_UP, Progress(partition(0), cursor(-1, None))) is None


def test_a_partition_that_was_never_sent_to_holds_back_nothing() -> None:
    assert before(CAUGHT_UP, Progress(partition(-1), None)) == "2026-03-01T12"


def test_events_that_the_hub_dropped_unread_hold_back_nothing() -> None:
    """They can never be captured; waiting for them would stop all sealing for ever."""
    dropped = Progress(partition(9, is_empty=True), cursor(5, NOW - timedelta(days=8)))

    assert before(CAUGHT_UP, dropped, Progress(partition(9, is_empty=True), None)) == "2026-03-01T12"


_moments = st.datetimes(datetime(2026, 2, 28, tzinfo=UTC).replace(tzinfo=None), NOW.replace(tzinfo=None)).map(
    lambda moment: moment.replace(tzinfo=UTC)
)


@st.composite
def _partitions(draw: st.DrawFn) -> tuple[Progress, list[datetime]]:
    """Return a partition, and the times of the events that are not captured yet."""
    times = sorted(draw(st.lists(_moments, max_size=8)))
    captured = draw(st.integers(0, len(times)))
    reached = cursor(captured - 1, times[captured - 1]) if captured else None
    begun = draw(st.booleans())
    progress = Progress(partition(len(times) - 1), reached or (cursor(-1, None) if begun else None))
    return progress, times[captured:]


@given(st.lists(_partitions(), min_size=1, max_size=5), st.timedeltas(timedelta(0), timedelta(hours=2)))
def test_nothing_that_is_sealed_can_still_be_added_to(
    partitions: list[tuple[Progress, list[datetime]]], grace: timedelta
) -> None:
    """Every event that is not captured, and every one yet to be sent, is of an hour that is not sealed.

    One yet to be sent is no earlier than the last one of its partition, and at most ``grace`` ago.
    """
    hour = sealable_before([progress for progress, _ in partitions], now=NOW, grace=grace)

    if hour is not None:
        for progress, waiting in partitions:
            last = progress.cursor.enqueued_at if progress.cursor else None
            next_sent = max([NOW - grace, *([last] if last else [])])
            assert all(Hour.containing(moment) >= hour for moment in [*waiting, next_sent])


@given(st.lists(_partitions(), min_size=1, max_size=5))
def test_sealing_does_not_wait_for_more_than_it_must(partitions: list[tuple[Progress, list[datetime]]]) -> None:
    """With everything captured, the hour before is sealed however long ago the last event was."""
    everything = [Progress(one.partition, cursor(one.partition.last_sequence, NOW)) for one, _ in partitions]

    assert sealable_before(everything, now=NOW, grace=GRACE) == Hour.parse("2026-03-01T12")

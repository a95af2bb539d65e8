"""What keeps memory bounded and posts apart."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.telemetry.backlog import Backlog
from shared.telemetry.items import Metric, Subject
from shared.telemetry.pacing import Backoff
from shared.telemetry.series import Series

AT = datetime(2026, 3, 1, tzinfo=UTC)


def item(number: int) -> Metric:
    return Metric(str(number), AT, 1, 0.0, 0.0, 0.0, Subject())


def test_the_oldest_make_room_and_are_counted() -> None:
    backlog = Backlog(3)

    for number in range(5):
        backlog.put(item(number))

    assert backlog.take(9) == [item(2), item(3), item(4)]
    assert backlog.dropped == 2


def test_what_comes_back_goes_first_as_far_as_there_is_room() -> None:
    backlog = Backlog(3)
    backlog.put(item(8))
    backlog.put(item(9))

    backlog.put_back([item(1), item(2)])

    assert backlog.take(9) == [item(2), item(8), item(9)]
    assert backlog.dropped == 1


def test_nothing_comes_back_into_a_full_backlog() -> None:
    backlog = Backlog(1)
    backlog.put(item(9))

    backlog.put_back([item(1), item(2)])

    assert (backlog.take(9), backlog.dropped) == ([item(9)], 2)


@given(st.lists(st.sampled_from(["put", "take", "put_back"]), max_size=60))
def test_the_bound_and_the_account_hold_whatever_happens(steps: list[str]) -> None:
    backlog = Backlog(4)
    put, held = 0, list[Metric]()
    for step in steps:
        if step == "put":
            backlog.put(item(put))
            put += 1
        elif step == "take":
            held += [one for one in backlog.take(3) if isinstance(one, Metric)]
        else:
            backlog.put_back(held)
            held = []
        assert len(backlog) <= 4
        assert put == len(backlog) + len(held) + backlog.dropped


def test_observations_of_one_series_become_one_item() -> None:
    series = Series(10)
    for value in (2.0, -1.0, 5.0):
        series.add("rows", value, Subject("flights", "1", None, {"how": "acked"}))
    series.add("rows", 7.0, Subject("flights", "2", None, {"how": "acked"}))

    taken = series.take(AT)

    assert [(one.subject.version, one.count, one.total, one.least, one.most) for one in taken] == [
        ("1", 3, 6.0, -1.0, 5.0),
        ("2", 1, 7.0, 7.0, 7.0),
    ]
    assert series.take(AT) == []


def test_properties_with_too_many_values_do_not_become_memory() -> None:
    series = Series(10)

    for number in range(25):
        series.add("rows", 1.0, Subject(extra={"caller": str(number)}))

    assert (len(series), series.dropped) == (10, 15)


def test_failures_in_a_row_wait_longer_up_to_a_bound_and_a_success_begins_again() -> None:
    backoff = Backoff(base_s=1.0, most_s=60.0, jitter=lambda: 1.0)

    assert [backoff.failed() for _ in range(8)] == [1, 2, 4, 8, 16, 32, 60, 60]
    assert [backoff.failed() for _ in range(2000)][-1] == 60
    backoff.succeeded()
    assert backoff.failed() == 1


@pytest.mark.parametrize("jitter", [0.0, 0.5, 0.999])
def test_jitter_never_waits_less_than_half(jitter: float) -> None:
    assert 0.5 <= Backoff(base_s=1.0, most_s=60.0, jitter=lambda: jitter).failed() <= 1.0

"""Windows made of hours are what the same rows would be at once."""

from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np
import pytest

from shared.hours import Hour
from shared.profiles.counts import pack
from shared.profiles.cutting import cut_numeric
from shared.profiles.numeric import NumericProfile
from shared.signals.calibration.contrasts import Contrasts
from shared.signals.calibration.hourly import HourSums, SummedHour, slots_of

MONDAY = Hour(datetime(2026, 3, 2, tzinfo=UTC))
ROWS = np.sort(np.random.default_rng(1).standard_normal(5_000))
BINS = {"a": cut_numeric(ROWS)}


def profile(values: np.ndarray[tuple[int], np.dtype[np.float64]], *, missing: int = 0) -> dict[str, NumericProfile]:
    return {"a": NumericProfile(missing=missing, packed=pack(BINS["a"].count(np.sort(values))))}


CONTRASTS = Contrasts.of_baseline(BINS, profile(ROWS))


def summed(hours: Sequence[tuple[Hour, int, dict[str, NumericProfile]]]) -> HourSums:
    return HourSums.of([SummedHour(hour, rows, *CONTRASTS.sums(BINS, one)) for hour, rows, one in hours], columns=4)


def test_a_window_is_the_mean_over_the_rows_of_its_hours() -> None:
    rng = np.random.default_rng(2)
    hours = [rng.standard_normal(rng.integers(50, 150)) for _ in range(10)]
    sums = summed([(MONDAY.plus(at), len(one), profile(one)) for at, one in enumerate(hours)])

    looks = sums.windows(4).looks

    assert len(looks) == 7
    for at in range(7):
        rows = np.concatenate(hours[at : at + 4])
        assert looks.values[at] == pytest.approx(CONTRASTS.of(BINS, profile(rows))[0], rel=1e-5, abs=1e-6)
        assert looks.rows[at] == len(rows)
        assert looks.slots[at] == at + 4
        assert looks.blocks[at] == (MONDAY.since_monday + at + 4) // 4


def test_windows_may_be_those_alone_that_end_when_a_look_is_due() -> None:
    """The largest surprise of twenty-four looks is larger than that of one: a daily look is held against daily ones."""
    sums = summed([(MONDAY.plus(at), 100, profile(ROWS[at * 100 : at * 100 + 100])) for at in range(30)])
    every = sums.windows(4).looks
    due = sums.windows(4, end=MONDAY.since_monday + 6 + 24 * 100, every=8).looks

    assert due.slots.tolist() == [6, 14, 22, 30]
    assert np.array_equal(due.values, every.values[2::8])


def test_windows_that_are_hardly_filled_are_left_out() -> None:
    """The first hours of a recording, say: they differ from what is usual for no reason that will come again."""
    filled = [(MONDAY.plus(at), 100, profile(ROWS[at * 100 : at * 100 + 100])) for at in (*range(10), *range(30, 40))]

    looks = summed(filled).windows(8).looks

    rows = [800, 800, 800, 700, 600, 500, 400, 300]  # and so the other way round; 600 is the median of all with rows
    assert looks.rows.tolist() == [*rows, *rows[::-1]]


def test_too_few_hours_make_no_window() -> None:
    one = [(MONDAY, 100, profile(ROWS[:100]))]

    assert len(summed(one).windows(2).looks) == 0
    assert len(summed([]).windows(1).looks) == 0
    assert len(summed(one).windows(1).looks) == 1


def test_rows_without_a_value_do_not_count_and_a_window_without_any_says_nothing() -> None:
    hours = [(MONDAY, 200, profile(ROWS[:100], missing=100)), (MONDAY.plus(1), 100, profile(ROWS[:0], missing=100))]

    looks = summed(hours).windows(1).looks

    assert looks.values[0] == pytest.approx(CONTRASTS.of(BINS, profile(ROWS[:100]))[0], rel=1e-5, abs=1e-6)
    assert np.isnan(looks.values[1]).all()


def test_a_window_of_a_week_or_more_has_no_season() -> None:
    ends = np.arange(MONDAY.since_monday, MONDAY.since_monday + 400)

    assert slots_of(ends, 24)[:3].tolist() == [0, 1, 2]
    assert slots_of(ends, 24)[168] == 0
    assert not slots_of(ends, 168).any()

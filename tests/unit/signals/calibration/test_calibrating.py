"""What a calibration learns, it keeps to: so many false alarms, and no more."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from shared.signals.calibration.calibrating import FEWEST_BLOCKS, calibrate
from shared.signals.calibration.hourly import HourSums
from shared.signals.calibration.looks import Floats, Looks
from shared.signals.calibration.surprise import SHARES, Respect, furthest_surprise
from shared.signals.calibration.tail import Tail
from shared.signals.calibration.usual import FEWEST_KNOWN, Usual

ROWS = 1_000


def looks(values: Floats, *, first: int = 0, rows: int = ROWS) -> Looks:
    """Return windows of a day, one a day."""
    at = np.arange(first, first + len(values))
    return Looks(values, np.ones_like(values), np.full(len(values), rows), at % 7, at)


def quiet(rng: np.random.Generator, windows: int, features: int) -> Floats:
    """Return the contrasts of windows in which nothing moved: one main and three shapes a feature."""
    values: Floats = rng.standard_normal((windows, 4 * features)) / np.sqrt(ROWS)
    return values


def alarms(values: Floats, history: Floats, *, features: int, rate: float) -> NDArray[np.bool_]:
    calibration = calibrate(looks(history), mains=features)
    assert calibration is not None
    found: NDArray[np.bool_] = calibration.sizes(looks(values, first=len(history))) > calibration.threshold(rate=rate)
    return found


@pytest.mark.parametrize("rate", [1 / 30, 1 / 10])
def test_as_many_quiet_windows_alarm_as_were_asked_for(rate: float) -> None:
    rng = np.random.default_rng(4)
    share = np.mean([alarms(quiet(rng, 300, 20), quiet(rng, 90, 20), features=20, rate=rate).mean() for _ in range(25)])

    assert 0.5 * rate < share < 1.15 * rate


def test_too_short_a_history_teaches_nothing() -> None:
    rng = np.random.default_rng(5)

    assert calibrate(looks(quiet(rng, FEWEST_BLOCKS - 1, 5)), mains=5) is None
    assert calibrate(looks(quiet(rng, FEWEST_BLOCKS, 5)), mains=5) is not None


def test_windows_that_stray_together_do_not_hide_one_that_strays_alone() -> None:
    """The shock that moves all is ten times what a feature strays by itself: taken out, and watched by itself."""
    rng = np.random.default_rng(6)

    def shocked(windows: int) -> Floats:
        values = quiet(rng, windows, 20)
        values[:, :20] += 10 / np.sqrt(ROWS) * rng.standard_normal((windows, 1))
        return values

    history, alone = shocked(90), shocked(50)
    alone[:, 3] += 8 / np.sqrt(ROWS)
    calibration = calibrate(looks(history), mains=20)
    assert calibration is not None
    surprise = calibration.look(looks(alone[:1], first=90), rate=1 / 30)

    assert len(calibration.usual.directions) == 1
    assert surprise.is_news
    assert max(surprise.by_respect, key=lambda respect: surprise.by_respect[respect]) is Respect.ONE
    assert int(np.argmax(np.abs(surprise.strayed.mains))) == 3
    assert alarms(alone, history, features=20, rate=1 / 30).mean() > 0.95
    assert alarms(shocked(200), history, features=20, rate=1 / 30).mean() < 0.1


def test_a_shock_that_was_never_seen_is_news() -> None:
    rng = np.random.default_rng(7)
    history = quiet(rng, 90, 20)
    history[:, :20] += 3 / np.sqrt(ROWS) * rng.standard_normal((90, 1))
    shocked = quiet(rng, 20, 20)
    shocked[:, :20] += 25 / np.sqrt(ROWS)

    assert alarms(shocked, history, features=20, rate=1 / 30).all()


def test_each_moment_of_the_week_is_compared_with_its_own() -> None:
    """A weekend that differs every week is no news; on a Wednesday the same is."""
    rng = np.random.default_rng(8)

    def weeks(days: int, first: int) -> Floats:
        values = quiet(rng, days, 10)
        weekend = np.arange(first, first + days) % 7 >= 5
        values[weekend, 0] += 20 / np.sqrt(ROWS)
        return values

    history = weeks(91, 0)
    usual = weeks(70, 91)
    odd = quiet(rng, 3, 10)
    odd[:, 0] += 20 / np.sqrt(ROWS)

    assert alarms(usual, history, features=10, rate=1 / 30).mean() < 0.1
    assert alarms(odd, history, features=10, rate=1 / 30).all()


def test_many_small_shifts_are_found_that_none_would_be_by_itself() -> None:
    rng = np.random.default_rng(9)
    history, moved = quiet(rng, 90, 50), quiet(rng, 50, 50)
    moved[:, :25] += 2 / np.sqrt(ROWS)

    assert alarms(moved, history, features=50, rate=1 / 30).mean() > 0.9


def test_a_window_of_few_rows_may_stray_further_and_one_of_many_not_less() -> None:
    rng = np.random.default_rng(10)
    usual = Usual.of(looks(quiet(rng, 90, 5)), mains=5)
    window = quiet(rng, 1, 5)

    typical, few, many = (np.abs(usual.strayed(looks(window, rows=rows)).mains) for rows in (ROWS, ROWS // 4, ROWS * 4))

    assert few == pytest.approx(typical / 2)
    assert many == pytest.approx(typical)


def test_looks_that_overlap_are_one_chance_of_a_false_alarm() -> None:
    """Twenty-four looks a day at windows of a day: one day in thirty has an alarm, not one look in thirty."""
    rng = np.random.default_rng(11)
    days = []
    for _ in range(20):
        hours = rng.standard_normal((121 * 24, 40)) / np.sqrt(ROWS / 24)
        up_to = np.cumsum(hours, axis=0)
        values = (up_to[24:] - up_to[:-24]) / 24
        ends = np.arange(len(values))
        whole = Looks(values, np.ones_like(values), np.full(len(values), ROWS), ends % 168, ends // 24)
        calibration = calibrate(whole.where(whole.blocks < 90), mains=10)
        assert calibration is not None
        later = whole.where(whole.blocks >= 90)
        days.append((calibration.sizes(later) > calibration.threshold(rate=1 / 30)).reshape(-1, 24).any(axis=1).mean())

    assert 0.01 < np.mean(days) < 0.05


def test_what_is_missing_in_a_window_is_no_surprise() -> None:
    rng = np.random.default_rng(12)
    history = quiet(rng, 90, 5)
    history[::7, 2] = np.nan
    window = quiet(rng, 1, 5)
    window[0, 2] = np.nan
    calibration = calibrate(looks(history), mains=5)
    assert calibration is not None

    surprise = calibration.look(looks(window, first=90), rate=1 / 30)

    assert surprise.strayed.mains[0, 2] == 0
    assert np.isfinite(surprise.size)


def test_a_column_that_was_never_there_is_passed_over() -> None:
    rng = np.random.default_rng(12)
    history = quiet(rng, 90, 5)
    known = calibrate(looks(history[:, [0, 1, 3, 4]]), mains=4)
    history[:, 2] = np.nan

    calibration = calibrate(looks(history), mains=5)

    assert calibration is not None
    assert known is not None
    assert calibration.design_effects[2] == 0
    assert np.delete(calibration.design_effects, 2) == pytest.approx(known.design_effects)


def test_a_column_that_never_strayed_gives_no_infinite_surprise() -> None:
    rng = np.random.default_rng(13)
    history = quiet(rng, 90, 5)
    history[:, 1] = 0.0
    calibration = calibrate(looks(history), mains=5)
    assert calibration is not None

    hardly = quiet(rng, 1, 5)
    hardly[0, 1] = 0.5 / np.sqrt(ROWS)
    assert np.isfinite(calibration.sizes(looks(history))).all()
    assert not calibration.look(looks(hardly, first=90), rate=1 / 30).is_news


def test_the_surprise_of_the_furthest_is_that_of_the_normal_distribution() -> None:
    for furthest, of in ((2.0, 1), (3.5, 50), (5.0, 200), (12.0, 200)):
        p_value = -np.expm1(of * np.log1p(-2 * stats.norm.sf(furthest)))
        assert furthest_surprise(np.array([furthest]), of=of)[0] == pytest.approx(-np.log(p_value), rel=1e-6)
    assert furthest_surprise(np.array([40.0]), of=200)[0] == pytest.approx(-stats.norm.logsf(40) - np.log(400))
    assert sum(SHARES.values()) == pytest.approx(1.0)


@pytest.mark.parametrize("rate", [0.2, 1 / 30, 1 / 300])
def test_the_tail_of_right_p_values_is_found_and_is_steadier_than_an_order_statistic(rate: float) -> None:
    rng = np.random.default_rng(14)
    histories = rng.exponential(size=(400, 90))
    found = np.array([Tail.of(history).beyond(rate) for history in histories])
    by_rank = np.quantile(histories, 1 - rate, axis=1)

    assert found.mean() == pytest.approx(-np.log(rate), abs=0.1)
    assert found.std() < by_rank.std()


def test_what_lies_beyond_the_threshold_is_what_was_asked_for() -> None:
    tail = Tail.of(np.random.default_rng(15).exponential(size=90))

    assert tail.share_beyond(tail.beyond(1 / 300)) == pytest.approx(1 / 300)
    assert tail.share_beyond(-5.0) == 0.5


def test_columns_that_stray_far_now_and_then_do_not_hide_the_others() -> None:
    """Each airport is snowed in twice a winter, and a temperature has never been so high."""
    rng = np.random.default_rng(16)
    history, moved = quiet(rng, 90, 20), quiet(rng, 50, 20)
    for airport in range(15):
        history[[5 * airport, 5 * airport + 12], airport] += 30 / np.sqrt(ROWS)
    moved[:, 18] += 9 / np.sqrt(ROWS)

    assert alarms(moved, history, features=20, rate=1 / 60).mean() > 0.8


def test_a_day_on_which_something_was_wrong_does_not_hide_the_next() -> None:
    """One of ninety, in all features at once: nobody has said that it was no usual one."""
    rng = np.random.default_rng(17)
    history, moved = quiet(rng, 90, 20), quiet(rng, 50, 20)
    history[40, :20] += 60 / np.sqrt(ROWS)
    moved[:, 5] += 6.5 / np.sqrt(ROWS)

    assert alarms(moved, history, features=20, rate=1 / 60).mean() > 0.8


def test_where_all_is_normal_hardly_a_column_is_narrowed() -> None:
    rng = np.random.default_rng(18)
    calibration = calibrate(looks(quiet(rng, 90, 200)), mains=200)
    assert calibration is not None

    assert (calibration.widths.mains > 1).mean() < 0.02


def test_what_was_left_out_because_it_alarmed_does_not_lower_the_threshold() -> None:
    """Else each false alarm makes the next one likelier: what is left looks quieter than what comes."""
    surprises = np.random.default_rng(20).exponential(size=(4_000, 90))

    def threshold(of: np.ndarray[tuple[int], np.dtype[np.float64]], left_out: int) -> float:
        return Tail.of(of, left_out=left_out).beyond(1 / 30)

    whole = [threshold(one, 0) for one in surprises]
    quiet = [np.sort(one)[:-3] for one in surprises]

    assert np.mean([threshold(one, 3) for one in quiet]) == pytest.approx(np.mean(whole), abs=0.02)
    assert np.mean([threshold(one, 0) for one in quiet]) < np.mean(whole) - 0.05


def test_what_was_left_out_for_a_month_raises_it_hardly() -> None:
    """In a month of breaches something was wrong, and the next fault is to be found."""
    surprises = np.random.default_rng(21).exponential(size=90)

    assert Tail.of(surprises, left_out=30) == Tail.of(surprises, left_out=5)


def test_values_that_are_seldom_there_stray_as_they_do_where_they_are() -> None:
    """A column that counted as unmoved wherever it was missing would be news wherever it is not."""
    rng = np.random.default_rng(22)
    rates = []
    for _ in range(15):
        history, later = quiet(rng, 90, 20), quiet(rng, 100, 20)
        history[rng.random(90) < 0.6, 0] = np.nan
        calibration = calibrate(looks(history), mains=20)
        assert calibration is not None
        rates.append((np.abs(calibration.strayed(looks(later, first=90)).mains[:, 0]) > 2).mean())

    assert np.mean(rates) < 0.08


def test_a_column_that_hardly_ever_had_a_value_is_not_watched() -> None:
    rng = np.random.default_rng(23)
    history = quiet(rng, 90, 5)
    history[FEWEST_KNOWN - 1 :, 2] = np.nan
    calibration = calibrate(looks(history), mains=5)
    assert calibration is not None

    assert calibration.strayed(looks(quiet(rng, 1, 5) + 1.0, first=90)).mains[0, 2] == 0


def test_few_values_may_stray_further_however_many_rows_there_are() -> None:
    rng = np.random.default_rng(24)
    calibration = calibrate(looks(quiet(rng, 90, 5)), mains=5)
    assert calibration is not None
    window = quiet(rng, 1, 5)
    whole = looks(window, first=90)
    filled = np.ones_like(window)
    filled[0, 2] = 0.1

    fewer = replace(whole, filled=filled)
    strayed = calibration.strayed(fewer).mains[0] / calibration.strayed(whole).mains[0]

    assert strayed == pytest.approx([1, 1, np.sqrt(0.1), 1, 1])


def test_a_moment_of_the_week_that_was_never_seen_has_no_season() -> None:
    """And not that of another one."""
    rng = np.random.default_rng(25)
    history = looks(quiet(rng, 91, 5))
    history.values[history.slots == 0, 0] += 1.0
    calibration = calibrate(history.where(history.slots != 6), mains=5)
    assert calibration is not None

    window = looks(quiet(rng, 1, 5), first=97)
    assert window.slots.tolist() == [6]
    assert abs(calibration.strayed(window).mains[0, 0]) < 10


@pytest.mark.parametrize("weekend", [100, 20])
def test_a_quiet_weekend_has_a_season_of_its_own(weekend: int) -> None:
    """Left out of the history for its few rows, it would be news every week."""
    rng = np.random.default_rng(26)

    def windows(first: int, days: int) -> Looks:
        at = np.arange(first, first + days * 24)
        is_weekend = at // 24 % 7 >= 5
        rows = np.where(is_weekend, weekend, 100)
        means = np.where(is_weekend, 0.5, 0.0)[:, None] + rng.standard_normal((len(at), 5)) / np.sqrt(rows)[:, None]
        sums = HourSums(at, rows, (rows[:, None] * means).astype(np.float32), np.repeat(rows[:, None], 5, axis=1))
        return sums.windows(24, every=24).looks

    calibration = calibrate(windows(0, 92), mains=5)
    assert calibration is not None

    later = windows(92 * 24, 35)
    assert (calibration.sizes(later) > calibration.threshold(rate=1 / 60)).mean() < 0.1

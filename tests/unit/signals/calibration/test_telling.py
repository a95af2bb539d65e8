"""What is told of each feature: whether it is sure, what part of the shift it makes up, and how many rows would do."""

import numpy as np
import pytest

from shared.signals.calibration.calibrating import Calibration, calibrate
from shared.signals.calibration.contrasts import Contrasts, FeatureContrasts
from shared.signals.calibration.looks import Floats, Looks
from shared.signals.calibration.telling import NOTICEABLE, Told, tell

ROWS = 4_000
FEATURES = 10
RATE = 1 / 60
NAMES = [f"n{index}" for index in range(FEATURES)]


def watched(features: int = FEATURES, *, numbers: bool = True) -> Contrasts:
    """Return contrasts of features with one main and three shapes each; only whose they are counts here."""
    one = FeatureContrasts(np.empty((4, 0)), np.full(4, 0.4), 1, is_number=numbers)
    places = np.arange(features)
    return Contrasts({f"n{index}": one for index in range(features)}, np.append(places, np.repeat(places, 3)), features)


def quiet(rng: np.random.Generator, windows: int, features: int = FEATURES) -> Floats:
    """Return windows of independent rows in which nothing moved."""
    values: Floats = rng.standard_normal((windows, 4 * features)) / np.sqrt(ROWS)
    return values


def looks(values: Floats, *, rows: int = ROWS) -> Looks:
    """Return windows of no season, which share no rows."""
    at = np.arange(len(values))
    return Looks(values, np.ones_like(values), np.full(len(values), rows), np.zeros_like(at), at)


def learned(history: Floats, *, features: int = FEATURES) -> Calibration:
    calibration = calibrate(looks(history), mains=features)
    assert calibration is not None
    return calibration


CALIBRATION = learned(quiet(np.random.default_rng(1), 90))


def moved(**deviations: float) -> Floats:
    """Return a window that is as usual, but for some features: they are so many standard deviations of windows away."""
    values = CALIBRATION.usual.mean.copy()
    for name, one in deviations.items():
        values[NAMES.index(name)] += one / np.sqrt(ROWS)
    return values[None, :]


def told(
    values: Floats, *, rows: int = ROWS, calibration: Calibration = CALIBRATION, contrasts: Contrasts | None = None
) -> Told:
    return tell(contrasts or watched(), calibration, looks(values, rows=rows), rate=RATE, fewest_rows=1)


def sure(found: Told) -> set[str]:
    return {name for name, one in found.by_feature.items() if one.is_sure}


def test_those_features_are_sure_that_stray_too_far_by_themselves() -> None:
    found = told(moved(n2=9.0, n7=-8.0, n4=1.5))

    assert found.surprise.is_news
    assert sure(found) == {"n2", "n7"}
    assert (found.by_feature["n2"].p_value or 1) < RATE < (found.by_feature["n4"].p_value or 0)


def test_in_a_window_that_is_no_news_none_is_sure() -> None:
    """However many features there are: there are as many alarms as windows that are news, at most."""
    windows = quiet(np.random.default_rng(2), 300)

    found = [told(one[None, :]) for one in windows]

    assert all(bool(sure(one)) == one.surprise.is_news for one in found)
    assert 0 < sum(map(bool, map(sure, found))) < 3 * 300 * RATE


def test_where_only_all_together_tell_those_are_sure_that_have_a_plain_part() -> None:
    """No feature would be news by itself, half of them move a little: the signal must name somebody."""
    rng = np.random.default_rng(3)
    calibration = learned(quiet(rng, 90, 50), features=50)
    values = calibration.usual.mean.copy()
    values[:25] += 2.5 / np.sqrt(ROWS)
    values[25:50] += 0.5 / np.sqrt(ROWS)

    found = told(values[None, :], calibration=calibration, contrasts=watched(50))

    assert found.surprise.is_news
    assert sure(found) == {f"n{index}" for index in range(25)}
    assert all((found.by_feature[name].p_value or 1) < RATE for name in sure(found))


def test_shares_are_those_of_the_squares_and_add_up() -> None:
    found = told(moved(n2=12.0, n7=-6.0))

    assert sum(found.shares.values()) == pytest.approx(1.0)
    assert found.shares["n2"] == pytest.approx(0.8, abs=0.05)
    assert found.shares["n7"] == pytest.approx(0.2, abs=0.05)


def test_what_strays_nowhere_has_no_shares_and_is_like_nothing() -> None:
    found = told(moved())

    assert set(found.shares.values()) == {0.0}
    assert found.likeness(looks(moved(n2=9.0))).tolist() == [0.0]


@pytest.mark.parametrize("numbers", [True, False])
def test_on_the_rows_that_are_needed_a_noticeable_shift_is_sure(numbers: bool) -> None:  # noqa: FBT001
    """And on fewer it is not: with silence on fewer rows nothing is said."""
    contrasts = watched(numbers=numbers)
    shift = NOTICEABLE if numbers else 0.4
    needed = {name: one.needed for name, one in told(moved(), contrasts=contrasts).by_feature.items()}

    for name, rows in needed.items():
        assert rows is not None
        assert 20 < rows < ROWS / 2
        window = moved(**{name: shift * np.sqrt(ROWS)})
        assert sure(told(window, rows=rows, contrasts=contrasts)) == {name}
        assert not sure(told(window, rows=int(rows * 0.95), contrasts=contrasts))


def test_no_number_of_rows_is_enough_where_windows_stray_as_far_by_themselves() -> None:
    history = quiet(np.random.default_rng(4), 90)
    history[:, 3] *= 20

    found = told(history[:1], calibration=learned(history)).by_feature

    assert found["n3"].needed is None
    assert "stray so far by themselves" in found["n3"].never
    assert found["n4"].needed is not None


def test_nothing_is_asked_for_below_the_fewest_rows() -> None:
    found = tell(watched(), CALIBRATION, looks(moved()), rate=RATE, fewest_rows=3_000)

    assert {one.needed for one in found.by_feature.values()} == {3_000}


def test_windows_are_alike_that_stray_in_one_direction_however_far() -> None:
    found = told(moved(n2=9.0, n7=4.0))

    others = ({"n2": 18.0, "n7": 8.0}, {"n2": -9.0, "n7": -4.0}, {"n5": 9.0})
    alike = found.likeness(looks(np.concatenate([moved(**other) for other in others])))

    assert alike == pytest.approx([1.0, -1.0, 0.0], abs=1e-9)


def test_what_moves_all_features_at_once_makes_windows_alike() -> None:
    """A shock is taken out of how far features stray alone; of the direction it is most."""
    rng = np.random.default_rng(5)
    history = quiet(rng, 90)
    history[:, :FEATURES] += 10 / np.sqrt(ROWS) * rng.standard_normal((90, 1))
    calibration = learned(history)
    one, other = quiet(rng, 1), quiet(rng, 1)
    one[:, :FEATURES] += 30 / np.sqrt(ROWS)
    other[:, :FEATURES] += 20 / np.sqrt(ROWS)

    found = told(one, calibration=calibration)

    assert len(calibration.usual.directions) == 1
    assert found.likeness(looks(other))[0] > 0.9


def test_a_feature_without_contrasts_is_not_told_of() -> None:
    """A text, say: its rows count one by one."""
    contrasts = watched()
    contrasts = Contrasts(
        {**contrasts.by_feature, "note": FeatureContrasts(np.empty((0, 0)), np.empty(0), 0)},
        contrasts.features,
        contrasts.mains,
    )

    found = told(moved(n2=9.0), contrasts=contrasts)

    assert found.by_feature.keys() == set(NAMES)
    assert found.shares["note"] == 0.0
    assert found.design_effects["note"] == 1.0
    assert [found.design_effects[name] for name in NAMES] == pytest.approx([1.0] * FEATURES, abs=0.5)
    assert found.windows == 90

"""Losses are those of versions that knew no more than they could have."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks.retrain import played
from benchmarks.retraining import tables as tables_module
from benchmarks.retraining.learning import LEARNER, SETTINGS, Setting, answers, trainings
from benchmarks.retraining.periods import Periods
from benchmarks.retraining.streams import Stream
from benchmarks.retraining.tables import Tables, kept

WINDOW = 3
PROMPT, LATE = SETTINGS


def periods(*, count: int = 12, rows: int = 60) -> Periods:
    """Draw rows of which the first feature tells the actual, the other way round from the middle on."""
    rng = np.random.default_rng(3)
    drawn = rng.standard_normal((count, rows, 2)).astype(np.float32)
    turned = (np.arange(count) >= count // 2)[:, None]
    return Periods(rows=drawn, actuals=(drawn[..., 0] > 0) != turned)


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda one: one.name)
def test_a_version_is_trained_on_nothing_that_is_not_known_when_it_is_made(setting: Setting) -> None:
    """Changing every actual that is not known leaves all it is trained on as it was."""
    drawn = periods()
    known = setting.known(drawn)
    for version in range(setting.first_version(WINDOW), len(drawn)):
        is_seen = known.copy()
        is_seen[version - setting.delay :] = False
        lied = replace(drawn, actuals=np.where(is_seen, drawn.actuals, ~drawn.actuals))
        at = version - setting.first_version(WINDOW)

        true, told = (trainings(some, known, setting, WINDOW)[at] for some in (drawn, lied))

        assert true.version == told.version == version
        assert np.array_equal(true.actuals, told.actuals)
        assert np.array_equal(true.rows, told.rows)
        assert len(true.rows) == is_seen[version - setting.delay - WINDOW :].sum()


def test_late_actuals_come_five_periods_later_and_of_three_rows_in_ten() -> None:
    drawn = periods(count=40, rows=500)

    assert LATE.known(drawn).mean() == pytest.approx(0.3, abs=0.01)
    assert PROMPT.known(drawn).all()
    assert LATE.trained_on(20, 12) == slice(3, 15)
    assert PROMPT.trained_on(20, 12) == slice(8, 20)


def test_losses_are_error_rates_of_the_versions() -> None:
    drawn = periods()

    tables = Tables.made(drawn, PROMPT, WINDOW)

    assert np.isnan(tables.losses[:WINDOW]).all()
    assert np.isnan(tables.losses[np.tril_indices(len(drawn), -1)]).all()
    assert np.isfinite(tables.losses[np.triu_indices(len(drawn))]).sum() == 9 * 10 / 2
    _, answered = answers(trainings(drawn, tables.known, PROMPT, WINDOW)[0])
    assert tables.losses[WINDOW, 5] == np.mean((answered[2] > 0.5) != drawn.actuals[5])
    assert tables.losses[WINDOW, 4] < 0.2
    assert tables.losses[WINDOW, 8] > 0.8
    assert tables.losses[11, 11] < 0.2


def test_what_is_seen_of_losses_is_of_the_rows_that_become_known() -> None:
    drawn = periods()
    tables = Tables.made(drawn, LATE, WINDOW)

    for version, period in ((8, 8), (8, 11), (10, 11)):
        is_known = tables.known[period]
        wrong = (tables.predictions[version, period] > 0.5) != drawn.actuals[period]
        assert tables.seen_losses[version, period] == wrong[is_known].mean()
        assert tables.losses[version, period] == wrong.mean()
        assert tables.seen_rows[period] == is_known.sum()
    assert tables.known_periods(11) == 6


def test_a_period_of_which_nothing_becomes_known_has_no_seen_loss() -> None:
    tables = Tables.made(periods(), PROMPT, WINDOW)

    blind = replace(tables, known=np.zeros_like(tables.known))

    assert np.isnan(blind.seen_losses).all()


def test_a_window_of_one_class_is_learned() -> None:
    drawn = periods()
    all_positive = replace(drawn, actuals=np.ones_like(drawn.actuals))

    assert np.nanmax(Tables.made(all_positive, PROMPT, WINDOW).losses) == 0.0


def test_categories_are_not_taken_for_numbers() -> None:
    """Of 60 categories every other is positive, which 15 leaves of thresholds do not tell in one tree."""
    rng = np.random.default_rng(4)
    rows = rng.integers(0, 60, (8, 200, 1)).astype(np.float32)
    drawn = Periods(rows=rows, actuals=rows[..., 0] % 2 == 1)
    known = PROMPT.known(drawn)

    numbers, categories = (
        trainings(replace(drawn, categorical=which), known, PROMPT, WINDOW)[0] for which in ((), (0,))
    )

    assert not np.array_equal(answers(numbers)[1], answers(categories)[1])


def test_tables_are_made_once_and_read_back_as_they_were(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = periods()
    made = kept(tmp_path, "a b", drawn, LATE, WINDOW)
    monkeypatch.setattr(tables_module, "trainings", pytest.fail)

    read = kept(tmp_path, "a b", drawn, LATE, WINDOW)

    assert np.array_equal(read.predictions, made.predictions, equal_nan=True)
    assert np.array_equal(read.losses, made.losses, equal_nan=True)
    assert np.array_equal(read.known, made.known)
    assert [path.name[:9] for path in tmp_path.iterdir()] == ["a-b-late-"]


def test_the_file_says_to_numpy_alone_what_the_tables_say(tmp_path: Path) -> None:
    made = kept(tmp_path, "some", periods(), LATE, WINDOW)

    with np.load(next(tmp_path.iterdir())) as file:
        assert np.array_equal(file["losses"], made.losses, equal_nan=True)
        assert np.array_equal(file["seen_losses"], made.seen_losses, equal_nan=True)
        assert np.array_equal(file["actuals"], made.periods.actuals)
        assert (int(file["first"]), int(file["delay"]), int(file["window"])) == (8, 5, WINDOW)


def test_anything_else_makes_other_tables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stale file would be taken for the new stream's."""
    drawn = periods()
    actuals, rows = drawn.actuals.copy(), drawn.rows.copy()
    actuals[0, 0] ^= True
    rows[0, 0, 0] += 1

    kept(tmp_path, "some", drawn, PROMPT, WINDOW)
    kept(tmp_path, "some", replace(drawn, actuals=actuals), PROMPT, WINDOW)
    kept(tmp_path, "some", replace(drawn, rows=rows), PROMPT, WINDOW)
    kept(tmp_path, "some", replace(drawn, categorical=(1,)), PROMPT, WINDOW)
    kept(tmp_path, "some", drawn, replace(PROMPT, delay=1), WINDOW)
    kept(tmp_path, "some", drawn, replace(PROMPT, share=0.5), WINDOW)
    kept(tmp_path, "some", drawn, PROMPT, WINDOW + 1)
    monkeypatch.setitem(LEARNER, "max_iter", 5)
    kept(tmp_path, "some", drawn, PROMPT, WINDOW)

    assert len(list(tmp_path.iterdir())) == 8


def test_versions_trained_in_processes_are_those_trained_in_one(tmp_path: Path) -> None:
    """They come back in any order."""
    stream = Stream(name="some", read=lambda _folder: periods(), window=WINDOW, drifts=True)

    found = [tables for _, tables in played([stream], tmp_path, processes=2)]

    assert [tables.setting for tables in found] == [*SETTINGS]
    for tables in found:
        alone = Tables.made(periods(), tables.setting, WINDOW)
        assert np.array_equal(tables.predictions, alone.predictions, equal_nan=True)

"""Losses of rows and of periods, against scikit-learn, plain formulas and a simulation."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import brier_score_loss, log_loss

from shared.registry.manifest import Task
from shared.retrain_config import Loss
from shared.retraining.losses import (
    FEWEST_HOURS,
    FEWEST_ROWS,
    Mean,
    Sums,
    loss_of,
    misfit,
    pooled,
    probability_losses,
    row_losses,
)

ROWS = st.lists(
    st.tuples(st.floats(-100, 100), st.floats(0.5, 50), st.integers(0, 30).map("{:02}".format)), max_size=60
)


def sums(rows: list[tuple[float, float, str]]) -> Sums:
    losses, weights, hours = zip(*rows, strict=True) if rows else ((), (), ())
    return Sums.of(np.array(losses, dtype=np.float64), np.array(weights, dtype=np.float64), hours)


def test_a_class_is_right_or_wrong() -> None:
    assert row_losses(Loss.ERROR, ["a", "b", "c"], ["a", "a", "c"]).tolist() == [0, 1, 0]
    assert row_losses(Loss.ERROR, [True, 1, 0.0], [1.0, 1.0, 1.0]).tolist() == [0, 0, 1]


def test_a_number_is_off_by_its_distance_or_its_square() -> None:
    assert row_losses(Loss.ABSOLUTE_ERROR, [1, 5], [3, 4.5]).tolist() == [2, 0.5]
    assert row_losses(Loss.SQUARED_ERROR, [1, 5], [3, 4.5]).tolist() == [4, 0.25]


@pytest.mark.parametrize("classes", [2, 4])
def test_losses_of_probabilities_are_those_of_scikit_learn(classes: int) -> None:
    rng = np.random.default_rng(3)
    given_ = rng.dirichlet(np.ones(classes), 200)
    actual = rng.integers(classes, size=200)

    logged = probability_losses(Loss.LOG_LOSS, given_, range(classes), actual.tolist())
    brier = probability_losses(Loss.BRIER, given_, range(classes), actual.tolist())

    assert logged.mean() == pytest.approx(log_loss(actual, given_, labels=range(classes)))
    expected = (
        brier_score_loss(actual, given_[:, 1])
        if classes == 2
        else np.square(given_ - np.eye(classes)[actual]).sum(axis=1).mean()
    )
    assert brier.mean() == pytest.approx(expected)


def test_what_no_class_is_had_no_probability() -> None:
    sure = np.array([[1.0, 0.0]])

    assert probability_losses(Loss.BRIER, sure, ["a", "b"], ["c"]).tolist() == [1.0]
    assert probability_losses(Loss.LOG_LOSS, sure, ["a", "b"], ["c"])[0] > 36


def test_a_loss_is_of_the_task_and_of_what_the_version_gives() -> None:
    assert loss_of(Task.CLASSIFICATION, None) is Loss.ERROR
    assert loss_of(Task.REGRESSION, None) is Loss.ABSOLUTE_ERROR
    assert loss_of(Task.CLASSIFICATION, Loss.BRIER) is Loss.BRIER
    assert misfit(Loss.BRIER, Task.CLASSIFICATION, has_probabilities=True) is None
    assert "no probability" in str(misfit(Loss.BRIER, Task.CLASSIFICATION, has_probabilities=False))
    assert "regression" in str(misfit(Loss.ERROR, Task.REGRESSION, has_probabilities=False))
    assert "classification" in str(misfit(Loss.SQUARED_ERROR, Task.CLASSIFICATION, has_probabilities=True))
    assert misfit(Loss.SQUARED_ERROR, Task.REGRESSION, has_probabilities=False) is None


@given(ROWS, ROWS)
def test_merged_sums_are_those_of_all_rows(
    one: list[tuple[float, float, str]], other: list[tuple[float, float, str]]
) -> None:
    merged, whole = (sums(one) + sums(other)).mean(), sums(one + other).mean()

    if whole is None:
        assert merged is None
        return
    assert merged is not None
    assert merged.rows == whole.rows
    assert merged.value == pytest.approx(whole.value, abs=1e-9)
    # A loss that hardly varies leaves a difference of large sums.
    assert merged.standard_error == pytest.approx(whole.standard_error, abs=1e-4)


@given(ROWS.filter(bool))
def test_a_mean_lies_between_the_losses(rows: list[tuple[float, float, str]]) -> None:
    mean = sums(rows).mean()

    assert mean is not None
    losses = [loss for loss, _, _ in rows]
    assert min(losses) - 1e-9 <= mean.value <= max(losses) + 1e-9
    assert (mean.standard_error is None) is (len(rows) < FEWEST_ROWS)


def test_rows_of_few_hours_have_the_usual_standard_error() -> None:
    losses = np.array([0.0, 1, 1, 0, 1] * 5)

    mean = Sums.of(losses, np.ones(25), ["a", "a", "b", "b", "c"] * 5).mean()

    assert mean is not None
    assert mean.standard_error == pytest.approx(losses.std(ddof=1) / math.sqrt(25))


@pytest.mark.parametrize(("rows", "error"), [(FEWEST_ROWS - 1, None), (FEWEST_ROWS, 0.0)])
def test_few_rows_that_are_alike_are_not_sure(rows: int, error: float | None) -> None:
    """Two rows on which the champion alone is wrong would be a gap of 1 without any error, and a retrain."""
    mean = Sums.of(np.ones(rows), np.ones(rows), ["a"] * rows).mean()

    assert mean is not None
    assert mean.standard_error == error


def test_rows_of_an_hour_that_are_all_alike_count_once() -> None:
    """A hundred rows an hour that share their fate say as much as one; taken for independent they would seem ten times as sure."""
    fates = np.array([0.0, 1, 1, 0, 1, 1, 0, 1])
    hours = [f"{place:02}" for place in range(8)]

    many = Sums.of(np.repeat(fates, 100), np.ones(800), np.repeat(hours, 100).tolist()).mean()

    assert many is not None
    assert many.standard_error == pytest.approx(fates.std(ddof=1) / math.sqrt(8))
    assert FEWEST_HOURS <= 8


def test_the_standard_error_is_how_far_means_stray() -> None:
    """In a simulation with hours that hang together and weights that differ."""
    rng = np.random.default_rng(5)
    hours = np.repeat([f"{place:02}" for place in range(24)], 20)
    weights = rng.integers(1, 4, len(hours)).astype(np.float64)
    found = [
        Sums.of(np.repeat(rng.normal(0, 0.5, 24), 20) + rng.normal(0, 1, len(hours)), weights, hours.tolist()).mean()
        for _ in range(1_000)
    ]

    errors = [one.standard_error for one in found if one is not None and one.standard_error is not None]
    assert np.mean(errors) == pytest.approx(np.std([one.value for one in found if one is not None]), rel=0.06)


@pytest.mark.parametrize(
    ("means", "value", "error", "rows"),
    [
        ([Mean(1.0, 0.3, 100), Mean(0.0, 0.1, 300)], 0.25, math.hypot(30, 30) / 400, 400),
        ([Mean(1.0, None, 100), Mean(1.0, 0.2, 100)], 1.0, math.hypot(20, 20) / 200, 200),
    ],
)
def test_periods_count_by_their_rows(means: list[Mean], value: float, error: float, rows: int) -> None:
    found = pooled(means)

    assert found is not None
    assert (found.value, found.rows) == (value, rows)
    assert found.standard_error == pytest.approx(error)


def test_of_no_period_there_is_no_mean_and_of_one_row_no_error() -> None:
    assert pooled([]) is None
    assert pooled([Mean(1.0, None, 1)]) == Mean(1.0, None, 1)

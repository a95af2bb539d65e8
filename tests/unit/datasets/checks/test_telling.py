"""Copies of the actual are told, in whatever clothes; what is merely good at it is not."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from shared.datasets.checks import told_by_feature
from shared.datasets.checks.ranks import gini, middle_ranks, nearness
from shared.datasets.manifest import Check, Outcome
from shared.datasets.recipe import Tolerances
from shared.registry.manifest import Task

ROWS = 20_000
TOLERATED = Tolerances().told_by_feature

Numbers = NDArray[np.float64]
Make = Callable[[Numbers, np.random.Generator], Any]


def _checked(feature: Any, actual: Any, task: Task) -> Check:  # noqa: ANN401 - whatever Arrow takes
    columns = {"feature": pa.array(feature), "actual": pa.array(actual)}
    ids = [f"row-{number}" for number in range(len(columns["actual"]))]
    sample = pa.table({"_id": ids, "_request_id": ids, **columns})
    return told_by_feature.check(sample, ["feature"], "actual", task, tolerated=TOLERATED)


def _some_missing(values: Numbers, rng: np.random.Generator, share: float) -> list[float | None]:
    gone = rng.random(len(values)) < share
    return [None if is_gone else value for value, is_gone in zip(values.tolist(), gone, strict=True)]


OF_CLASSES: dict[str, Make] = {
    "scaled and shifted": lambda actual, _: 7 - 3 * actual,
    "as text": lambda actual, _: [f"{'yes' if one else 'no'}" for one in actual],
    "as codes whose order says nothing": lambda actual, rng: np.where(
        actual == 1, rng.choice([3, 7], len(actual)), rng.choice([1, 5, 9], len(actual))
    ),
    "as the ends of a range": lambda actual, rng: np.where(
        actual == 1, rng.choice([-1, 1], len(actual)) * (1 + rng.random(len(actual))), rng.uniform(-1, 1, len(actual))
    ),
    "with 1 % wrong": lambda actual, rng: np.where(rng.random(len(actual)) < 0.01, 1 - actual, actual),
    "with noise": lambda actual, rng: actual + rng.normal(0, 0.1, len(actual)),
    "missing now and then": lambda actual, rng: _some_missing(actual, rng, 0.3),
    "by being missing": lambda actual, _: [None if one else 1.0 for one in actual],
}


@pytest.mark.parametrize("share", [0.5, 0.02])
@pytest.mark.parametrize("make", OF_CLASSES.values(), ids=OF_CLASSES)
def test_a_copy_of_a_class_is_refused(make: Make, share: float) -> None:
    """Of rare classes as of common ones: there, naming the common one is right nearly always, and tells nothing."""
    rng = np.random.default_rng(1)
    actual = (rng.random(ROWS) < share).astype(np.float64)

    assert _checked(make(actual, rng), actual.astype(np.int64), Task.CLASSIFICATION).outcome is Outcome.FAILED


OF_NUMBERS: dict[str, Make] = {
    "scaled and turned round": lambda actual, _: 7 - 3 * actual,
    "as text": lambda actual, _: [f"{one:.6f}" for one in actual],
    "rounded": lambda actual, _: np.round(actual, 1),
    "with noise": lambda actual, rng: actual + rng.normal(0, 0.01, len(actual)),
    "with 1 % of another row": lambda actual, rng: np.where(
        rng.random(len(actual)) < 0.01, rng.permutation(actual), actual
    ),
    "missing now and then": lambda actual, rng: _some_missing(actual, rng, 0.3),
    "as its exponential": lambda actual, _: np.exp(3 * actual),
}


@pytest.mark.parametrize("make", OF_NUMBERS.values(), ids=OF_NUMBERS)
def test_a_copy_of_a_number_is_refused(make: Make) -> None:
    rng = np.random.default_rng(2)
    actual = rng.normal(size=ROWS)

    assert _checked(make(actual, rng), actual, Task.REGRESSION).outcome is Outcome.FAILED


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_a_copy_is_refused_by_its_order_where_rows_are_too_few_to_learn_from(sign: float) -> None:
    """Of 150 rows a half gives three codes or so, and three codes do not tell a number."""
    rng = np.random.default_rng(10)
    number = rng.normal(size=150)
    few = (rng.random(150) < 0.1).astype(np.float64)

    assert _checked(sign * number, number, Task.REGRESSION).outcome is Outcome.FAILED
    noisy = sign * few + rng.uniform(0, 0.5, 150)
    assert _checked(noisy, few.astype(np.int64), Task.CLASSIFICATION).outcome is Outcome.FAILED


def test_a_copy_of_one_of_five_classes_is_refused_and_what_tells_one_of_them_is_not() -> None:
    rng = np.random.default_rng(3)
    places = rng.choice(5, ROWS, p=[0.6, 0.2, 0.1, 0.09, 0.01])
    actual = np.array(["a", "b", "c", "d", "e"])[places]
    copy = np.where(rng.random(ROWS) < 0.01, rng.permutation(places), places)

    assert _checked(copy, actual, Task.CLASSIFICATION).outcome is Outcome.FAILED
    assert _checked(places == 2, actual, Task.CLASSIFICATION).outcome is Outcome.OK


HONEST: dict[str, Make] = {
    "strong": lambda actual, rng: rng.normal(size=len(actual)) + scipy.stats.norm.ppf(0.95) * np.sqrt(2) * actual,
    "an id": lambda actual, _: [f"id-{number}" for number in range(len(actual))],
    "a text of two rows each": lambda actual, _: [f"id-{number // 2}" for number in range(len(actual))],
    "a number for each row": lambda actual, _: np.arange(len(actual), dtype=np.float64),
    "chance": lambda actual, rng: rng.normal(size=len(actual)),
    "the same for all": lambda actual, _: np.ones(len(actual)),
    "always missing": lambda actual, _: pa.nulls(len(actual), pa.float64()),
}


@pytest.mark.parametrize("rows", [150, ROWS])
@pytest.mark.parametrize("make", HONEST.values(), ids=HONEST)
def test_an_honest_feature_is_not_refused(make: Make, rows: int) -> None:
    """``strong`` has an AUC of 0.95; an id has a value for each row, and no row to learn it from."""
    for seed in range(5):
        rng = np.random.default_rng([4, seed])
        actual = (rng.random(rows) < 0.3).astype(np.float64)

        found = _checked(make(actual, rng), actual.astype(np.int64), Task.CLASSIFICATION)

        assert found.outcome is Outcome.OK, found.reason


def test_the_value_before_tells_a_number_well_and_is_not_refused() -> None:
    """A series that hardly changes from step to step: R² 0.97, and an honest feature."""
    rng = np.random.default_rng(5)
    actual = rng.normal(size=ROWS)
    before = actual + rng.normal(0, np.sqrt(1 / 0.97 - 1), ROWS)

    assert _checked(before, actual, Task.REGRESSION).outcome is Outcome.OK
    assert _checked([f"id-{number}" for number in range(ROWS)], actual, Task.REGRESSION).outcome is Outcome.OK


def test_rows_of_one_request_are_learned_together() -> None:
    """Rows of one request share a time and often the actual: learned from each other, they would tell it."""
    rng = np.random.default_rng(6)
    actual = np.repeat(rng.integers(0, 2, ROWS // 4), 4)
    asked_at = [f"at {number // 4}" for number in range(ROWS)]
    ids = [f"row-{number}" for number in range(ROWS)]
    sample = pa.table({"_id": ids, "_request_id": asked_at, "asked_at": asked_at, "actual": actual})

    together = told_by_feature.check(sample, ["asked_at"], "actual", Task.CLASSIFICATION, tolerated=TOLERATED)
    apart = told_by_feature.check(
        sample.set_column(1, "_request_id", [ids]), ["asked_at"], "actual", Task.CLASSIFICATION, tolerated=TOLERATED
    )

    assert together.outcome is Outcome.OK
    assert ("0.000" in together.reason) > ("0.000" in apart.reason)


@pytest.mark.parametrize("actual", [[1] * 500, [0] * 495 + [1] * 5, [0, 1] * 20])
def test_too_little_to_tell_apart_is_unknown(actual: list[int]) -> None:
    assert _checked([float(one) for one in actual], actual, Task.CLASSIFICATION).outcome is Outcome.UNKNOWN
    if len(set(actual)) == 1:
        assert _checked([1.0] * len(actual), actual, Task.REGRESSION).outcome is Outcome.UNKNOWN


def test_chance_seldom_refuses_where_rows_are_few() -> None:
    """Fifteen rows of a class may lie above nearly all others by luck; a copy of them lies above all."""
    rng = np.random.default_rng(7)
    actual = np.append(np.ones(15), np.zeros(285))
    strong = [HONEST["strong"](actual, rng) for _ in range(200)]
    above = [found for one in strong if (found := gini(one, actual, 1 - actual)) and found.value > TOLERATED]

    refused = [one for one in strong if _checked(one, actual, Task.CLASSIFICATION).outcome is Outcome.FAILED]

    assert len(above) > 20
    assert len(refused) < 5
    assert _checked(actual * 2.0, actual, Task.CLASSIFICATION).outcome is Outcome.FAILED


@given(st.lists(st.tuples(st.integers(0, 6), st.booleans()), min_size=2))
def test_gini_is_that_of_scikit_learn(rows: list[tuple[int, bool]]) -> None:
    scores, inside = (np.array(column, dtype=np.float64) for column in zip(*rows, strict=True))

    found = gini(scores, inside, 1 - inside)

    if 0 < inside.sum() < len(inside):
        assert found is not None
        assert found.value == pytest.approx(2 * roc_auc_score(inside, scores) - 1, abs=1e-12)
    else:
        assert found is None


def test_its_error_is_the_spread_of_samples() -> None:
    """Hanley and McNeil's is for scores of an exponential distribution, and near for others."""
    rng = np.random.default_rng(8)
    inside = np.append(np.ones(100), np.zeros(300))
    found = [gini(rng.exponential(1 + 4 * inside), inside, 1 - inside) for _ in range(800)]
    values = [one.value for one in found if one is not None]
    errors = [one.error for one in found if one is not None]

    assert np.mean(errors) == pytest.approx(np.std(values), rel=0.08)


@given(st.lists(st.floats(-5, 5), min_size=1))
def test_middle_ranks_are_those_of_scipy(values: list[float]) -> None:
    """Which counts from 1."""
    expected = (scipy.stats.rankdata(values) - 0.5) / len(values)

    assert middle_ranks(np.array(values)) == pytest.approx(expected)


def test_nearness_of_correlated_numbers_follows_theory() -> None:
    """Over uniform ranks u and v of normal numbers with correlation 0.9, E|u - v| is known by integration."""
    rng = np.random.default_rng(9)
    first = rng.normal(size=200_000)
    second = 0.9 * first + np.sqrt(1 - 0.81) * rng.normal(size=200_000)
    found = nearness(middle_ranks(first), middle_ranks(second))

    points = (np.arange(400) + 0.5) / 400
    normal = scipy.stats.norm.ppf(points)
    # of the second rank, given the first: a normal number with mean 0.9 x and variance 0.19
    given_first = scipy.stats.norm.ppf(points)[None, :] * np.sqrt(0.19) + 0.9 * normal[:, None]
    missed = np.abs(scipy.stats.norm.cdf(given_first) - points[:, None]).mean()
    assert found is not None
    assert found.value == pytest.approx(1 - missed / 0.25, abs=0.003)

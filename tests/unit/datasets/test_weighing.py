"""Weights in integers, against fractions and decimals."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal, localcontext
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.datasets.recipe import Weights
from shared.datasets.sampling import MILLION
from shared.datasets.weighing import NO_TIME, Rows, balanced, by_age, halving, product, weights
from shared.errors import InvalidRecipe

DAY = 24 * 3_600 * 10**6
NAMES = ("0", "1", "2")

weighed = st.tuples(
    st.integers(1, 1_000), st.integers(1, 10**9), st.integers(-1, 2), st.integers(0, 400 * DAY), st.booleans()
)
"""Of a row its capture weight, sampling weight, class, time, and whether it is for training."""

Weighed = Sequence[tuple[int, int, int, int, bool]]


def rows_of(some: Weighed) -> tuple[Rows, np.ndarray]:
    columns = [np.array([row[at] for row in some], dtype=np.int64) for at in range(5)]
    rows = Rows(captured=columns[0], drawn=columns[1], classes=columns[2], names=NAMES, at=columns[3])
    return rows, columns[4].astype(bool)


@given(st.lists(st.tuples(st.integers(0, 10**5), *[st.integers(0, 10**9)] * 3), max_size=30))
def test_a_product_is_rounded_once_half_to_even(factors: list[tuple[int, int, int, int]]) -> None:
    """Each product on its own is beyond 64 bits; rounded after each factor it would be another number."""
    columns = [np.array([row[at] for row in factors], dtype=np.int64) for at in range(4)]

    made = product(*columns)

    assert made.tolist() == [
        round(Fraction(w) * Fraction(a, MILLION) * Fraction(b, MILLION) * Fraction(c, MILLION) * MILLION)
        for w, a, b, c in factors
    ]


@pytest.mark.parametrize(
    ("asked", "mend"),
    [
        (Weights(classes={"0": 1e6, "1": 2}), "lower the greatest of weights.classes, '0'"),
        (Weights(), "raise sample.rows"),
    ],
)
def test_what_64_bits_do_not_hold_is_refused_by_what_to_lower(asked: Weights, mend: str) -> None:
    """Each factor is one that a recipe may ask for."""
    drawn = 10**9 * MILLION if asked.classes else 2**62
    rows, is_training = rows_of([(2_000, drawn, 0, 0, True)])

    with pytest.raises(InvalidRecipe, match=f"^weights: a row would count more than 9,223,372,036,854 rows do; {mend}"):
        weights(rows, is_training, asked)


def test_balanced_classes_that_64_bits_do_not_hold_are_refused() -> None:
    rows, is_training = rows_of([(1, 1, 0, 0, True), (2**31 - 1, 2**62, 1, 0, True)])

    with pytest.raises(InvalidRecipe, match=r"weights\.balanced cannot make up for it"):
        weights(rows, is_training, Weights(balanced=True))


def test_halves_go_to_even() -> None:
    one = np.array([1, 1, 1])

    assert product(one, np.array([1, 3, 5]), np.full(3, MILLION // 2)).tolist() == [0, 2, 2]


@given(st.integers(1, 1_000), st.integers(0, 86_399), st.integers(0, 700))
def test_half_lives_are_those_of_decimals(days: int, seconds: int, age: int) -> None:
    half_life = timedelta(days=days, seconds=seconds)

    table = halving(half_life, days=age)

    with localcontext(prec=40):
        left = Decimal(2) ** -(Decimal(age * 86_400) / Decimal(days * 86_400 + seconds))
        assert table[age] == int((left * MILLION).to_integral_value())
    assert len(table) == age + 1
    assert table[0] == MILLION
    assert (np.diff(table) <= 0).all()


def test_a_row_as_old_as_the_half_life_counts_half_and_twice_that_a_quarter() -> None:
    at = np.array([60, 59, 30, 0]) * DAY + 5

    assert by_age(at, timedelta(days=30)).tolist() == [MILLION, 977_160, MILLION // 2, MILLION // 4]


def test_ages_are_whole_days() -> None:
    at = np.array([DAY, 1, 0])

    assert by_age(at, timedelta(days=1)).tolist() == [MILLION, MILLION, MILLION // 2]


def test_rows_without_a_time_are_as_old_as_the_oldest() -> None:
    """They are of the data that the model was trained with: counted whole, the oldest of all would count most."""
    assert by_age(np.array([NO_TIME, 0, 30 * DAY]), timedelta(days=30)).tolist() == [
        MILLION // 2,
        MILLION // 2,
        MILLION,
    ]
    assert by_age(np.array([NO_TIME, NO_TIME]), timedelta(days=30)).tolist() == [MILLION, MILLION]


@given(st.lists(st.integers(0, 10**24), min_size=1, max_size=6))
def test_balanced_classes_are_the_mean_total_divided_by_their_own(totals: list[int]) -> None:
    made = balanced(totals)

    there = [total for total in totals if total]
    for total, weight in zip(totals, made, strict=True):
        assert weight == (round(Fraction(sum(there), len(there) * total) * MILLION) if total else MILLION)


@given(st.lists(weighed, max_size=30), st.none() | st.integers(1, 60))
def test_weights_are_the_product_of_what_they_are_made_of(some: Weighed, half_life: int | None) -> None:
    rows, is_training = rows_of(some)
    asked = Weights(classes={"0": 0.1, "2": 3.5}, half_life=None if half_life is None else timedelta(days=half_life))

    made = weights(rows, is_training, asked)

    newest = max((at for *_, at, _ in some), default=0)
    for (captured, drawn, code, at, training), weight in zip(some, made.tolist(), strict=True):
        exact = Fraction(captured) * drawn
        if training:
            exact *= {0: Fraction(1, 10), 2: Fraction(7, 2)}.get(code, 1)
        if training and half_life is not None:
            age = (newest - at) // DAY
            exact *= Fraction(int(halving(timedelta(days=half_life), days=age)[age]), MILLION)
        assert weight == round(exact)


@given(st.lists(weighed, min_size=1, max_size=60), st.booleans())
def test_balanced_every_class_of_the_training_part_counts_the_same(some: Weighed, ages: bool) -> None:  # noqa: FBT001
    """With weights of sampling and age, not only in number: a class that was drawn rarely has rows that count more."""
    rows, is_training = rows_of(some)

    made = weights(rows, is_training, Weights(balanced=True, half_life=timedelta(days=90) if ages else None))

    totals: dict[int, int] = defaultdict(int)
    count: dict[int, int] = defaultdict(int)
    before: dict[int, int] = defaultdict(int)
    plain = weights(rows, is_training, Weights(half_life=timedelta(days=90) if ages else None)).tolist()
    for (*_, code, _, training), weight, unbalanced in zip(some, made.tolist(), plain, strict=True):
        if training and code >= 0:
            totals[code] += weight
            before[code] += unbalanced
            count[code] += 1
    mean = Fraction(sum(before.values()), max(len(before), 1))
    for code, total in totals.items():
        # a class's weight is rounded to a millionth, and so is each row's
        rounding = count[code] * 2 + Fraction(before[code], 2 * MILLION) + mean / max(before[code], 1) * count[code]
        assert abs(total - mean) <= rounding + len(some)


def test_unweighted_balanced_classes_are_rows_by_classes_and_rows_of_the_class() -> None:
    """That is n / (K * n_k), as scikit-learn's ``class_weight="balanced"``."""
    from sklearn.utils.class_weight import compute_class_weight

    classes = [0] * 7 + [1] * 2 + [2]
    rows, is_training = rows_of([(1, MILLION, code, 0, True) for code in classes])

    made = weights(rows, is_training, Weights(balanced=True))

    expected = compute_class_weight("balanced", classes=np.arange(3), y=np.array(classes))
    assert made.tolist() == [round(expected[code] * MILLION) for code in classes]


def test_outside_of_training_rows_count_what_they_stand_for() -> None:
    """What is estimated on validation and test holds for what was asked, whatever the training makes of it."""
    rows, is_training = rows_of(
        [(2, 3 * MILLION, 0, 0, False), (1, MILLION, 1, 90 * DAY, True), (1, MILLION, 0, 0, True)]
    )

    made = weights(rows, is_training, Weights(balanced=True, half_life=timedelta(days=30)))

    assert made[0] == 6 * MILLION
    assert made[2] != MILLION


def test_classes_that_come_only_outside_of_training_change_nothing() -> None:
    rows, is_training = rows_of([(1, MILLION, 0, 0, True), (1, MILLION, 1, 0, True), (1, MILLION, 2, 0, False)])

    assert weights(rows, is_training, Weights(balanced=True)).tolist() == [MILLION] * 3


def test_weights_are_the_same_past_the_rows_that_are_weighed_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    some = [(1 + number % 3, MILLION + number, number % 3, number * DAY, number % 4 > 0) for number in range(50)]
    rows, is_training = rows_of(some)
    asked = Weights(balanced=True, half_life=timedelta(days=10))
    whole = weights(rows, is_training, asked)

    monkeypatch.setattr("shared.datasets.weighing._AT_ONCE", 7)

    assert weights(rows, is_training, asked).tolist() == whole.tolist()

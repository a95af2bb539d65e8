"""How much rows count, in integers: millionths, so that every machine gives the same.

A row stands for the rows that were not captured (its capture weight) and for those that were not drawn (its sampling
weight). That holds of every row, so that what is estimated with it on validation and test holds for what was asked. For
training, what a recipe says of classes and of age comes on top.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Context, Decimal
from fractions import Fraction
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from shared.datasets.recipe import Weights
from shared.datasets.sampling import MILLION
from shared.errors import InvalidRecipe

NO_TIME: Final = np.iinfo(np.int64).min

_DIGITS: Final = Context(prec=60)
_DAY: Final = timedelta(days=1)
_MICROSECOND: Final = timedelta(microseconds=1)
_AT_ONCE: Final = 1 << 20
_MOST: Final = np.iinfo(np.int64).max // MILLION

Integers: TypeAlias = NDArray[np.int64] | NDArray[np.int32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """What the weights of rows are made of, of each one.

    Attributes:
        captured: how many rows of those that were asked it stands for.
        drawn: the sampling weight, in millionths.
        classes: its class, as a place in ``names``; -1 where it has none.
        names: of the classes.
        at: microseconds since 1970, or ``NO_TIME``.
    """

    captured: Integers
    drawn: Integers
    classes: Integers
    names: Sequence[str]
    at: NDArray[np.int64]


def weights(rows: Rows, is_training: NDArray[np.bool_], asked: Weights) -> NDArray[np.int64]:
    """Return the weight of each row in millionths, rounded once, half to even; shape (rows,).

    Raises:
        InvalidRecipe: a row would count more than 64 bits hold.
    """
    try:
        return _weights(rows, is_training, asked)
    except OverflowError as error:
        raise InvalidRecipe(f"weights: a row would count more than {_MOST:,} rows do; {_mend(asked)}") from error


def _weights(rows: Rows, is_training: NDArray[np.bool_], asked: Weights) -> NDArray[np.int64]:
    ages = np.full(len(rows.at), MILLION, dtype=np.int32)
    if asked.half_life is not None and len(ages):
        ages[is_training] = by_age(rows.at, asked.half_life)[is_training]
    of_class = _of_classes(rows, ages, is_training, asked)
    made = np.empty(len(ages), dtype=np.int64)
    for start in range(0, len(made), _AT_ONCE):
        some = slice(start, start + _AT_ONCE)
        classes = np.where(is_training[some], of_class[rows.classes[some]], MILLION)
        made[some] = product(rows.captured[some], rows.drawn[some], classes, ages[some])
    return made


def product(captured: Integers, *millionths: Integers) -> NDArray[np.int64]:
    """Return captured times each of the others, which are in millionths as the result is, rounded once, half to even."""
    factors, places, _ = _distinct(captured, *millionths)
    unit = MILLION ** (len(millionths) - 1)
    made = [round(Fraction(_multiplied(row), unit)) for row in factors]
    return np.array(made, dtype=np.int64)[places]


def by_age(at: NDArray[np.int64], half_life: timedelta) -> NDArray[np.int32]:
    """Return the weight of each row by its age in whole days, in millionths: the newest count whole, shape (rows,).

    Rows without a time are as old as the oldest that has one: they are of training data from before.
    """
    known = at[at != NO_TIME]
    if not len(known):
        return np.full(len(at), MILLION, dtype=np.int32)
    newest = int(known.max())
    ages = (newest - np.where(at == NO_TIME, known.min(), at)) // (_DAY // _MICROSECOND)
    of_row: NDArray[np.int32] = halving(half_life, days=int(ages.max()))[ages]
    return of_row


def halving(half_life: timedelta, *, days: int) -> NDArray[np.int32]:
    """Return how much is left of the weight of a row after 0, 1, … ``days`` days, in millionths, rounded half to even.

    In decimals, because the last digit of a power of floats is the machine's.

    >>> halving(timedelta(days=2), days=4).tolist()
    [1000000, 707107, 500000, 353553, 250000]
    """
    lost = _DIGITS.divide(_DIGITS.ln(Decimal(2)), Decimal(half_life // _MICROSECOND))
    left = (_DIGITS.exp(_DIGITS.multiply(-lost, Decimal(day * (_DAY // _MICROSECOND)))) for day in range(days + 1))
    return np.array([int((MILLION * one).to_integral_value()) for one in left], dtype=np.int32)


def balanced(totals: Sequence[int]) -> list[int]:
    """Return the weight of each class in millionths that makes all count the same: the mean total, divided by its own.

    Args:
        totals: how much its rows count without it; a class with nothing counts for nothing, and is not in the mean.

    >>> balanced([30, 10, 0])
    [666667, 2000000, 1000000]
    """
    there = sum(1 for total in totals if total)
    return [round(Fraction(sum(totals) * MILLION, there * total)) if total else MILLION for total in totals]


def _of_classes(
    rows: Rows, ages: NDArray[np.int32], is_training: NDArray[np.bool_], asked: Weights
) -> NDArray[np.int64]:
    """Return the weight of each class in millionths, and last that of what has none."""
    if asked.balanced:
        made = balanced(_totals(rows, ages, is_training))
    else:
        made = [_millionths(asked.classes, name) for name in rows.names]
    return np.array([*made, MILLION], dtype=np.int64)


def _totals(rows: Rows, ages: NDArray[np.int32], is_training: NDArray[np.bool_]) -> list[int]:
    """Return how much the training rows of each class count; in which unit does not matter."""
    totals = [0] * len(rows.names)
    for start in range(0, len(ages), _AT_ONCE):
        some = slice(start, start + _AT_ONCE)
        chosen = is_training[some] & (rows.classes[some] >= 0)
        columns = (one[some][chosen] for one in (rows.classes, rows.captured, rows.drawn, ages))
        for (code, *factors), count in zip(*_distinct(*columns)[::2], strict=True):
            totals[code] += _multiplied(factors) * count
    return totals


def _millionths(classes: Mapping[str, float], name: str) -> int:
    return round(Fraction(str(classes[name])) * MILLION) if name in classes else MILLION


def _distinct(*columns: Integers) -> tuple[list[list[int]], NDArray[np.int64], list[int]]:
    """Return every combination of values once, of each row which one it has, and of each combination how many rows."""
    places = np.zeros(len(columns[0]), dtype=np.int64)
    for column in columns:
        values, codes = np.unique(column, return_inverse=True)
        _, places = np.unique(places * max(len(values), 1) + codes, return_inverse=True)
    _, first, counts = np.unique(places, return_index=True, return_counts=True)
    return [[int(column[at]) for column in columns] for at in first.tolist()], places, counts.tolist()


def _mend(asked: Weights) -> str:
    if asked.classes:
        return f"lower the greatest of weights.classes, {max(asked.classes, key=lambda one: asked.classes[one])!r}"
    if asked.balanced:
        return "a class has so few rows that weights.balanced cannot make up for it: name weights.classes instead"
    return "raise sample.rows, so that each row that is drawn stands for fewer"


def _multiplied(factors: Sequence[int]) -> int:
    made = 1
    for one in factors:
        made *= one
    return made

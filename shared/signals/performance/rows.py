"""The rows that are looked at: answers, what turned out, how many rows each stands for, and which come together."""

from dataclasses import dataclass, field
from typing import Self, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]
Integers: TypeAlias = NDArray[np.int64]
Numbers = TypeVar("Numbers", Floats, Integers)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """What a classifier said, known before any actual.

    Attributes:
        classes: names of the classes, two or more; of two, the second is the positive one.
        predicted: of each row, the place of the answer in ``classes``.
        probabilities: of each row and class, adding up to 1, shape (rows, classes); None where the model gives none.
        weights: how many rows each stands for, > 0; None where each stands for itself.
        clusters: whole numbers, equal for rows that come together, such as the hour; None where rows are independent.

    Raises:
        ValueError: the shapes differ, there are fewer than two classes, or a number is none.
    """

    classes: tuple[str, ...]
    predicted: Integers
    probabilities: Floats | None = None
    weights: Floats | None = None
    clusters: Integers | None = None

    def __post_init__(self) -> None:
        if len(self.classes) < 2:
            raise ValueError(f"{len(self.classes)} classes: nothing to tell apart")
        if self.probabilities is not None and self.probabilities.shape != (len(self.predicted), len(self.classes)):
            raise ValueError(f"probabilities of shape {self.probabilities.shape} for {len(self.predicted)} rows")
        _check(len(self.predicted), self.weights, self.clusters)
        _check_finite(self.probabilities)

    def __len__(self) -> int:
        return len(self.predicted)

    @property
    def each_weight(self) -> Floats:
        """Return the weights, ones where none were given."""
        return each_weight(self.weights, rows=len(self))

    def take(self, rows: Integers) -> Self:
        """Return the rows at these places."""
        return type(self)(
            classes=self.classes,
            predicted=self.predicted[rows],
            probabilities=taken(self.probabilities, rows),
            weights=taken(self.weights, rows),
            clusters=taken(self.clusters, rows),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Classified:
    """Answers of a classifier and, of each row, the place of what turned out in the answers' ``classes``.

    Raises:
        ValueError: there are not as many of either.
    """

    answers: Answers
    actual: Integers

    def __post_init__(self) -> None:
        if len(self.actual) != len(self.answers):
            raise ValueError(f"{len(self.actual)} actuals of {len(self.answers)} answers")

    def __len__(self) -> int:
        return len(self.actual)

    @property
    def indicators(self) -> Floats:
        """Return 1 for the class that turned out and 0 for the others, shape (rows, classes)."""
        return np.eye(len(self.answers.classes))[self.actual]

    def take(self, rows: Integers) -> Self:
        """Return the rows at these places."""
        return type(self)(answers=self.answers.take(rows), actual=self.actual[rows])


@dataclass(frozen=True, slots=True, kw_only=True)
class Regressed:
    """Answers of a regressor and what turned out; ``weights`` and ``clusters`` as of ``Answers``.

    Raises:
        ValueError: the shapes differ, or a number is none.
    """

    predicted: Floats
    actual: Floats
    weights: Floats | None = None
    clusters: Integers | None = None

    def __post_init__(self) -> None:
        if len(self.actual) != len(self.predicted):
            raise ValueError(f"{len(self.actual)} actuals of {len(self.predicted)} answers")
        _check(len(self.predicted), self.weights, self.clusters)
        _check_finite(self.predicted)
        _check_finite(self.actual)

    def __len__(self) -> int:
        return len(self.predicted)

    @property
    def each_weight(self) -> Floats:
        """Return the weights, ones where none were given."""
        return each_weight(self.weights, rows=len(self))

    def take(self, rows: Integers) -> Self:
        """Return the rows at these places."""
        return type(self)(
            predicted=self.predicted[rows],
            actual=self.actual[rows],
            weights=taken(self.weights, rows),
            clusters=taken(self.clusters, rows),
        )


def each_weight(weights: Floats | None, *, rows: int) -> Floats:
    """Return how many rows each stands for: one each where no weights were given."""
    return np.ones(rows) if weights is None else weights


def taken(values: Numbers | None, rows: Integers) -> Numbers | None:
    """Return the values of the rows at these places; None where there are no values."""
    return None if values is None else values[rows]


def of_two(positive: Floats) -> Floats:
    """Return the probabilities of two classes from those of the positive one.

    >>> of_two(np.array([0.25])).tolist()
    [[0.75, 0.25]]
    """
    return np.column_stack([1 - positive, positive])


@dataclass(frozen=True, slots=True)
class Clusters:
    """Which rows come together; each is its own cluster where none were given.

    Attributes:
        places: of each row, the place of its cluster, from 0; None where each is its own.
        count: how many clusters there are.
    """

    places: Integers | None
    count: int = field(default=0)

    @classmethod
    def of(cls, clusters: Integers | None, *, rows: int) -> Self:
        """Number the clusters."""
        if clusters is None:
            return cls(None, rows)
        known, places = np.unique(clusters, return_inverse=True)
        return cls(places.astype(np.int64), len(known))

    def sums(self, values: Floats) -> Floats:
        """Return the sum of ``values``, one of each row, over every cluster."""
        if self.places is None:
            return values
        return np.bincount(self.places, weights=values, minlength=self.count).astype(np.float64)

    def sums_of_each(self, columns: Floats) -> Floats:
        """Return the sums of every column of ``columns``, shape (rows, columns); shape (clusters, columns)."""
        if self.places is None:
            return columns
        return np.column_stack([self.sums(column) for column in columns.T])


def _check(rows: int, weights: Floats | None, clusters: Integers | None) -> None:
    for one in (weights, clusters):
        if one is not None and len(one) != rows:
            raise ValueError(f"{len(one)} weights or clusters of {rows} rows")
    if weights is not None and not (weights > 0).all():
        raise ValueError("a weight is not above 0")
    _check_finite(weights)


def _check_finite(numbers: Floats | None) -> None:
    if numbers is not None and not np.isfinite(numbers).all():
        raise ValueError("a number is not finite")

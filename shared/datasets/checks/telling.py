"""How well one feature alone tells the actual.

A feature may tell it by its order (a number that is the actual, shifted, scaled or turned round), by its values (a category, a
code, a number whose middle means something else than its ends), or by not being there. An order needs no learning. What
values mean is learned from one half of the rows and tried on the other, both ways round: an id has a value of its own for
every row, and learned that way it tells nothing. Rows of one request are in one half.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from shared.datasets.checks.ranks import NOTHING, Floats, Places, Telling, gini, middle_ranks, nearness

LEAST_ROWS: Final = 100
LEAST_OF_CLASS: Final = 10
"""A class with fewer rows has no say."""

_MOST_CODES: Final = 256
_ROWS_A_CODE: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Classes:
    """Actuals that are classes: of each row which, shape (rows,), and how many there are."""

    which: Places
    count: int

    def where(self, rows: NDArray[np.bool_]) -> "Classes":
        return Classes(which=self.which[rows], count=self.count)

    def judged(self) -> list[int]:
        """Return the classes that have a say: of two, that is one; none, where nothing could be told apart."""
        counts = np.bincount(self.which, minlength=self.count)
        common = np.flatnonzero((counts >= LEAST_OF_CLASS) & (len(self.which) - counts >= LEAST_OF_CLASS))
        return [int(common[-1])] if self.count == 2 and len(common) else [int(one) for one in common]

    def by_order(self, values: Floats) -> Telling:
        """Return how well the order of some numbers tells two classes apart; of more, an order says little."""
        if self.count != 2 or not self.judged():
            return NOTHING
        inside = self.which == self.judged()[0]
        return _either_way(gini(values, inside.astype(np.float64), (~inside).astype(np.float64)))

    def by_values(self, codes: Places, halves: NDArray[np.bool_]) -> Telling:
        """Return 2 AUC - 1 of what was learned: of one class of two, or the mean over more, each against the rest."""
        size = int(codes.max()) + 1
        tables = [self._table(codes[half], self.which[half], size) for half in (halves, ~halves)]
        found = [
            one
            for learned, tried in (tables, tables[::-1])
            for place in self.judged()
            if (one := _tried(learned, tried, place)) is not None
        ]
        if not found:
            return NOTHING
        # both halves are of one sample: an error of each is no smaller for there being many classes
        error = float(np.mean([one.error for one in found])) / np.sqrt(2)
        return Telling(float(np.mean([one.value for one in found])), error)

    def _table(self, codes: Places, which: Places, size: int) -> Floats:
        counts = np.bincount(codes * self.count + which, minlength=size * self.count)
        return counts.reshape(size, self.count).astype(np.float64)


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbers:
    """Actuals that are numbers, as their middle ranks, shape (rows,)."""

    ranks: Floats

    def where(self, rows: NDArray[np.bool_]) -> "Numbers":
        return Numbers(ranks=middle_ranks(self.ranks[rows]))

    def judged(self) -> bool:
        """Return whether there is anything to be told apart."""
        return len(self.ranks) > 0 and bool(self.ranks.min() < self.ranks.max())

    def by_order(self, values: Floats) -> Telling:
        """Return how near the ranks of some numbers are, taken as they are or turned round."""
        said = middle_ranks(values)
        found = [nearness(self.ranks, one) for one in (said, 1 - said)]
        return max((one for one in found if one is not None), default=NOTHING)

    def by_values(self, codes: Places, halves: NDArray[np.bool_]) -> Telling:
        """Return how near the median of the same code in the other half is."""
        size = int(codes.max()) + 1
        said = np.empty(len(codes))
        for half in (halves, ~halves):
            if not half.any():
                return NOTHING
            said[~half] = _medians(codes[half], self.ranks[half], size)[codes[~half]]
        return nearness(self.ranks, said) or NOTHING


Actual = Classes | Numbers


@dataclass(frozen=True, slots=True, kw_only=True)
class Feature:
    """One feature: ``numbers`` with NaN where it is missing, or ``codes`` with -1, or both of a text that is numbers."""

    codes: Places | None = None
    numbers: Floats | None = None

    def views(self) -> "Iterator[Feature]":
        """Yield it as codes, and as numbers."""
        if self.codes is not None:
            yield Feature(codes=self.codes)
        if self.numbers is not None:
            yield Feature(numbers=self.numbers)

    def missing(self) -> NDArray[np.bool_]:
        return self.codes < 0 if self.codes is not None else np.isnan(self._numbers)

    def where(self, rows: NDArray[np.bool_]) -> "Feature":
        return Feature(
            codes=None if self.codes is None else self.codes[rows],
            numbers=None if self.numbers is None else self.numbers[rows],
        )

    def coded(self, halves: NDArray[np.bool_]) -> Places:
        """Return a code for each row, from 0, the last for what is missing: few enough for something to be learned of each."""
        if self.codes is not None:
            return np.where(self.codes < 0, int(self.codes.max()) + 1, self.codes)
        present = ~np.isnan(self._numbers)
        values = self._numbers[present]
        distinct = np.unique(values)
        most = min(_MOST_CODES, max(2, int(min(halves.sum(), (~halves).sum())) // _ROWS_A_CODE))
        if len(distinct) > most:
            # between two neighbouring values, so that no infinity is averaged
            ordered = np.sort(values)
            distinct = np.unique(ordered[np.arange(1, most) * len(ordered) // most])
        codes = np.full(len(present), len(distinct) + 1)
        codes[present] = np.searchsorted(distinct, values)
        return codes

    @property
    def _numbers(self) -> Floats:
        assert self.numbers is not None  # noqa: S101 - a feature has one or the other
        return self.numbers


def telling(feature: Feature, actual: Actual, halves: NDArray[np.bool_]) -> Telling:
    """Return how well a feature tells the actual, in whichever way it does so most surely.

    Args:
        feature: of each row.
        actual: of each row.
        halves: of each row whether it is in the first half.
    """
    found = [NOTHING]
    for view in feature.views():
        found += _ways(view, actual, halves)
        present = ~view.missing()
        if not present.all() and present.sum() >= LEAST_ROWS:
            # where it is there, it may tell everything
            found += _ways(view.where(present), actual.where(present), halves[present])
    return max(found, key=lambda one: one.surely)


def _ways(view: Feature, actual: Actual, halves: NDArray[np.bool_]) -> Iterator[Telling]:
    if not actual.judged():
        return
    yield actual.by_values(view.coded(halves), halves)
    if view.numbers is not None and not np.isnan(view.numbers).any():
        yield actual.by_order(view.numbers)


def _tried(learned: Floats, tried: Floats, place: int) -> Telling | None:
    """Return how well the rates of one class by code, learned in one half, tell it apart in the other."""
    rows = learned.sum(axis=1)
    whole = rows.sum()
    if not whole:
        return None
    # one row of the average: a code that was hardly seen says hardly more than that
    rates = (learned[:, place] + learned[:, place].sum() / whole) / (rows + 1)
    return gini(rates, tried[:, place], tried.sum(axis=1) - tried[:, place])


def _either_way(found: Telling | None) -> Telling:
    return NOTHING if found is None else Telling(abs(found.value), found.error)


def _medians(codes: Places, ranks: Floats, size: int) -> Floats:
    """Return the (lower) median of the ranks by code, and that of all where a code has none, shape (size,)."""
    order = np.lexsort((ranks, codes))
    counts = np.bincount(codes, minlength=size)
    ends = np.cumsum(counts)
    middles = np.minimum(ends - counts + np.maximum(counts - 1, 0) // 2, len(ranks) - 1)
    return np.where(counts > 0, ranks[order][middles], np.median(ranks))

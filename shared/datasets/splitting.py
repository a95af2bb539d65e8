"""Which rows are for training, which for validation and which for testing.

Rows that belong together go together, or not at all. The rows of one request do, and those with the same value of the
group; and because a request may hold several groups, and a group come in several requests, so does all that is connected
by either: a *unit*.
"""

from dataclasses import dataclass
from datetime import timedelta
from fractions import Fraction
from math import floor
from typing import Final

import numpy as np
from numpy.typing import NDArray

from shared.datasets.keys import Keys, mixed
from shared.datasets.manifest import TEST, TRAIN, VALIDATION
from shared.datasets.recipe import Split, SplitBy

SPLITS: Final = (TRAIN, VALIDATION, TEST)
"""What the codes of ``split`` stand for."""

SPANS: Final = -1

MOMENTS_US: Final = timedelta(hours=1) // timedelta(microseconds=1)
"""A unit that lasts no longer is taken whole."""

Codes = NDArray[np.int8]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """What a split goes by: of each row, in the order of ids.

    Attributes:
        ids: their keys.
        requests: the keys of the requests; of a row without one a key that is its own.
        groups: the keys of the group's values; None where no group was asked for.
        has_group: whether there is a value.
        at: microseconds since 1970; of original rows anything.
        is_original: whether it is a row of the original training data.
    """

    ids: Keys
    requests: Keys
    groups: Keys | None
    has_group: NDArray[np.bool_]
    at: NDArray[np.int64]
    is_original: NDArray[np.bool_]


def split(rows: Rows, asked: Split, *, seed: int) -> Codes:
    """Return of each row where it goes, as a place in ``SPLITS``, or ``SPANS`` where it is left out; shape (rows,).

    Shares are of the captured rows. Original rows are for training, all of them.

    By time, rows are put in the order of their times, those of the same time in that of their ids, and cut where the
    shares say. A unit that a cut goes through is taken to the earlier side if all of it is within one hour, as the rows of
    one request are, and left out otherwise. So a training row is later than a row of validation or test only by an hour at
    most, and because its unit began before.

    By group, units are put in an order by chance, which their first ids and the seed decide, and each goes where its
    middle falls: a share is missed by one unit's size at most.

    Captured rows of a unit with original rows are for training; by time, those that are too late for that are left out.
    """
    units = _units(rows)
    captured = ~rows.is_original
    whole = int(captured.sum())
    sizes = [floor(Fraction(str(share)) * whole) for share in (asked.test, asked.validation)]
    with_original = np.zeros(_count(units), dtype=bool)
    with_original[units[rows.is_original]] = True
    if asked.by is SplitBy.TIME:
        of_unit = _by_time(units[captured], rows.at[captured], _count(units), sizes)
        of_unit[with_original & (of_unit != 0)] = SPANS
    else:
        of_unit = _by_chance(units, captured & ~with_original[units], rows.ids, sizes, seed)
    of_row = of_unit[units]
    of_row[rows.is_original] = 0
    return of_row


def _units(rows: Rows) -> NDArray[np.int64]:
    """Return the number of each row's unit: the connected components of requests and groups."""
    _, requests = np.unique(rows.requests, return_inverse=True)
    if rows.groups is None:
        return requests
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    _, groups = np.unique(rows.groups[rows.has_group], return_inverse=True)
    of_requests = _count(requests)
    nodes = of_requests + _count(groups)
    edges = (requests[rows.has_group], groups + of_requests)
    graph = coo_array((np.ones(len(groups)), edges), shape=(nodes, nodes))
    _, components = connected_components(graph, directed=False)
    _, units = np.unique(components[:of_requests], return_inverse=True)
    numbers: NDArray[np.int64] = units[requests]
    return numbers


def _by_time(units: NDArray[np.int64], at: NDArray[np.int64], count: int, sizes: list[int]) -> Codes:
    """Return where each unit goes, by the units and times of the captured rows; of units without any it says nothing."""
    test, validation = sizes
    sides = np.zeros(len(at), dtype=np.int8)
    in_order = np.argsort(at, kind="stable")
    sides[in_order[len(at) - test - validation :]] = 1
    sides[in_order[len(at) - test :]] = 2
    first, last = np.full(count, 2, dtype=np.int8), np.zeros(count, dtype=np.int8)
    np.minimum.at(first, units, sides)
    np.maximum.at(last, units, sides)
    began, ended = np.full(count, np.iinfo(np.int64).max), np.full(count, np.iinfo(np.int64).min)
    np.minimum.at(began, units, at)
    np.maximum.at(ended, units, at)
    spans = (first < last) & (ended - MOMENTS_US > began)
    first[spans] = SPANS
    return first


def _by_chance(units: NDArray[np.int64], drawn: NDArray[np.bool_], ids: Keys, sizes: list[int], seed: int) -> Codes:
    """Return where each unit goes, by the first id of those that are drawn; the others are for training."""
    count = _count(units)
    numbers, places = np.unique(units[drawn], return_index=True)
    salt = mixed(np.array([seed + 1], dtype=np.uint64))
    keys = mixed(ids[drawn][places] ^ salt)
    in_order = numbers[np.lexsort((places, keys))]
    rows = np.bincount(units[drawn], minlength=count)[in_order]
    middles = 2 * np.cumsum(rows) - rows
    test, validation = sizes
    of_unit = np.zeros(count, dtype=np.int8)
    of_unit[in_order[middles < 2 * (test + validation)]] = 1
    of_unit[in_order[middles < 2 * test]] = 2
    return of_unit


def _count(numbers: NDArray[np.int64]) -> int:
    return int(numbers.max(initial=-1)) + 1

"""What the actuals of an hour's predictions come to: which one counts, and how many came again, or otherwise."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from functools import reduce
from typing import Final, TypeAlias

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from shared.actuals import delays
from shared.actuals.columns import ACTUAL
from shared.actuals.delays import Delays
from shared.sealing.tables.packed import Ids, pack

LATE: Final = timedelta(days=30)
"""An actual that came later is counted as months late."""

_SECOND_US: Final = 1_000_000

Numbers: TypeAlias = NDArray[np.float64] | NDArray[np.int64]


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """What was joined, in numbers that add up.

    The first five are of the rows alone, whatever the order they were joined in.

    Attributes:
        joined: predictions that have an actual.
        duplicates: actuals that say the same as the one before them, of the same prediction.
        corrected: actuals that say something else.
        late: predictions whose first actual came after more than 30 days.
        delays: how long the first actual of each prediction took.
        misfits: values that the version could not have answered; they are not joined.
        early: actuals that were there before their prediction.
    """

    joined: int = 0
    duplicates: int = 0
    corrected: int = 0
    late: int = 0
    delays: Delays = msgspec.field(default_factory=dict)
    misfits: int = 0
    early: int = 0

    def plus(self, other: "Counts", times: int = 1) -> "Counts":
        """Return the sum; the difference, where ``times`` is -1."""
        scaled = {one: times * count for one, count in other.delays.items()}
        names = ("joined", "duplicates", "corrected", "late", "misfits", "early")
        sums = {name: getattr(self, name) + times * getattr(other, name) for name in names}
        return Counts(**sums, delays=delays.merged([self.delays, scaled]))


def added_up(parts: Iterable[Counts]) -> Counts:
    """Add up counts, in any order and grouping the same."""
    return reduce(Counts.plus, parts, Counts())


@dataclass(frozen=True, slots=True)
class Ordered:
    """Joined rows by prediction, and those of one prediction in the order they were enqueued in.

    Attributes:
        rows: in this order.
        is_first: whether a row is the first of its prediction, shape (rows,).
        is_last: whether it is the last, which is the one that counts.
    """

    rows: pa.Table
    is_first: NDArray[np.bool_]
    is_last: NDArray[np.bool_]


def in_order(rows: pa.Table) -> Ordered:
    """Put joined rows in order: by when they were enqueued, at one moment by their place in the hub, and then by id."""
    ids = pack(rows.column("_id"))
    order = _order(rows, ids)
    ordered = ids[order]
    is_new = np.ones(len(ids) + 1, dtype=bool)
    is_new[1:-1] = (ordered[1:] != ordered[:-1]).any(axis=1)
    is_sorted = bool((order[1:] > order[:-1]).all())
    return Ordered(rows if is_sorted else rows.take(pa.array(order)), is_new[:-1], is_new[1:])


def counts_of(ordered: Ordered) -> Counts:
    """Return what joined rows come to."""
    is_first = ordered.is_first
    values = _codes(ordered.rows.column(ACTUAL))
    is_same = np.zeros(len(values), dtype=bool)
    is_same[1:] = ~is_first[1:] & (values[1:] == values[:-1])
    enqueued_us, at_us = (_times(ordered.rows, name)[is_first] for name in ("_actual_enqueued_at", "_at"))
    waited_us = enqueued_us - at_us
    return Counts(
        joined=int(is_first.sum()),
        duplicates=int(is_same.sum()),
        corrected=int((~is_first & ~is_same).sum()),
        late=int((waited_us > LATE / timedelta(microseconds=1)).sum()),
        delays=delays.counted(-(-waited_us // _SECOND_US)),
    )


def _order(rows: pa.Table, ids: Ids) -> NDArray[np.int64]:
    places = [
        rows.column(name).fill_null(-1).to_numpy()
        for name in ("_actual_index", "_actual_sequence", "_actual_partition")
    ]
    enqueued_us = _times(rows, "_actual_enqueued_at")
    order = np.lexsort((*places, enqueued_us, ids[:, 1], ids[:, 0]))  # by the last one first
    # Only what was imported has no place; sorting everything by the actuals' ids as well would cost as much again.
    first, second = order[:-1], order[1:]
    is_tied = (ids[first] == ids[second]).all(axis=1) & (enqueued_us[first] == enqueued_us[second])
    for place in places:
        is_tied &= place[first] == place[second]
    if not is_tied.any():
        return order
    actual_ids = pack(rows.column("_actual_id"))
    return np.lexsort((actual_ids[:, 1], actual_ids[:, 0], *places, enqueued_us, ids[:, 1], ids[:, 0]))


def _codes(values: pa.ChunkedArray) -> Numbers:
    """Return values as numbers that are equal where the values are."""
    of_texts = pa.types.is_string(values.type)
    found: Numbers = (pc.dictionary_encode(values.combine_chunks()).indices if of_texts else values).to_numpy()
    return found


def _times(rows: pa.Table, name: str) -> NDArray[np.int64]:
    found: NDArray[np.int64] = rows.column(name).cast(pa.int64()).to_numpy()
    return found

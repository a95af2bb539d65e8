"""Windows of any length, made of hours: contrasts of counts add up."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from shared.hours import Hour
from shared.signals.calibration.looks import Floats, Looks

WEEK: Final = 168
_WELL_FILLED: Final = 0.5
_WEEKS_TOLD: Final = 3


class SummedHour(NamedTuple):
    """One hour: its rows, its contrasts summed over them, and how many had a value; see ``Contrasts.sums``."""

    hour: Hour
    rows: int
    sums: Floats
    values: Floats


class Windows(NamedTuple):
    """Windows, and ``since_monday`` of the first hour after each, shape (looks,)."""

    ends: NDArray[np.int64]
    looks: Looks


@dataclass(frozen=True, slots=True)
class HourSums:
    """Hours of one version, oldest first, those without rows left out.

    Attributes:
        numbers: which hours they are (``Hour.since_monday``), shape (hours,).
        rows: shape (hours,).
        sums: the contrasts summed over their rows, shape (hours, columns).
        values: how many rows had a value, likewise.
    """

    numbers: NDArray[np.int64]
    rows: NDArray[np.int64]
    sums: NDArray[np.float32]
    values: NDArray[np.int32]

    @classmethod
    def of(cls, hours: Sequence[SummedHour], *, columns: int) -> "HourSums":
        """Return hours, which are in their order, with so many contrasts each."""
        return cls(
            np.array([one.hour.since_monday for one in hours], dtype=np.int64),
            np.array([one.rows for one in hours], dtype=np.int64),
            np.array([one.sums for one in hours], dtype=np.float32).reshape(len(hours), columns),
            np.array([one.values for one in hours], dtype=np.int32).reshape(len(hours), columns),
        )

    def windows(self, hours: int, *, end: int = 0, every: int = 1) -> Windows:
        """Return the windows of so many hours that end at the moment ``end`` or a multiple of ``every`` hours from it.

        Those that are not half as full as is usual are left out: what was not recorded.

        Args:
            hours: how many a window has.
            end: ``since_monday`` of the first hour after one of the windows, which need not be among the hours.
            every: how far one look is from the next.
        """
        span = int(self.numbers[-1] - self.numbers[0]) + 1 if len(self.numbers) else 0
        first = int(self.numbers[0]) if span else 0
        count = max(span - hours + 1, 0)
        at = self.numbers - first

        def sliding(values: NDArray[Any]) -> Floats:
            spread = np.zeros((span + 1, values.shape[1]))
            np.add.at(spread, at + 1, values)
            up_to = np.cumsum(spread, axis=0)
            return up_to[hours:] - up_to[:count]

        rows = np.rint(sliding(self.rows[:, None])[:, 0]).astype(np.int64)
        sums, values = sliding(self.sums), np.rint(sliding(self.values))
        ends = first + hours + np.arange(count)
        chosen = _well_filled(rows, slots_of(ends, hours)) & ((ends - end) % every == 0)
        with np.errstate(divide="ignore", invalid="ignore"):
            looks = Looks(
                values=np.where(values > 0, sums / values, np.nan)[chosen],
                filled=(values / rows[:, None])[chosen],
                rows=rows[chosen],
                slots=slots_of(ends, hours)[chosen],
                blocks=(ends // hours)[chosen],
            )
        return Windows(ends[chosen], looks)


def _well_filled(rows: NDArray[np.int64], slots: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return which windows are at least half as full as is usual: of all windows, or at their moment of the week.

    A quiet Sunday is usual, if three Sundays say so.
    """
    if not rows.any():
        return np.zeros(len(rows), dtype=bool)
    needed = np.full(int(slots.max()) + 1, float(np.median(rows[rows > 0])))
    for slot in np.unique(slots):
        of_slot = rows[(slots == slot) & (rows > 0)]
        if len(of_slot) >= _WEEKS_TOLD:
            needed[slot] = min(needed[slot], float(np.median(of_slot)))
    return rows >= np.maximum(_WELL_FILLED * needed[slots], 1.0)


def slots_of(ends: NDArray[np.int64], hours: int) -> NDArray[np.int64]:
    """Return which moment of the week windows end at; longer ones than a week have the whole week in them.

    Args:
        ends: ``since_monday`` of the first hours after the windows.
        hours: how many hours a window has.
    """
    return ends % WEEK if hours < WEEK else np.zeros_like(ends)

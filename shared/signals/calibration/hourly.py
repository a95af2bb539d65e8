"""Windows of any length, made of hours: contrasts of counts add up."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from shared.hours import Hour
from shared.signals.calibration.looks import Floats, Looks

WEEK: Final = 168
_WELL_FILLED: Final = 0.5


class SummedHour(NamedTuple):
    """One hour: its rows, its contrasts summed over them, and how many had a value; see ``Contrasts.sums``."""

    hour: Hour
    rows: int
    sums: Floats
    values: Floats


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
    sums: Floats
    values: Floats

    @classmethod
    def of(cls, hours: Sequence[SummedHour], *, columns: int) -> "HourSums":
        """Return hours, which are in their order, with so many contrasts each."""
        return cls(
            np.array([one.hour.since_monday for one in hours], dtype=np.int64),
            np.array([one.rows for one in hours], dtype=np.int64),
            np.array([one.sums for one in hours], dtype=np.float64).reshape(len(hours), columns),
            np.array([one.values for one in hours], dtype=np.float64).reshape(len(hours), columns),
        )

    def windows(self, hours: int, *, end: int = 0, every: int = 1) -> Looks:
        """Return the windows of so many hours that end at the moment ``end`` or a multiple of ``every`` hours from it.

        Those that are not half as full as is usual are left out: the beginning and the end of what was recorded, and what
        was not recorded in between.

        Args:
            hours: how many a window has.
            end: ``since_monday`` of the first hour after one of the windows, which need not be among the hours.
            every: how far one look is from the next.
        """
        span = int(self.numbers[-1] - self.numbers[0]) + 1 if len(self.numbers) else 0
        if span < hours:
            none = np.empty(0, dtype=np.int64)
            return Looks(self.sums[:0], none, none, none)
        first = int(self.numbers[0])
        at = self.numbers - first

        def sliding(values: Floats) -> Floats:
            spread = np.zeros((span + 1, values.shape[1]))
            np.add.at(spread, at + 1, values)
            up_to = np.cumsum(spread, axis=0)
            return up_to[hours:] - up_to[:-hours]

        rows = np.rint(sliding(self.rows[:, None].astype(np.float64))[:, 0]).astype(np.int64)
        sums, values = sliding(self.sums), np.rint(sliding(self.values))
        ends = first + hours + np.arange(len(rows))
        is_full = rows >= max(_WELL_FILLED * float(np.median(rows[rows > 0])), 1.0)
        with np.errstate(divide="ignore", invalid="ignore"):
            contrasts = np.where(values > 0, sums / values, np.nan)
        chosen = is_full & ((ends - end) % every == 0)
        return Looks(contrasts, rows, slots_of(ends, hours), ends // hours).where(chosen)


def slots_of(ends: NDArray[np.int64], hours: int) -> NDArray[np.int64]:
    """Return which moment of the week windows end at; longer ones than a week have the whole week in them.

    Args:
        ends: ``since_monday`` of the first hours after the windows.
        hours: how many hours a window has.
    """
    return ends % WEEK if hours < WEEK else np.zeros_like(ends)

"""Which hours an account is asked of, and what of partitions is in them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.capture.cursor import Cursor
from shared.capture.gap import Gap
from shared.hours import Hour
from shared.sealing.accounting.account import Booked, PartitionAccount


@dataclass(frozen=True, slots=True)
class Asked:
    """What to draw up: the hours from ``start`` up to ``end``, which is not among them; None is all there is."""

    start: Hour | None = None
    end: Hour | None = None
    is_deep: bool = False

    def has(self, hour: Hour) -> bool:
        """Whether an hour is among them."""
        return hour.is_within(self.start, self.end)

    def touches(self, gap: Gap, partitions: Sequence[PartitionAccount]) -> bool:
        """Whether numbers of a gap are among those asked for, as ``partitions`` say which those are.

        One that was found above the cursor, which has not passed it yet, is among them where they have no end.
        """
        if self.start is None and self.end is None:
            return True
        return any(
            (one.incarnation, one.partition) == (gap.incarnation, gap.partition)
            and one.first <= gap.last
            and (self.end is None or gap.first <= one.last)
            for one in partitions
        )


def dates_of(asked: Asked, now: datetime) -> list[str] | None:
    """Return the dates of what was asked for, up to tomorrow's, since the hub has a clock of its own; None for all."""
    if asked.start is None:
        return None
    last = asked.end.plus(-1).start if asked.end is not None else now + timedelta(days=1)
    days = (last.date() - asked.start.start.date()).days
    return [f"{asked.start.start + timedelta(days=day):%Y-%m-%d}" for day in range(days + 1)]


def begins_in(booked: Sequence[Booked], cursor: Cursor | None) -> bool:
    """Whether the first number that was captured of a partition is among what was found."""
    return cursor is not None and min(one.tally.first for one in booked) <= cursor.first


def is_sought(cursor: Cursor, asked: Asked, *, before: bool) -> bool:
    """Whether a partition has events past a border of the hours asked for, as its cursor says.

    ``before`` means their beginning: it has some in these hours or after them, so that its last number before them is
    worth a search. Otherwise it is their end, and its first number after them.
    """
    if cursor.enqueued_at is None:
        return False
    border = asked.start if before else asked.end
    return border is None or Hour.containing(cursor.enqueued_at) >= border

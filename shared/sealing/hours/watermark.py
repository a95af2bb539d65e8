"""Which hours can be sealed: those that nothing can be added to by a capture that works."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.capture.cursor import Cursor
from shared.capture.hub import Partition
from shared.documents import Document
from shared.hours import Hour

WATERMARK_PATH = "captures/watermark.json"


class Watermark(Document, frozen=True, kw_only=True):
    """Everything before the hour ``before`` is sealed: a window without rows before it is empty, after it unknown."""

    before: str

    @property
    def hour(self) -> Hour:
        """Return the first hour that is not known to be sealed."""
        return Hour.parse(self.before)


@dataclass(frozen=True, slots=True)
class Progress:
    """One partition: what the hub has of it, and how far it was captured (None: nothing of it was)."""

    partition: Partition
    cursor: Cursor | None

    @property
    def caught_up(self) -> bool:
        """Whether the hub has nothing that was not captured."""
        if self.partition.last_sequence < 0 or self.partition.is_empty:
            return True
        return self.cursor is not None and self.cursor.sequence >= self.partition.last_sequence


def sealable_before(partitions: Iterable[Progress], *, now: datetime, grace: timedelta) -> Hour | None:
    """Return the hour before which every hour can be sealed; None when some partition was never captured.

    A partition's times never run backwards, so nothing more comes before the hour its cursor stands in. One that is
    caught up holds nothing back either once ``grace`` has passed since an hour's end: that long an event may take from
    getting its time to being seen.

    Args:
        partitions: of the live incarnation, of which there is at least one; what the hub says must have been asked after
            ``now`` was read.
        now: calendar time.
        grace: how long after an hour's end it may still be added to.
    """
    limits = [_sealable_before(progress, now=now, grace=grace) for progress in partitions]
    known = [limit for limit in limits if limit is not None]
    return min(known) if len(known) == len(limits) else None


def _sealable_before(progress: Progress, *, now: datetime, grace: timedelta) -> Hour | None:
    reached: list[Hour] = []
    if progress.caught_up:
        reached.append(Hour.containing(now - grace))
    if progress.cursor is not None and progress.cursor.enqueued_at is not None:
        reached.append(Hour.containing(progress.cursor.enqueued_at))
    return max(reached, default=None)

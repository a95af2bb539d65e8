"""Whether what turned out was known when it was asked for, or is known only from the future."""

from collections.abc import Iterable
from datetime import datetime
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from shared.datasets.checks.judgement import Found, failed, ok, percent, unknown, worst
from shared.datasets.manifest import Check
from shared.sealing.tables.columns import TIME

NAME: Final = "known_before"
COLUMNS: Final = ("_id", "_at", "_actual_at", "_actual_enqueued_at")


def check(rows: Iterable[pa.Table], as_of: datetime | None, *, tolerated: float) -> Check:
    """Return whether too many actuals had happened before they were asked for, or one was not known yet at ``as_of``.

    Rows without an actual, or without its time, count for nothing.

    Args:
        rows: ``COLUMNS``, bit by bit; times as such, or as microseconds since 1970.
        as_of: what was enqueued from then on is from the future.
        tolerated: the share of rows whose actual may have happened before.
    """
    timed, before, future = 0, Found(), Found()
    for some in rows:
        at, happened, enqueued = (some[name].cast(TIME) for name in COLUMNS[1:])
        timed += pc.sum(pc.and_(at.is_valid(), happened.is_valid())).as_py() or 0
        before.add(some, pc.less(happened, at))
        if as_of is not None:
            future.add(some, pc.greater_equal(enqueued, pa.scalar(as_of, TIME)))
    found = [_said_of_before(timed, before, tolerated)]
    if as_of is not None and future.rows:
        reason = f"{future.rows:,} rows have an actual that was not known before {as_of:%Y-%m-%dT%H:%M:%SZ} (as_of)"
        found.append(failed(NAME, reason, mend="set as_of to when it was", rows=future.ids))
    return worst(found)


def _said_of_before(timed: int, before: Found, tolerated: float) -> Check:
    if not timed:
        return unknown(NAME, "no row has the time of what turned out")
    share = before.rows / timed
    reason = (
        f"{before.rows:,} of {timed:,} rows ({percent(share)}) were asked after what they ask for had happened, "
        "so that a feature may have arrived after it"
    )
    if share <= tolerated:
        return ok(NAME, reason)
    mend = (
        f"{percent(tolerated)} is tolerated (tolerances.{NAME}); leave those rows out by exclude.hours or segments, "
        "or correct the times that actuals are sent with"
    )
    return failed(NAME, reason, mend=mend, rows=before.ids)

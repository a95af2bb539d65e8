"""Whether what turned out was known when it was asked for.

What was known only after ``as_of`` never comes so far: the account of the rows says so of each (``actual_after_as_of``).
"""

from collections.abc import Iterable
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from shared.datasets.checks.judgement import Found, failed, ok, percent, unknown
from shared.datasets.manifest import Check
from shared.sealing.tables.columns import TIME

NAME: Final = "known_before"
COLUMNS: Final = ("_id", "_at", "_actual_at")


def check(rows: Iterable[pa.Table], *, tolerated: float) -> Check:
    """Return whether too many actuals had happened before they were asked for.

    Rows without an actual, or without its time, count for nothing.

    Args:
        rows: ``COLUMNS``, bit by bit; times as such, or as microseconds since 1970.
        tolerated: the share of rows whose actual may have happened before.
    """
    timed, before = 0, Found()
    for some in rows:
        at, happened = (some[name].cast(TIME) for name in COLUMNS[1:])
        timed += pc.sum(pc.and_(at.is_valid(), happened.is_valid())).as_py() or 0
        before.add(some, pc.less(happened, at))
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

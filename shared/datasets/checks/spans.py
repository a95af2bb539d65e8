"""Rows that no part could take, because they belong together and lie on both sides of a bound."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from shared.datasets.checks.judgement import ok, percent, warned
from shared.datasets.keys import keys
from shared.datasets.manifest import Check, DatasetManifest
from shared.datasets.reasons import SPANS_SPLIT
from shared.datasets.splitting import MOMENTS_US

NAME: Final = SPANS_SPLIT

_REQUEST: Final = "_request_id"
_AT: Final = "_at"
_LIMITS: Final = np.iinfo(np.int64)
_FEW: Final = 0.05
"""At a bound some always do; of more than this share of the rows a cause is looked for."""


def check(ordered: Sequence[Path], made: DatasetManifest) -> Check:
    """Return how many were left out, and of many what holds them together: one request id may stand for most of them.

    Args:
        ordered: files of all rows that were chosen, with ``_request_id`` and ``_at``.
        made: says how many of them were left out.
    """
    left_out = made.excluded.get(SPANS_SPLIT, 0)
    whole = left_out + sum(made.rows.values())
    share = left_out / whole if whole else 0.0
    reason = f"{left_out:,} of {whole:,} rows ({percent(share)}) belong with rows of another part, and were left out"
    if share <= _FEW:
        return ok(NAME, reason)
    name, rows = _commonest_lasting(ordered)
    if 2 * rows > left_out:
        cause = f"one request id stands for {rows:,} rows ({name!r}): have callers send another X-Request-ID with each request"
    elif made.recipe.split.group is not None:
        cause = f"split.group ({made.recipe.split.group}) keeps rows of all times together: split.by: group takes them whole"
    else:
        cause = "their requests last for more than an hour: have callers send another X-Request-ID with each request"
    return warned(NAME, f"{reason}; {cause}")


def _commonest_lasting(ordered: Sequence[Path]) -> tuple[str | None, int]:
    """Return the request that most rows are of, of those that last for longer than an hour, and how many those are.

    A request that does not is taken whole, however many rows it has.
    """
    found, times = [np.zeros(0, dtype=np.uint64)], [np.zeros(0, dtype=np.int64)]
    for path in ordered:
        rows = _requested(path)
        found.append(keys(rows[_REQUEST]))
        times.append(rows[_AT].cast(pa.int64()).to_numpy())
    values, places, counts = np.unique(np.concatenate(found), return_inverse=True, return_counts=True)
    began, ended = (np.full(len(values), end, dtype=np.int64) for end in (_LIMITS.max, _LIMITS.min))
    np.minimum.at(began, places, np.concatenate(times))
    np.maximum.at(ended, places, np.concatenate(times))
    lasting = np.where(ended - MOMENTS_US > began, counts, 0)
    if not lasting.any():
        return None, 0
    commonest = values[lasting.argmax()]
    for path in ordered:
        requests = _requested(path)[_REQUEST]
        here = np.flatnonzero(keys(requests) == commonest)
        if len(here):
            name: str = requests[int(here[0])].as_py()
            return name, int(lasting.max())
    return None, 0


def _requested(path: Path) -> pa.Table:
    """Return request and time of the rows that were captured."""
    rows = pq.read_table(path, columns=[_REQUEST, _AT])
    return rows.filter(rows[_REQUEST].is_valid())

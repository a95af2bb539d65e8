"""What training and the rows it is tried on have in common, and should not."""

from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from shared.datasets import fingerprints
from shared.datasets.checks.judgement import MOST_IDS, failed, ok, percent, refused, unknown, warned, worst
from shared.datasets.columns import GROUP
from shared.datasets.files import DatasetFiles
from shared.datasets.fingerprints import is_null
from shared.datasets.keys import Keys
from shared.datasets.manifest import TRAIN, Check
from shared.datasets.recipe import Split

NAME: Final = "overlap"

_EXTERNAL: Final = "_external_id"
_REQUEST: Final = "_request_id"


def check(
    files: DatasetFiles, names: Sequence[str], split: Split, groups: Iterable[pa.Table], *, tolerated: float
) -> Check:
    """Return whether validation and test hold something of training.

    A request or a group that does is refused whatever is tolerated, external ids where they are too many, and rows that
    have all features and the actual in common are told.

    Args:
        files: the parts.
        names: of the features and the actual.
        split: how they were made.
        groups: ``_id`` and ``_group`` of the rows, bit by bit, which a dataset need not keep; nothing where the split goes
            by none.
        tolerated: the share of rows whose external id is in training as well.
    """
    held_out = [one for one in files.splits if one != TRAIN and files.rows_by_split[one]]
    if not held_out or not files.rows_by_split.get(TRAIN):
        return unknown(NAME, "there are no rows in training, or none beside it")
    of_requests = _shared(files, held_out, [_REQUEST])
    found = [
        *_refused(files, held_out, of_requests, "request", mend="rows of one request go together"),
        *_refused_groups(files, held_out, split, groups),
        _external_ids(files, held_out, tolerated),
        _values(files, held_out, names, tolerated),
    ]
    return worst(found)


def _refused(
    files: DatasetFiles, held_out: Sequence[str], shared: NDArray[np.bool_], what: str, *, mend: str
) -> list[Check]:
    if not shared.any():
        return []
    reason = f"{int(shared.sum()):,} rows of {_and(held_out)} are of a {what} that has rows in training as well"
    whole = f"this is a fault of the build, for {mend}: build it again, and report it"
    return [refused(NAME, reason, mend=whole, rows=_ids(files, held_out, shared))]


def _refused_groups(
    files: DatasetFiles, held_out: Sequence[str], split: Split, groups: Iterable[pa.Table]
) -> list[Check]:
    if split.group is None:
        return []
    pieces = [
        (fingerprints.of_rows(some.select(["_id"])), fingerprints.fingerprints(some[GROUP]), ~is_null(some[GROUP]))
        for some in groups
    ]
    ids, values, has_group = (np.concatenate(one) for one in zip(*pieces, strict=True))
    ours, theirs = (
        fingerprints.places(fingerprints.of_parts(files, ["_id"], splits=some), ids) for some in (held_out, [TRAIN])
    )
    shared = has_group[ours] & (fingerprints.places(values[ours], values[theirs][has_group[theirs]]) >= 0)
    return _refused(files, held_out, shared, f"group ({split.group})", mend="split.group keeps them together")


def _external_ids(files: DatasetFiles, held_out: Sequence[str], tolerated: float) -> Check:
    shared = _shared(files, held_out, [_EXTERNAL])
    share = int(shared.sum()) / len(shared)
    reason = (
        f"{int(shared.sum()):,} of {len(shared):,} rows of {_and(held_out)} ({percent(share)}) have an external id that "
        "has rows in training as well"
    )
    if share <= tolerated:
        return ok(NAME, reason)
    mend = f"{percent(tolerated)} is tolerated (tolerances.{NAME}); keep them together by split.group: {_EXTERNAL}"
    return failed(NAME, reason, mend=mend, rows=_ids(files, held_out, shared))


def _values(files: DatasetFiles, held_out: Sequence[str], names: Sequence[str], tolerated: float) -> Check:
    shared = _shared(files, held_out, names)
    share = int(shared.sum()) / len(shared)
    reason = (
        f"{int(shared.sum()):,} of {len(shared):,} rows of {_and(held_out)} ({percent(share)}) have all features and the "
        "actual in common with a row of training"
    )
    if share <= tolerated:
        return ok(NAME, reason)
    return warned(NAME, reason, rows=_ids(files, held_out, shared))


def _shared(files: DatasetFiles, held_out: Sequence[str], names: Sequence[str]) -> NDArray[np.bool_]:
    """Return of each row that is held out whether training has one with the same values, shape (rows held out,).

    A row without any of them has nothing in common with another one.
    """
    ours: list[Keys] = []
    has_value: list[NDArray[np.bool_]] = []
    for batch in files.batches(names, splits=held_out):
        ours.append(fingerprints.of_rows(batch))
        has_value.append(np.logical_or.reduce([~is_null(column) for column in batch.columns]))
    known = fingerprints.of_parts(files, names, splits=[TRAIN])
    shared: NDArray[np.bool_] = (fingerprints.places(np.concatenate(ours), known) >= 0) & np.concatenate(has_value)
    return shared


def _ids(files: DatasetFiles, held_out: Sequence[str], shared: NDArray[np.bool_]) -> list[str]:
    ids: list[str] = []
    start = 0
    for batch in files.batches(["_id"], splits=held_out):
        here = np.flatnonzero(shared[start : start + len(batch)])[: MOST_IDS - len(ids)]
        ids += pc.take(batch["_id"], here.tolist()).to_pylist() if len(here) else []
        start += len(batch)
        if len(ids) == MOST_IDS:
            break
    return ids


def _and(splits: Sequence[str]) -> str:
    return " and ".join(splits)

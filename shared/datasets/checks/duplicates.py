"""Rows that are in a dataset more than once."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from shared.datasets import fingerprints
from shared.datasets.checks.judgement import MOST_IDS, failed, ok, percent, refused, unknown, worst
from shared.datasets.files import DatasetFiles
from shared.datasets.manifest import Check

NAME: Final = "duplicates"


def check(files: DatasetFiles, names: Sequence[str], *, tolerated: float) -> Check:
    """Return whether too many rows have all features and the actual (``names``) in common, or any two have one id."""
    if not files.rows:
        return unknown(NAME, "there are no rows")
    return worst([*_check_ids(files), _check_values(files, names, tolerated)])


def _check_ids(files: DatasetFiles) -> list[Check]:
    twice = fingerprints.repeated(fingerprints.of_parts(files, ["_id"]))
    if not twice.any():
        return []
    rows = dict.fromkeys(files.ids(np.flatnonzero(twice)[: 2 * MOST_IDS].tolist()))
    reason = f"{int(twice.sum()):,} rows share their _id with another one, and an id is of one row"
    return [refused(NAME, reason, mend="run `python manage.py verify` on what was captured", rows=list(rows))]


def _check_values(files: DatasetFiles, names: Sequence[str], tolerated: float) -> Check:
    alike = fingerprints.repeated(fingerprints.of_parts(files, names))
    count = int(alike.sum())
    share = count / files.rows
    reason = f"{count:,} of {files.rows:,} rows ({percent(share)}) have all features and the actual in common with another one"
    if share <= tolerated:
        return ok(NAME, reason)
    mend = (
        f"{percent(tolerated)} is tolerated (tolerances.{NAME}); keep more features, or see who sends the same row again "
        "and leave it out by segments or exclude.hours"
    )
    return failed(NAME, reason, mend=mend, rows=files.ids(np.flatnonzero(alike)[:MOST_IDS].tolist()))

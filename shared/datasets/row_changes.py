"""Which rows two datasets do not have in common, and how those differ that are in both.

Every value is 64 bits, and one column is looked at at a time: 60 bytes or so a row in all, however many columns there are.
"""

from collections.abc import Callable
from typing import Final

import numpy as np

from shared.datasets import fingerprints
from shared.datasets.difference import Ids, RowChanges
from shared.datasets.files import DatasetFiles

MOST_IDS: Final = 20


def row_changes(before: DatasetFiles, now: DatasetFiles, *, told: Callable[[str], None]) -> RowChanges:
    """Return how the rows of ``now`` differ from those of ``before``; ``told`` hears of each column that was compared."""
    found = fingerprints.places(fingerprints.of_parts(before, ["_id"]), fingerprints.of_parts(now, ["_id"]))
    in_both = found >= 0
    places = found[in_both]
    is_new = np.ones(now.rows, dtype=np.bool_)
    is_new[places] = False
    is_changed = np.zeros(len(places), dtype=np.bool_)
    columns: dict[str, int] = {}
    for name, of in before.types.items():
        if name == "_id" or now.types.get(name) != of:
            continue
        differs = fingerprints.of_parts(before, [name])[in_both] != fingerprints.of_parts(now, [name])[places]
        if differs.any():
            columns[name] = int(differs.sum())
            is_changed |= differs
        told(name)
    changed = np.flatnonzero(in_both)[is_changed]
    return RowChanges(
        added=_ids(now, np.flatnonzero(is_new)),
        removed=_ids(before, np.flatnonzero(~in_both)),
        changed=_ids(before, changed),
        columns=columns,
        same=len(places) - len(changed),
    )


def _ids(files: DatasetFiles, places: fingerprints.Places) -> Ids:
    return Ids(rows=len(places), ids=files.ids(places[:MOST_IDS].tolist()))

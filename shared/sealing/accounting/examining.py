"""Examine the bytes of a rows file: are they what its manifest says, in order, and every id once?"""

import hashlib
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from shared.sealing.accounting.numbers import Numbers
from shared.sealing.hours.failures import counted
from shared.sealing.hours.hour import DAMAGED, Generation, read
from shared.sealing.hours.tally import merged, tally
from shared.sealing.tables.packed import pack

Ids: TypeAlias = NDArray[np.bytes_]


@dataclass(slots=True)
class Examined:
    """What was found in a rows file.

    Attributes:
        problems: what is wrong with it.
        ids: sorted, sixteen bytes each.
        numbers: the sequence numbers of its rows, each once, by partition.
        has_all_numbers: whether these are all that its generation was made from: no record was left out, and it is of one
            incarnation.
    """

    problems: list[str] = field(default_factory=list)
    ids: Ids = field(default_factory=lambda: np.empty(0, "S16"))
    numbers: dict[int, Numbers] = field(default_factory=dict)
    has_all_numbers: bool = False


def examine(data: bytes, generation: Generation, lines: int | None) -> Examined:
    """Compare a rows file with its manifest; ``lines`` is how many its logs had, None where they are gone."""
    found = Examined()
    about = generation.footer
    if hashlib.sha256(data).hexdigest() != generation.sha256:
        found.problems.append("it has another SHA-256 than its manifest says")
        return found  # no byte of it says anything any more
    try:
        rows, footer = read(data)
    except DAMAGED as error:
        found.problems.append(f"it cannot be read: {error}")
        return found
    if footer != about:
        found.problems.append("what it says of itself is not what its manifest says")
    if rows.num_rows != about.rows:
        found.problems.append(f"it has {rows.num_rows} rows, and its manifest says {about.rows}")
    if about.failures is not None and {"code", "feature"} <= set(rows.column_names) and counted(rows) != about.failures:
        found.problems.append("its rows failed in other ways than it says")
    records = about.rows - about.imported + about.doubles + about.unreadable + about.erased
    if lines is not None and lines != records:
        found.problems.append(f"its logs have {lines} records, and it accounts for {records}")
    if "_id" in rows.column_names:
        try:
            found.ids = np.sort(pack(rows.column("_id")).astype(">u8").view("S16").ravel())
        except ValueError as error:
            found.problems.append(f"an id in it is none: {error}")
        twice = int((found.ids[1:] == found.ids[:-1]).sum())
        if twice:
            found.problems.append(f"{twice} ids stand in it more than once")
    _examine_places(rows, generation, found)
    return found


def _examine_places(rows: pa.Table, generation: Generation, found: Examined) -> None:
    about = generation.footer
    if about.imported or not {"_partition", "_sequence", "_index"} <= set(rows.column_names):
        return
    partitions, sequences, indices = (
        rows.column(name).to_numpy().astype(np.int64) for name in ("_partition", "_sequence", "_index")
    )
    lives = {one.incarnation for one in about.account}
    later = np.diff(partitions), np.diff(sequences), np.diff(indices)
    falls = (later[0] < 0) | ((later[0] == 0) & ((later[1] < 0) | ((later[1] == 0) & (later[2] <= 0))))
    # Numbers begin again with each incarnation, which rows do not name: so often they may fall within a partition.
    if int(falls.sum()) > (len(lives) - 1) * len({one.partition for one in about.account}) or (later[0] < 0).any():
        found.problems.append("its rows are not in the order of partition, incarnation, sequence and index")
    if "part" in rows.column_names:  # of dead letters, whose events are counted where the rest of them is
        is_whole = ~rows.column("part").to_numpy()
        partitions, sequences = partitions[is_whole], sequences[is_whole]
    for partition in np.unique(partitions).tolist():
        found.numbers[partition] = np.unique(sequences[partitions == partition])
    found.has_all_numbers = not (about.doubles or about.unreadable or about.erased) and len(lives) == 1
    if found.has_all_numbers:
        (life,) = lives
        counted = (tally(life, partition, some.tolist()) for partition, some in found.numbers.items())
        if merged(one for one in counted if one is not None) != merged(about.account):
            found.problems.append("the numbers of its rows are not what its account adds up to")
            found.has_all_numbers = False


@dataclass(slots=True)
class Doubled:
    """Compares the ids of files that come in the order of their lowest id; only files that overlap are kept."""

    _near: list[tuple[str, Ids]] = field(default_factory=list)

    def add(self, path: str, ids: Ids) -> str | None:
        """Take the sorted ids of the next file, and say which of them were in one before."""
        if not len(ids):
            return None
        self._near = [(near, theirs) for near, theirs in self._near if theirs[-1] >= ids[0]]
        said = None
        for near, theirs in self._near:
            common = int(np.isin(ids, theirs, assume_unique=False).sum())
            if common:
                said = f"{common} of its ids are in {near} as well"
        self._near.append((path, ids))
        return said

"""How many rows of each stratum are taken, and up to which key: one mechanism for every rule.

A rule says which stratum a row is in (``expressions``) and how many rows each stratum gets. In each the rows with the smallest
keys are taken, and a key is a hash of the row's id: so every engine takes the same rows, whatever the order it reads them in.
"""

import heapq
import itertools
import math
from collections.abc import Mapping
from fractions import Fraction
from typing import Final

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from shared.datasets.recipe import Sample, Sampling
from shared.documents import Document
from shared.errors import InvalidRecipe

MILLION: Final = 10**6
PREFIX: Final = 3
"""So many hexadecimal digits of a key are counted by."""

HIGHEST_LEVEL: Final = 8
LEVEL_WEIGHTS: Final = (1000, 1414, 2000, 2828, 4000, 5657, 8000, 11314, 16000)
"""By level: ``round(1000 * 2 ** (level / 2))``, how much a row of it is preferred by a drift-aware sample."""

CLASSES: Final = 10
"""Of certainty: 0 is the least certain."""

MOST_STRATA: Final = 10_000
"""Of a stratified sample; from more each gets so few rows that a uniform one says as much."""

_SCOUTED: Final = 200_000
_PREFIXES: Final = 16**PREFIX
_FINE: Final = 2**40


class Cut(msgspec.Struct, frozen=True, kw_only=True):
    """What is taken of one stratum.

    Attributes:
        rows: that it has.
        chosen: of them, those with the smallest keys.
        key: the last key that is taken; None where all are.
        ppm: how many rows each that is taken stands for, in millionths.
    """

    rows: int
    chosen: int
    key: str | None
    ppm: int


class Cuts(Document, frozen=True, kw_only=True):
    """What is taken of each stratum; one that is not named here gives nothing."""

    strata: dict[str, Cut]

    @property
    def chosen(self) -> int:
        """Return how many rows are taken."""
        return sum(one.chosen for one in self.strata.values())

    @property
    def last(self) -> str | None:
        """Return the last key that is taken of any stratum; None where one is taken whole."""
        keys = [one.key for one in self.strata.values()]
        known = [key for key in keys if key is not None]
        return max(known, default=None) if len(known) == len(keys) else None

    def rows(self) -> pa.Table:
        """Return the cuts as rows: ``_stratum``, ``_cut`` and ``_ppm``."""
        cuts = self.strata.values()
        return pa.table(
            {
                "_stratum": pa.array(list(self.strata), pa.string()),
                "_cut": pa.array([one.key for one in cuts], pa.string()),
                "_ppm": pa.array([one.ppm for one in cuts], pa.int64()),
            }
        )


class Border(msgspec.Struct, frozen=True, kw_only=True):
    """Where the last row that is taken of a stratum lies: among the keys that begin so, ``below`` of which none is left."""

    prefix: str
    below: int


def refuse_many_strata(counts: pa.Table, sample: Sample | None) -> None:
    """See that counts (``expressions.counted``) are of no more strata than can be gone through.

    Raises:
        InvalidRecipe: they are of more.
    """
    strata = pc.count_distinct(counts.column("_stratum").filter(pc.is_null(counts.column("_reason")))).as_py()
    if sample is not None and strata > MOST_STRATA:
        raise InvalidRecipe(
            f"sample.strata: {' and '.join(sample.strata)} come in {strata:,} combinations of values or more, and "
            f"{MOST_STRATA:,} are the most: name features that have fewer values, or sample by uniform"
        )


def totals(counts: pa.Table) -> dict[str, int]:
    """Return the rows that could be taken of each stratum, from the counts of all days (``expressions.counted``)."""
    return _summed(counts.filter(pc.is_null(counts.column("_reason"))), "_stratum")


def excluded(counts: pa.Table) -> dict[str, int]:
    """Return the rows that are left out by each reason, likewise."""
    return _summed(counts.filter(pc.is_valid(counts.column("_reason"))), "_reason")


def allot(rows: Mapping[str, int], sample: Sample | None) -> dict[str, int]:
    """Return how many rows of each stratum are taken.

    They are never more than ``sample.rows`` together, and all that there are where those are fewer. One row more never
    leaves a stratum with one less. A stratum that has rows gets one at least by the rules that divide (uniform, stratified,
    drift-aware), as long as there are no more strata than rows: what is estimated from them with ``Cut.ppm`` is unbiased.

    Args:
        rows: of each stratum, at least one.
        sample: what is wanted; None takes all.
    """
    if sample is None or sum(rows.values()) <= sample.rows:
        return dict(rows)
    match sample.by:
        case Sampling.RECENT_FIRST:
            return _in_turn({stratum: rows[stratum] for stratum in sorted(rows, reverse=True)}, sample.rows)
        case Sampling.UNCERTAINTY_FIRST:
            return _in_turn({stratum: rows[stratum] for stratum in sorted(rows)}, sample.rows)
        case Sampling.DRIFT_AWARE:
            claims = {stratum: size * LEVEL_WEIGHTS[int(stratum)] for stratum, size in rows.items()}
            return _divided(rows, claims, sample.rows)
        case Sampling.UNIFORM | Sampling.STRATIFIED:
            return _divided(rows, dict.fromkeys(rows, 1), sample.rows)


def borders(counts: pa.Table, allotted: Mapping[str, int]) -> dict[str, Border]:
    """Return where the last taken row lies of each stratum that some are taken of, and not all.

    Args:
        counts: of all days.
        allotted: as ``allot`` says.
    """
    taken = counts.filter(pc.is_null(counts.column("_reason"))).group_by(["_stratum", "_prefix"])
    summed = taken.aggregate([("rows", "sum")]).sort_by([("_stratum", "ascending"), ("_prefix", "ascending")])
    strata = np.array(summed.column("_stratum").to_pylist(), dtype=object)
    prefixes = summed.column("_prefix")
    ends = np.cumsum(summed.column("rows_sum").to_numpy())
    first = np.flatnonzero(np.append(True, strata[1:] != strata[:-1])[: len(strata)])
    found: dict[str, Border] = {}
    for start, end in itertools.pairwise([*first.tolist(), len(strata)]):
        before = int(ends[start - 1]) if start else 0
        wanted = allotted.get(strata[start], 0)
        if not 0 < wanted < int(ends[end - 1]) - before:
            continue
        place = start + int(np.searchsorted(ends[start:end], before + wanted))
        below = int(ends[place - 1]) - before if place > start else 0
        found[strata[start]] = Border(prefix=prefixes[place].as_py(), below=below)
    return found


def border_rows(borders: Mapping[str, Border]) -> pa.Table:
    """Return borders as rows: ``_stratum`` and ``_prefix``."""
    return pa.table(
        {
            "_stratum": pa.array(list(borders), pa.string()),
            "_prefix": pa.array([one.prefix for one in borders.values()], pa.string()),
        }
    )


def cuts(
    sample: Sample, rows: Mapping[str, int], allotted: Mapping[str, int], borders: Mapping[str, Border], keys: pa.Table
) -> Cuts:
    """Return what is taken of each stratum.

    Args:
        sample: what is wanted.
        rows: of each stratum.
        allotted: as ``allot`` says.
        borders: as ``borders`` says.
        keys: ``_stratum`` and ``_key`` of every row at a border, of all days, in any order.
    """
    at_border: dict[str, list[str]] = {stratum: [] for stratum in borders}
    for stratum, key in zip(keys.column("_stratum").to_pylist(), keys.column("_key").to_pylist(), strict=True):
        at_border[stratum].append(key)
    found: dict[str, Cut] = {}
    for stratum, chosen in sorted(allotted.items()):
        if not chosen:
            continue
        border = borders.get(stratum)
        last = None if border is None else sorted(at_border[stratum])[chosen - border.below - 1]
        found[stratum] = Cut(rows=rows[stratum], chosen=chosen, key=last, ppm=_ppm(sample.by, rows[stratum], chosen))
    return Cuts(strata=found)


def scouted_from(rows: int) -> str:
    """Return from which prefix on keys are scouted, so that some 200,000 of so many rows are.

    They are the largest keys: what a sample takes, which are the smallest, has then no part in how it is drawn.

    >>> scouted_from(1000), scouted_from(100_000_000)
    ('000', 'ff7')
    """
    wanted = math.ceil(_PREFIXES * _SCOUTED / max(rows, _SCOUTED))
    return f"{_PREFIXES - wanted:0{PREFIX}x}"


def _ppm(by: Sampling, rows: int, chosen: int) -> int:
    """Return how many rows one stands for in millionths, halves to the even; what is taken first stands for itself alone."""
    if by in {Sampling.RECENT_FIRST, Sampling.UNCERTAINTY_FIRST}:
        return MILLION
    return round(Fraction(rows * MILLION, chosen))


def _in_turn(rows: Mapping[str, int], wanted: int) -> dict[str, int]:
    left = wanted
    found: dict[str, int] = {}
    for stratum, size in rows.items():
        found[stratum] = min(size, left)
        left -= found[stratum]
    return found


def _divided(rows: Mapping[str, int], claims: Mapping[str, int], wanted: int) -> dict[str, int]:
    """Divide fewer rows than there are in proportion to claims, none more than it has, by the method of Adams.

    One row after the other goes to the stratum whose claim is the greatest for each that it would then have been given:
    claim / n, where it has n; so that the first goes to each before any gets a second. Equal ones: the first by name.
    Steps of that are skipped by looking for the divisor that takes most of them.

    Source:
        Balinski and Young, "Fair Representation" (1982).
    """
    strata = sorted(rows)

    def divided(by: int) -> dict[str, int]:
        return {one: min(rows[one], -(-claims[one] * by // _FINE)) for one in strata}

    low, high = 0, _FINE * max(-(-rows[one] // claims[one]) for one in strata)
    while high - low > 1:
        middle = (low + high) // 2
        if sum(divided(middle).values()) <= wanted:
            low = middle
        else:
            high = middle
    found = divided(low)
    waiting = [(_turn(claims[one], found[one]), one) for one in strata if found[one] < rows[one]]
    heapq.heapify(waiting)
    for _ in range(wanted - sum(found.values())):
        _, one = heapq.heappop(waiting)
        found[one] += 1
        if found[one] < rows[one]:
            heapq.heappush(waiting, (_turn(claims[one], found[one]), one))
    return found


def _turn(claim: int, given: int) -> tuple[bool, Fraction]:
    """Return what sorts by whose turn it is: those that were given nothing, then the greatest claim for each given."""
    return given > 0, Fraction(-claim, max(given, 1))


def _summed(counts: pa.Table, by: str) -> dict[str, int]:
    summed = counts.group_by(by).aggregate([("rows", "sum")]).sort_by(by)
    return dict(zip(summed.column(by).to_pylist(), summed.column("rows_sum").to_pylist(), strict=True))

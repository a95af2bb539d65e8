"""Whether one feature alone tells the actual, as only a copy of it does."""

from collections.abc import Iterable
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from shared.datasets.checks.judgement import failed, ok, unknown
from shared.datasets.checks.ranks import Floats, Telling, middle_ranks
from shared.datasets.checks.telling import LEAST_ROWS, Classes, Feature, Numbers, telling
from shared.datasets.keys import keys, mixed
from shared.datasets.manifest import Check
from shared.profiles.columns import floats, indexed
from shared.registry.manifest import Task

NAME: Final = "told_by_feature"

_MOST_CLASSES: Final = 30
"""Those that come less often are one."""


def check(sample: pa.Table, features: Iterable[str], actual: str, task: Task, *, tolerated: float) -> Check:
    """Return which features tell the actual better than is tolerated, by rows that stand for all."""
    rows = sample.filter(sample[actual].is_valid())
    told = _classes(rows, actual) if task is Task.CLASSIFICATION else Numbers(ranks=middle_ranks(floats(rows, actual)))
    if len(rows) < LEAST_ROWS or not told.judged():
        return unknown(NAME, f"{len(rows):,} rows have an actual, and there is too little in them to tell apart")
    halves = _halves(rows)
    found = {name: telling(_feature(rows, name), told, halves) for name in features}
    if not found:
        return unknown(NAME, "there are no features")
    return _judged(found, rows, tolerated)


def _judged(found: dict[str, Telling], rows: pa.Table, tolerated: float) -> Check:
    # from more than two standard errors above what is tolerated on: chance does not refuse a dataset
    telling_all = sorted(
        (name for name in found if found[name].surely > tolerated), key=lambda name: -found[name].value
    )
    if not telling_all:
        most = max(found, key=lambda name: found[name].value)
        return ok(
            NAME, f"no feature tells the actual alone; {most!r} tells most of it, {max(found[most].value, 0.0):.3f}"
        )
    named = ", ".join(f"{name!r} ({found[name].value:.3f})" for name in telling_all)
    mend = (
        f"{tolerated:g} is tolerated (tolerances.{NAME}), from 0 (as chance) to 1 (always); leave out by features what is a "
        "copy of the actual, or was filled in after it"
    )
    first = rows.filter(rows[telling_all[0]].is_valid())["_id"].slice(0, 20).to_pylist()
    return failed(NAME, f"the actual is told by {named} alone", mend=mend, rows=first)


def _classes(rows: pa.Table, actual: str) -> Classes:
    column = rows[actual] if pa.types.is_string(rows[actual].type) else rows[actual].cast(pa.string())
    which, _ = indexed(pa.table({actual: column}), actual)
    counts = np.bincount(which)
    by_count = np.argsort(-counts, kind="stable")
    places = np.empty(len(counts), dtype=np.int64)
    places[by_count] = np.minimum(np.arange(len(counts)), _MOST_CLASSES)
    return Classes(which=places[which], count=min(len(counts), _MOST_CLASSES + 1))


def _feature(rows: pa.Table, name: str) -> Feature:
    of = rows.schema.field(name).type
    if not (pa.types.is_string(of) or pa.types.is_boolean(of)):
        return Feature(numbers=floats(rows, name))
    codes, values = indexed(rows, name)
    return Feature(codes=codes, numbers=_as_numbers(codes, values))


def _as_numbers(codes: NDArray[np.int64], values: list[str]) -> Floats | None:
    """Return what texts say as numbers, NaN where there is none; None where one of them is no number."""
    try:
        said = np.array([*map(float, values), np.nan])
    except ValueError:
        return None
    return said[codes]


def _halves(rows: pa.Table) -> NDArray[np.bool_]:
    """Return of each row whether it is in the first half: rows of one request are in the same."""
    together = pc.coalesce(rows["_request_id"], rows["_id"]).combine_chunks()
    first: NDArray[np.bool_] = (mixed(keys(pa.chunked_array([together]))) & np.uint64(1)).astype(np.bool_)
    return first

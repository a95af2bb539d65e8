"""Original training data among captured rows: which of its rows are taken, and as what they stand there.

A file goes by twice, bit by bit: of each row no more is kept in between than nine bytes.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from shared.datasets.columns import ACTUAL, GROUP, INPUT, ORIGINAL, PPM, types
from shared.datasets.fingerprints import flags
from shared.datasets.manifest import Plan, Use
from shared.datasets.reasons import (
    ORIGINAL_NO_ACTUAL,
    ORIGINAL_NOT_BEFORE_START,
    ORIGINAL_SAMPLED_OUT,
    ORIGINAL_SEGMENT,
)
from shared.datasets.recipe import Segment
from shared.datasets.sampling import MILLION
from shared.errors import InvalidRecipe
from shared.hours import Hour
from shared.schema import FeatureType
from shared.sealing.tables.columns import ARROW_TYPES, TIME

_EXTERNAL_ID: Final = "_external_id"
_ROWS_AT_ONCE: Final = 65_536
_BUFFER_BYTES: Final = 1 << 20
"""Of each column, so much of a file is read at a time; otherwise it would be all of it."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Drawn:
    """Which rows of a file are taken.

    Attributes:
        is_taken: of each row, shape (rows,).
        excluded: how many are not, by reason.
    """

    is_taken: NDArray[np.bool_]
    excluded: dict[str, int]


def wanted(share: float, *, captured: int) -> int:
    """Return how many rows make up a share of a dataset with so many captured ones.

    >>> wanted(0.2, captured=80)
    20
    """
    of_all = Fraction(str(share))
    return round(of_all / (1 - of_all) * captured)


def mean_weight(captured: Iterable[pa.RecordBatch]) -> int:
    """Return how many rows a captured one stands for on average, in millionths, rounded half to even; a million of none.

    That is what a row of original training data weighs: a share of the rows is then the same share of their weights.

    Args:
        captured: ``_weight`` and ``_ppm`` of the rows that were chosen.
    """
    rows, total = 0, 0
    for batch in captured:
        # Products may be longer than 64 bits, and there are few that differ: those of a stratum are all the same.
        counts = pa.table(batch).group_by(["_weight", PPM]).aggregate([([], "count_all")]).to_pydict()
        for weight, ppm, count in zip(*(counts[name] for name in ("_weight", PPM, "count_all")), strict=True):
            rows += count
            total += count * (1 if weight is None else weight) * ppm
    return round(Fraction(total, rows)) if rows else MILLION


def draw(file: Path, plan: Plan, *, captured: int) -> Drawn:
    """Return which rows of original training data are taken beside so many captured ones.

    They are of the recipe's segments, have an actual, and are from before the recipe's first hour, where the file says from
    when they are: later ones would tell training of the time that it is tried on. Of those they are drawn as captured rows
    are, by the hash of their ids, which are made of the file's and a row's place in it.

    Raises:
        InvalidRecipe: a column does not hold what the features, or the actual, are.
    """
    share, sha256 = _asked(plan)
    seed = plan.recipe.sample.seed if plan.recipe.sample is not None else 0
    beginning = hashlib.md5(f"{seed}|{_id(sha256)}".encode(), usedforsecurity=False)
    excluded = dict.fromkeys((ORIGINAL_NOT_BEFORE_START, ORIGINAL_SEGMENT, ORIGINAL_NO_ACTUAL), 0)
    possible: list[NDArray[np.bool_]] = [np.empty(0, dtype=bool)]
    keys: list[NDArray[np.uint64]] = [np.empty(0, dtype=np.uint64)]
    start = 0
    for batch in _batches(file, [*plan.recipe.segments, plan.actual, plan.time]):
        is_possible = np.ones(batch.num_rows, dtype=bool)
        for reason, holds in _conditions(batch, plan):
            excluded[reason] += int((is_possible & ~holds).sum())
            is_possible &= holds
        possible.append(is_possible)
        keys.append(_keys(beginning, start + np.flatnonzero(is_possible)))
        start += batch.num_rows
    is_taken = np.concatenate(possible)
    is_drawn = _smallest(np.concatenate(keys), wanted(share, captured=captured))
    is_taken[is_taken] = is_drawn
    excluded[ORIGINAL_SAMPLED_OUT] = len(is_drawn) - int(is_drawn.sum())
    return Drawn(is_taken, {reason: rows for reason, rows in excluded.items() if rows})


def mixed_in(file: Path, plan: Plan, shape: pa.Schema, drawn: Drawn, *, weight: int) -> Iterator[pa.RecordBatch]:
    """Give the rows of original training data that are taken, in the order of their ids.

    Args:
        file: the original training data.
        plan: what is wanted.
        shape: the columns of chosen rows.
        drawn: which are taken.
        weight: how many rows each stands for, in millionths.

    Raises:
        InvalidRecipe: a column does not hold what the features, or the actual, are.
    """
    _, sha256 = _asked(plan)
    names = [*plan.recipe.features, plan.actual, plan.recipe.split.group, plan.time, _EXTERNAL_ID]
    start = 0
    for batch in _batches(file, names):
        places = np.flatnonzero(drawn.is_taken[start : start + batch.num_rows])
        if len(places):
            ids = [_id(sha256, place) for place in (start + places).tolist()]
            yield _shaped(batch.take(pa.array(places)), ids, plan, shape, weight)
        start += batch.num_rows


def holds_moments(kind: pa.DataType) -> bool:
    """Whether a column of a type can say when rows happened."""
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    return any(
        is_such(kind)
        for is_such in (
            pa.types.is_timestamp,
            pa.types.is_date,
            pa.types.is_string,
            pa.types.is_large_string,
            pa.types.is_null,
        )
    )


def _asked(plan: Plan) -> tuple[float, str]:
    if plan.recipe.original is None:
        raise ValueError("the recipe mixes nothing in")
    return plan.recipe.original.share, plan.recipe.original.sha256


def _batches(file: Path, names: Sequence[str | None]) -> Iterator[pa.RecordBatch]:
    with pq.ParquetFile(file, buffer_size=_BUFFER_BYTES, pre_buffer=False) as data:
        there = [name for name in data.schema_arrow.names if name in names]
        yield from data.iter_batches(batch_size=_ROWS_AT_ONCE, columns=there, use_threads=False)


def _conditions(rows: pa.RecordBatch, plan: Plan) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    """Give what has to hold of rows, each with the reason why they are left out otherwise."""
    if plan.time in rows.schema.names:
        before = pc.less(_moments(rows.column(plan.time)), pa.scalar(Hour.parse(plan.recipe.start or "").start, TIME))
        yield ORIGINAL_NOT_BEFORE_START, _flags(before)
    kinds = types(plan.schema)
    for name, values in sorted(plan.recipe.segments.items()):
        yield ORIGINAL_SEGMENT, _flags(pc.is_in(_texts(rows, name, kinds), pa.array(map(_text, values), pa.string())))
    actual = _plain(rows.column(plan.actual))
    known = actual.is_valid()
    yield (
        ORIGINAL_NO_ACTUAL,
        _flags(pc.and_(known, pc.is_finite(actual)) if pa.types.is_floating(actual.type) else known),
    )


def _text(value: Segment) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value


def _texts(rows: pa.RecordBatch, name: str, kinds: Mapping[str, FeatureType]) -> pa.Array:
    """Return the values of a column as texts, as they are of captured rows."""
    return _cast(rows, name, ARROW_TYPES[kinds[name]] if name in kinds else pa.string()).cast(pa.string())


def _flags(truths: pa.Array) -> NDArray[np.bool_]:
    return flags(pa.chunked_array([pc.fill_null(truths, False)]))  # noqa: FBT003 - a value, no switch


def _id(sha256: str, place: int | None = None) -> str:
    return f"{ORIGINAL}{sha256[:12]}-" + ("" if place is None else f"{place:09}")


def _keys(beginning: "hashlib._Hash", places: NDArray[np.int64]) -> NDArray[np.uint64]:
    """Return the first 64 bits of the MD5 of each id, whose ``beginning`` is the same."""

    def digest(place: int) -> bytes:
        one = beginning.copy()
        one.update(b"%09d" % place)
        return one.digest()

    return np.frombuffer(b"".join(map(digest, places.tolist())), ">u8")[::2].astype(np.uint64)


def _smallest(keys: NDArray[np.uint64], count: int) -> NDArray[np.bool_]:
    """Return which are the smallest so many; of equal ones the first come first."""
    if count >= len(keys):
        return np.ones(len(keys), dtype=bool)
    if not count:
        return np.zeros(len(keys), dtype=bool)
    last = np.partition(keys, count - 1)[count - 1]
    is_drawn: NDArray[np.bool_] = keys < last
    is_drawn[np.flatnonzero(keys == last)[: count - int(is_drawn.sum())]] = True
    return is_drawn


def _shaped(rows: pa.RecordBatch, ids: Sequence[str], plan: Plan, shape: pa.Schema, weight: int) -> pa.RecordBatch:
    path = next(one.path for one in plan.inputs if one.use is Use.ORIGINAL)
    count, names = rows.num_rows, rows.schema.names
    made: dict[str, pa.Array] = {
        "_id": pa.array(ids, pa.string()),
        "_weight": pa.repeat(1, count),
        PPM: pa.repeat(weight, count),
        INPUT: pa.repeat(path, count),
        ACTUAL: _cast(rows, plan.actual, shape.field(ACTUAL).type),
    }
    if _EXTERNAL_ID in names:
        made[_EXTERNAL_ID] = _cast(rows, _EXTERNAL_ID, pa.string())
    if plan.time in names:
        made["_at"] = _moments(rows.column(plan.time))
    if plan.recipe.split.group is not None:
        made[GROUP] = _texts(rows, plan.recipe.split.group, types(plan.schema))
    for name in plan.recipe.features:
        made[name] = _cast(rows, name, shape.field(name).type)
    return pa.record_batch(
        [made[one.name].cast(one.type) if one.name in made else pa.nulls(count, one.type) for one in shape],
        schema=shape,
    )


def _moments(column: pa.Array) -> pa.Array:
    """Return times in UTC, which those without a zone are taken for; null where there is none that can be read."""
    column = _plain(column)
    if pa.types.is_timestamp(column.type):
        # Files have nanoseconds, which nothing here has.
        return column.cast(pa.timestamp("us", tz=column.type.tz), safe=False).cast(TIME)
    if pa.types.is_date(column.type):
        return column.cast(pa.timestamp("us")).cast(TIME)
    return pa.array([_moment(said) for said in column.to_pylist()], pa.int64()).cast(TIME)


def _moment(said: str | None) -> int | None:
    """Return what a text says, in microseconds since 1970."""
    if said is None:
        return None
    try:
        moment = datetime.fromisoformat(said)
    except ValueError:
        return None
    return ((moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment) - _EPOCH) // _MICROSECOND


def _plain(column: pa.Array) -> pa.Array:
    return column.cast(column.type.value_type) if pa.types.is_dictionary(column.type) else column


def _cast(rows: pa.RecordBatch, name: str, kind: pa.DataType) -> pa.Array:
    column = _plain(rows.column(name))
    try:
        # a boolean becomes a number by way of another
        return (
            column.cast(pa.int8()) if pa.types.is_boolean(column.type) and pa.types.is_floating(kind) else column
        ).cast(kind)
    except pa.ArrowException as error:
        raise InvalidRecipe(f"original: column {name} cannot be read as {kind}: {error}") from error

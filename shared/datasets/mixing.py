"""Original training data among captured rows: which of its rows are taken, and as what they stand there."""

import hashlib
import heapq
from collections.abc import Iterator
from datetime import datetime
from fractions import Fraction
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

from shared.datasets.columns import ACTUAL, GROUP, INPUT, PPM
from shared.datasets.manifest import Plan, Use
from shared.datasets.sampling import MILLION
from shared.errors import InvalidRecipe
from shared.sealing.imports.moments import Moments
from shared.sealing.tables.columns import TIME

ORIGINAL: Final = "original-"


def wanted(share: float, *, captured: int) -> int:
    """Return how many rows make up a share of a dataset with so many captured ones.

    >>> wanted(0.2, captured=80)
    20
    """
    of_all = Fraction(str(share))
    return round(of_all / (1 - of_all) * captured)


def mixed_in(file: Path, plan: Plan, shape: pa.Schema, *, captured: int) -> Iterator[pa.RecordBatch]:
    """Give the rows of original training data that are taken, in the order of their ids.

    They are drawn as captured rows are, by the hash of their ids, which are made of the file's and a row's place in it.

    Args:
        file: the original training data.
        plan: what is wanted.
        shape: the columns of chosen rows.
        captured: how many rows were chosen of what was captured.

    Raises:
        InvalidRecipe: a column does not hold what the features, or the actual, are.
    """
    original = plan.recipe.original
    if original is None:
        return
    data = pq.ParquetFile(file)
    known = data.read(columns=[plan.actual]).column(plan.actual).is_valid().to_pylist()
    seed = plan.recipe.sample.seed if plan.recipe.sample is not None else 0
    names = (_id(original.sha256, place) for place, is_known in enumerate(known) if is_known)
    drawn = heapq.nsmallest(wanted(original.share, captured=captured), ((_key(seed, one), one) for one in names))
    taken = {name for _, name in drawn}
    start = 0
    for batch in data.iter_batches(columns=_columns(plan, data)):
        ids = [_id(original.sha256, start + place) for place in range(batch.num_rows)]
        start += batch.num_rows
        is_taken = pa.array([name in taken for name in ids])
        rows = batch.filter(is_taken)
        if rows.num_rows:
            yield _shaped(rows, pa.array(ids).filter(is_taken), plan, shape)


def _columns(plan: Plan, data: pq.ParquetFile) -> list[str]:
    wanted = [*plan.recipe.features, plan.actual, plan.recipe.split.group, plan.time]
    return [name for name in data.schema_arrow.names if name in wanted]


def _id(sha256: str, place: int) -> str:
    return f"{ORIGINAL}{sha256[:12]}-{place:09}"


def _key(seed: int, name: str) -> str:
    return hashlib.md5(f"{seed}|{name}".encode(), usedforsecurity=False).hexdigest()


def _shaped(rows: pa.RecordBatch, ids: pa.Array, plan: Plan, shape: pa.Schema) -> pa.RecordBatch:
    path = next(one.path for one in plan.inputs if one.use is Use.ORIGINAL)
    count = rows.num_rows
    made: dict[str, pa.Array] = {
        "_id": ids,
        "_weight": pa.repeat(1, count),
        PPM: pa.repeat(MILLION, count),
        INPUT: pa.repeat(path, count),
        ACTUAL: _cast(rows, plan.actual, shape.field(ACTUAL).type),
    }
    if plan.time in rows.schema.names:
        moments = Moments(None, None, naive_is_utc=True).read(
            pa.chunked_array([rows.column(plan.time)]), plan.time or ""
        )
        made["_at"] = pa.array([one if isinstance(one, datetime) else None for one in moments], TIME)
    group = plan.recipe.split.group
    if group is not None and group in rows.schema.names:
        made[GROUP] = _cast(rows, group, pa.string())
    for name in plan.recipe.features:
        made[name] = _cast(rows, name, shape.field(name).type)
    return pa.record_batch(
        [made[one.name].cast(one.type) if one.name in made else pa.nulls(count, one.type) for one in shape],
        schema=shape,
    )


def _cast(rows: pa.RecordBatch, name: str, kind: pa.DataType) -> pa.Array:
    column = rows.column(name)
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    try:
        # a boolean becomes a number by way of another
        return (
            column.cast(pa.int8()) if pa.types.is_boolean(column.type) and pa.types.is_floating(kind) else column
        ).cast(kind)
    except pa.ArrowException as error:
        raise InvalidRecipe(f"original: column {name} cannot be read as {kind}: {error}") from error

"""Training sets: the rows that a challenger learns from, as one file, whoever drew them."""

import hashlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from shared.errors import Untrainable
from shared.hours import Hour
from shared.registry.manifest import Manifest
from shared.schema import TEXT, Drop, FeatureType, Hash
from shared.sealing.tables.columns import ARROW_TYPES, TIME

ID: Final = "_id"
AT: Final = "_at"
_ACTUAL: Final = "_actual"


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingSet:
    """What a challenger learns from.

    Attributes:
        parent: the version in place of which it is made; the features are that version's.
        first: the first hour whose predictions are looked at.
        end: the first one whose are not any more.
        predictions: how many were captured in those hours, with an actual or without.
        misfits: how many have an actual that is nothing the model could answer.
        rows: ``_id``, ``_at``, the features and the actual, under its own name, of every other one that has an actual, in
            the order of time.
        file: the same as Parquet.
        sha256: of the file.
    """

    parent: Manifest
    first: Hour
    end: Hour
    predictions: int
    misfits: int
    rows: pa.Table
    file: bytes
    sha256: str

    @property
    def coverage(self) -> float | None:
        """Return the share of predictions that can be learned from, from 0 to 1; None where there is no prediction."""
        return self.rows.num_rows / self.predictions if self.predictions else None


def refuse_masked(parent: Manifest) -> None:
    """See that what is captured of a version is what the model is asked with.

    Raises:
        Untrainable: something is done to one of its features before it leaves the scorer.
    """
    for feature in parent.schema.features:
        if feature.privacy is not None:
            done = {Drop: "is dropped", Hash: "is hashed"}.get(type(feature.privacy), "is coarsened")
            reason = f"{done} before it leaves the scorer, and a model is asked with its value"
            raise Untrainable(parent.model, parent.version, feature.name, reason=reason)


def columns(parent: Manifest) -> list[str]:
    """Return the columns of sealed hours that go into a training set."""
    return [ID, *(feature.name for feature in parent.schema.features)]


def matched(sealed: pa.Table, joined: pa.Table) -> pa.Table:
    """Return the sealed rows that have an actual, with ``_at`` and ``_actual`` beside them.

    Args:
        sealed: ``_id`` and features, every id once.
        joined: ``_id``, ``_at`` and ``actual``, likewise.
    """
    places = pc.index_in(joined.column(ID), value_set=sealed.column(ID))
    found = pc.is_valid(places)
    rows = sealed.take(places.drop_null())
    for name, said in ((AT, joined.column(AT)), (_ACTUAL, joined.column("actual"))):
        rows = rows.append_column(name, said.filter(found))
    return rows


def training_set(
    parent: Manifest, first: Hour, end: Hour, parts: Sequence[pa.Table], *, predictions: int
) -> TrainingSet:
    """Make one file of matched rows: the same rows in any order give the same bytes."""
    answer = parent.schema.outputs[0].type
    features = [pa.field(one.name, ARROW_TYPES[one.type]) for one in parent.schema.features]
    shape = pa.schema([(ID, pa.string()), *features, (AT, TIME)])
    matching = pa.concat_tables([part.select(shape.names).cast(shape) for part in parts] or [shape.empty_table()])
    said = pa.chunked_array([chunk for part in parts for chunk in part.column(_ACTUAL).chunks] or [[]], _stored(answer))
    every = matching.append_column(parent.actual, answerable(said, answer))
    rows = every.filter(pc.is_valid(every.column(parent.actual)))
    ordered = rows.select([ID, AT, *(one.name for one in features), parent.actual]).sort_by(
        [(AT, "ascending"), (ID, "ascending")]
    )
    file = _encoded(ordered)
    return TrainingSet(
        parent=parent,
        first=first,
        end=end,
        predictions=predictions,
        misfits=every.num_rows - rows.num_rows,
        rows=ordered,
        file=file,
        sha256=hashlib.sha256(file).hexdigest(),
    )


def answerable(actual: pa.ChunkedArray, answer: FeatureType) -> pa.ChunkedArray:
    """Return actuals in the type of a model's answer; null for what is no such answer.

    A model that learned classes as floats would answer with floats, and pass for a regression.

    >>> answerable(pa.chunked_array([[1.0, 0.5]]), FeatureType.INTEGER).to_pylist()
    [1, None]
    """
    if answer in TEXT:
        return actual
    fits = pc.is_finite(actual)
    if answer is FeatureType.INTEGER:
        fits = pc.and_(fits, pc.and_(pc.equal(pc.floor(actual), actual), pc.less(pc.abs(actual), 2.0**53)))
    elif answer is FeatureType.BOOLEAN:
        fits = pc.is_in(actual, value_set=pa.array([0.0, 1.0]))
    return pc.if_else(fits, actual, None).cast(ARROW_TYPES[answer])


def _stored(answer: FeatureType) -> pa.DataType:
    """Return the type in which joins hold the actuals of a model that answers so."""
    return pa.string() if answer in TEXT else pa.float64()


def _encoded(rows: pa.Table) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(rows, buffer, compression="zstd", compression_level=3)
    return buffer.getvalue()

"""Training sets: what a challenger learns from, and is tried on, of one dataset; the former as one file."""

import hashlib
import io
from dataclasses import dataclass
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from shared.datasets.manifest import DatasetManifest
from shared.datasets.recipe import Recipe, Weights
from shared.errors import Untrainable
from shared.registry.inference import ID, WEIGHT
from shared.registry.manifest import Manifest
from shared.schema import Drop, Hash
from shared.sealing.tables.columns import ARROW_TYPES

AT: Final = "_at"


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingSet:
    """What a challenger learns from.

    Attributes:
        parent: the version in place of which it is made; the features are that version's.
        made: the dataset that the rows are of.
        rows: of its training part ``_id``, ``_at``, the features, the actual under its own name, and ``_weight`` in
            millionths, of every row that has an actual, in the order of time.
        held_out: of its test part likewise: nothing learns from them.
        file: ``rows`` as Parquet.
        sha256: of the file.
    """

    parent: Manifest
    made: DatasetManifest
    rows: pa.Table
    held_out: pa.Table
    file: bytes
    sha256: str


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


def refuse_unfit(parent: Manifest, made: DatasetManifest) -> None:
    """See that a dataset has every feature that a version is asked with, as it is asked.

    Raises:
        Untrainable: one of them is not in it, is of another type there, or was masked.
    """
    refuse_masked(parent)
    there = {feature.name: feature.type for feature in made.schema.features if feature.name in made.recipe.features}
    for feature in parent.schema.features:
        name = feature.name
        if name not in there:
            reason = f"is not in dataset {made.dataset[:12]}"
        elif name in made.masked:
            reason = f"is {made.masked[name]} in dataset {made.dataset[:12]}, and a model is asked with its value"
        elif ARROW_TYPES[there[name]] != ARROW_TYPES[feature.type]:
            reason = f"is a {there[name]} in dataset {made.dataset[:12]}, and a {feature.type} to the model"
        else:
            continue
        raise Untrainable(parent.model, parent.version, name, reason=reason)


def standing(rows: pa.Table, recipe: Recipe) -> pa.Table:
    """Return rows of a dataset with ``_weight`` only where that is how many rows each stands for.

    What a recipe says of classes and of age is how to learn, and no population: where it says any, that cannot be told from
    the rest of a weight, and rows stand for one each, as those of a uniform sample do.
    """
    is_told = recipe.weights == Weights() or WEIGHT not in rows.column_names
    return rows if is_told else rows.drop_columns([WEIGHT])


def columns(parent: Manifest) -> list[str]:
    """Return the columns of a training set, which a dataset has as well."""
    return [ID, AT, *(feature.name for feature in parent.schema.features), parent.actual, WEIGHT]


def training_set(parent: Manifest, made: DatasetManifest, train: pa.Table, held_out: pa.Table) -> TrainingSet:
    """Make one file of the rows to learn from: the same rows in any order give the same bytes.

    Args:
        parent: the version in place of which is learned.
        made: the dataset.
        train: its training part, with the columns of ``columns``.
        held_out: its test part.
    """
    rows = _ordered(train, parent)
    buffer = io.BytesIO()
    pq.write_table(rows, buffer, compression="zstd", compression_level=3)
    file = buffer.getvalue()
    return TrainingSet(
        parent=parent,
        made=made,
        rows=rows,
        held_out=_ordered(held_out, parent),
        file=file,
        sha256=hashlib.sha256(file).hexdigest(),
    )


def _ordered(rows: pa.Table, parent: Manifest) -> pa.Table:
    """Return the rows that have an actual, in the order of time; rows without a time come last."""
    known = rows.select(columns(parent)).filter(pc.is_valid(rows.column(parent.actual)))
    return known.sort_by([(AT, "ascending"), (ID, "ascending")]).combine_chunks().replace_schema_metadata(None)

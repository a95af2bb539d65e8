"""Challengers: what they are called, and what they have to be to be tried beside the champion."""

from collections.abc import Collection
from datetime import datetime, timedelta
from itertools import count
from typing import Final

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from shared.errors import InvalidModel, InvalidSchema
from shared.registry.inference import MOST_CATEGORIES
from shared.registry.manifest import Manifest
from shared.retraining.training_set import TrainingSet
from shared.schema import NUMERIC, TEXT, Feature, FeatureType, Schema

_SECOND: Final = timedelta(seconds=1)


def next_version(versions: Collection[str], *, at: datetime) -> str:
    """Return a name that no version has: the next number where all are numbers, else the time.

    >>> next_version(["1", "2"], at=datetime(2026, 3, 1, 9, 30))
    '3'
    >>> next_version(["spring"], at=datetime(2026, 3, 1, 9, 30))
    '20260301-093000'
    """
    if all(version.isascii() and version.isdigit() for version in versions):
        return str(max(map(int, versions), default=0) + 1)
    names = (f"{at + seconds * _SECOND:%Y%m%d-%H%M%S}" for seconds in count())
    return next(name for name in names if name not in versions)


def schema_to_learn(drawn: TrainingSet) -> Schema:
    """Return the parent's schema with what the training set knows better: ranges, and categories that are new.

    What may be missing stays so, whether or not a row of this set misses it: a challenger takes what the champion takes.

    Raises:
        InvalidSchema: no row has a value of some feature, so that nobody can learn from it.
    """
    parent = drawn.parent.schema
    features = tuple(_learned(feature, drawn.rows.column(feature.name)) for feature in parent.features)
    return msgspec.structs.replace(parent, features=features)


def refuse_incomparable(parent: Manifest, challenger: Manifest) -> None:
    """See that a challenger answers the question that its parent answers.

    Raises:
        InvalidModel: one classifies and the other does not, or one answers with texts and the other with numbers.
    """
    ours, theirs = parent.schema.outputs[0].type, challenger.schema.outputs[0].type
    if parent.task != challenger.task or (ours in TEXT) != (theirs in TEXT):
        raise InvalidModel(
            f"the model answers with a {theirs} ({challenger.task}), and {parent.model} {parent.version} with a {ours} "
            f"({parent.task}): they cannot be compared"
        )


def _learned(feature: Feature, values: pa.ChunkedArray) -> Feature:
    known = values.drop_null()
    if not len(known):
        raise InvalidSchema(
            feature=feature.name, reason=f"none of the {len(values):,} rows has a value of it, to learn from"
        )
    if feature.type in NUMERIC:
        extremes = pc.min_max(known).as_py()
        return msgspec.structs.replace(feature, minimum=extremes["min"], maximum=extremes["max"])
    if feature.type is FeatureType.CATEGORY:
        seen = sorted({*(feature.categories or ()), *pc.unique(known).to_pylist()})
        # Of a flood of new ones nobody knows which will be seen again.
        return msgspec.structs.replace(feature, categories=tuple(seen)) if len(seen) <= MOST_CATEGORIES else feature
    return feature

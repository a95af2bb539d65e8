"""From a model's file and its training data to a version that can be registered."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from shared.errors import InvalidModel, InvalidSchema
from shared.profiles import encoding
from shared.profiles.cutting import cut
from shared.profiles.hourly import by_hour, encode_hours, latest
from shared.profiles.profile import profile
from shared.profiles.standing import fair
from shared.registry.baselines import BINS_FILE, HOURS_FILE, PROFILE_FILE, ROWS_FILE, rows_file
from shared.registry.inference import ID, WEIGHT, infer
from shared.registry.manifest import Lineage, Manifest, Source, Task, baseline_name
from shared.schema import ANSWER, TEXT, Feature, FeatureType, Output, Privacy, Schema
from shared.scoring.privacy import Masks
from shared.scoring.runtime import OnnxModel, Runtime

_ROWS_AT_ONCE: Final = 10_000
_NOTHING_PRIVATE: Final[Mapping[str, Privacy]] = MappingProxyType({})
_ROWS_TO_LOOK_AT: Final = 100
_FEWEST: Final = 100
"""Of fewer rows a fair sample is no baseline, unless it is of all there are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingData:
    """What a model learned from.

    Attributes:
        rows: one row a training row, with the features and the columns named below. Where there are such, ``_id`` says which
            prediction each is, by which it can be erased, and ``_weight`` for how many rows it stands, in any unit.
        actual: the column that the model predicts.
        time: the column that says when a row happened, if there is one.
        sha256: of the file the rows came in, by which the same data is known again.
        lineage: what of the captured rows these are, and what learned from them; None of rows from elsewhere.
    """

    rows: pa.Table
    actual: str
    time: str | None
    sha256: str
    lineage: Lineage | None = None


@dataclass(frozen=True, slots=True)
class Draft:
    """A version ready to be registered: its manifest, and the bytes of its files by the names they have beside it."""

    manifest: Manifest
    files: Mapping[str, bytes]


def infer_schema(model: OnnxModel, training: TrainingData) -> tuple[Schema, tuple[Source, ...]]:
    """Return the schema that the training data and the model suggest, and where the outputs come from.

    The features are the model's inputs where those have names, and otherwise all columns but the actual and the time.

    Raises:
        InvalidSchema: a column cannot be a feature.
        InvalidModel: the model takes a feature that is not among the columns, or cannot be asked for the values in it.
    """
    features = infer(training.rows, training.actual, time=training.time)
    if model.feature_names is not None:
        by_name = {feature.name: feature for feature in features}
        missing = [name for name in model.feature_names if name not in by_name]
        if missing:
            raise InvalidModel(f"the model takes {', '.join(missing)}, which the training data does not have")
        features = tuple(by_name[name] for name in model.feature_names)
    model.refuse_misfits(features)
    feed = model.feed(_values(training.rows.slice(0, _ROWS_TO_LOOK_AT), features))
    outputs, sources = zip(*model.sources(feed), strict=True)
    return Schema(features=features, outputs=outputs), sources


def draft(
    file: bytes,
    training: TrainingData,
    *,
    model: str,
    version: str,
    schema: Schema | None,
    at: datetime,
    privacy: Mapping[str, Privacy] = _NOTHING_PRIVATE,
    privacy_key: bytes = b"",
) -> Draft:
    """Score the training data with the model, and make of both what is stored of a version.

    The model is asked with the values as they are. What is stored of them has been through the same masks as what will
    be captured; only the actual, the time and ids are stored as they are. The baseline is of what the rows stand for: of rows
    that were drawn unevenly it is a fair sample, and of those that were not all of them.

    Args:
        file: an ONNX model.
        training: what it learned from.
        model: the name to register under.
        version: likewise.
        schema: what the features and outputs are; None to infer it.
        at: the time of registration.
        privacy: what is done to features before they leave the scorer, by name, beside what the schema says.
        privacy_key: what features are hashed with, empty where no key is set.

    Raises:
        InvalidModel: the file is no ONNX model, or does not go with the schema or the training data.
        InvalidSchema: a column cannot be the feature that it should be, or the actual's or the time's is called as one of
            the columns it is stored beside; or privacy is said of no feature, of one twice, or of the time; or weights are
            none, or so uneven that hardly a row is left of a fair sample.
        UnfitPrivacyKey: features are hashed, and there is no key, or the schema was made with another one.
    """
    loaded = OnnxModel(file)
    inferred, sources = infer_schema(loaded, training)
    masks = Masks(_with_privacy(schema or inferred, privacy), model=model, key=privacy_key)
    schema = masks.schema
    if len(schema.outputs) != len(sources):
        raise InvalidModel(f"the schema has {len(schema.outputs)} outputs, and the model gives {len(sources)}")
    loaded.refuse_misfits(schema.features)
    _refuse_names_of_others(training, schema)
    manifest = Manifest(
        model=model,
        version=version,
        task=_task(schema.outputs[0]),
        schema=schema,
        sources=sources,
        flavour="onnx",
        files={},
        actual=training.actual,
        time=training.time,
        training_data=training.sha256,
        training_rows=training.rows.num_rows,
        trained_until=None if training.time is None else latest(training.rows.column(training.time)),
        lineage=training.lineage,
        registered_at=at,
    )
    scored = _scored(Runtime(loaded, manifest), schema, training.rows)
    schema = _with_categories(schema, scored)
    is_kept = _fair(training)
    captured, rows = masks.table(scored).filter(is_kept), training.rows.filter(is_kept)
    bins = cut(captured, schema.captured, seed=hashlib.sha256(file).hexdigest())
    files = {
        "model.onnx": file,
        f"{baseline_name(1)}{BINS_FILE}": encoding.encode(bins),
        f"{baseline_name(1)}{PROFILE_FILE}": encoding.encode(profile(captured, bins)),
        f"{baseline_name(1)}{ROWS_FILE}": rows_file(_kept(captured, rows, training)),
    }
    if training.time is not None:
        hours = list(by_hour(captured, rows.column(training.time), bins))
        files[f"{baseline_name(1)}{HOURS_FILE}"] = encode_hours(hours)
    digests = {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
    classes = _classes(scored.column(ANSWER), training.rows.column(training.actual), schema)
    return Draft(msgspec.structs.replace(manifest, schema=schema, files=digests, classes=classes), files)


def _with_privacy(schema: Schema, privacy: Mapping[str, Privacy]) -> Schema:
    """Return the schema with ``privacy`` said of its features, of each of which that is said once."""
    by_name = {feature.name: feature for feature in schema.features}
    for name, how in privacy.items():
        if name not in by_name:
            raise InvalidSchema(
                feature=name, reason="the model takes no such feature, so that there is nothing to hide"
            )
        if by_name[name].privacy is not None:
            raise InvalidSchema(feature=name, reason="the schema says already what is done to it")
        by_name[name] = msgspec.structs.replace(by_name[name], privacy=how)
    return msgspec.structs.replace(schema, features=tuple(by_name.values()))


def _refuse_names_of_others(training: TrainingData, schema: Schema) -> None:
    """A file with two columns of one name is written without complaint, and no reader takes it."""
    taken = set(schema.output_columns)
    if training.time in taken:
        raise InvalidSchema(feature=training.time, reason="outputs have columns of this name: give the time another")
    private = {feature.name for feature in schema.features if feature.privacy is not None}
    if training.time in private:
        raise InvalidSchema(
            feature=training.time, reason="it is the time, which is stored as it is: it cannot be private"
        )
    if training.actual in taken | {feature.name for feature in schema.features}:
        raise InvalidSchema(
            feature=training.actual, reason="a feature or an output has this name: give the actual another"
        )


def _fair(training: TrainingData) -> pa.Array:
    """Return which rows the baseline is made of."""
    if WEIGHT not in training.rows.column_names:
        return pa.repeat(pa.scalar(True), training.rows.num_rows)  # noqa: FBT003 - a value
    try:
        weights = pc.fill_null(training.rows.column(WEIGHT).cast(pa.float64()), 0.0).to_numpy()
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        raise InvalidSchema(feature=WEIGHT, reason="it says for how many rows each stands, in numbers") from None
    if not (np.isfinite(weights) & (weights >= 0)).all() or not weights.any():
        raise InvalidSchema(feature=WEIGHT, reason="weights are 0 or more, and some row stands for something")
    is_kept = fair(weights, seed=training.sha256)
    if (kept := int(is_kept.sum())) < min(_FEWEST, len(weights)):
        reason = (
            f"a few rows stand for so many that a fair sample has {kept:,} of {len(weights):,}, and a baseline takes {_FEWEST}: "
            "draw them more evenly, or leave the column out, and all stand for as many"
        )
        raise InvalidSchema(feature=WEIGHT, reason=reason)
    return pa.array(is_kept)


def _kept(captured: pa.Table, rows: pa.Table, training: TrainingData) -> pa.Table:
    """Return what is stored of the baseline's rows: with ids nobody is shown them, but whoever is erased is found."""
    kept = captured
    for name in (training.actual, training.time, ID):
        if name in rows.column_names and name not in kept.column_names:
            kept = kept.append_column(name, rows.column(name))
    return kept


def _scored(runtime: Runtime, schema: Schema, data: pa.Table) -> pa.Table:
    """Return the features and outputs of every row."""
    outputs: dict[str, list[Any]] = {name: [] for name in schema.output_columns}
    for start in range(0, data.num_rows, _ROWS_AT_ONCE):
        answers = runtime.columns(_values(data.slice(start, _ROWS_AT_ONCE), schema.features))
        for name, values in zip(schema.output_columns, answers.values(), strict=True):
            outputs[name] += values
    columns = {feature.name: data.column(feature.name) for feature in schema.features}
    return pa.table({**columns, **{name: pa.array(values) for name, values in outputs.items()}})


def _values(data: pa.Table, features: tuple[Feature, ...]) -> dict[str, list[Any]]:
    columns: dict[str, list[Any]] = {}
    for feature in features:
        column = data.column(feature.name)
        if pa.types.is_floating(column.type):
            column = pc.if_else(pc.is_nan(column), None, column)
        columns[feature.name] = column.to_pylist()
    return columns


def _task(answer: Output) -> Task:
    """A model whose answer is a label classifies; one that answers with a fraction is a regression."""
    return Task.REGRESSION if answer.type is FeatureType.FLOAT else Task.CLASSIFICATION


def _classes(answered: pa.ChunkedArray, happened: pa.ChunkedArray, schema: Schema) -> tuple[int | str, ...] | None:
    """Return what the probabilities are of: all that happened, sorted, as scikit-learn and those who follow it sort classes.

    None where it is not as many, or the model answers something else: then it did not learn these labels.
    """
    columns = schema.probability_columns if _task(schema.outputs[0]) is Task.CLASSIFICATION else ()
    labels = {one for one in pc.unique(happened).to_pylist() if one is not None and one == one}  # noqa: PLR0124 - only NaN is not itself
    if not columns or len(labels) != max(len(columns), 2) or not labels.issuperset(pc.unique(answered).to_pylist()):
        return None
    if schema.outputs[0].type in TEXT:
        return tuple(sorted(labels))
    return tuple(sorted(map(int, labels))) if all(float(one).is_integer() for one in labels) else None


def _with_categories(schema: Schema, scored: pa.Table) -> Schema:
    """Return the schema with a classifier's labels, which are texts, as the categories seen in the training data."""

    def known(column: str, output: Output) -> Output:
        if output.type is not FeatureType.STRING:
            return output
        labels = sorted(set(scored.column(column).to_pylist()))
        return Output(name=output.name, type=FeatureType.CATEGORY, categories=tuple(labels))

    outputs = tuple(known(*one) for one in zip(schema.output_columns, schema.outputs, strict=True))
    return Schema(features=schema.features, outputs=outputs)

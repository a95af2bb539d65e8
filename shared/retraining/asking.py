"""Which rows of a period other versions are asked, which version can be, and what their answers cost: no I/O."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from shared.registry.manifest import Manifest, Task
from shared.retrain_config import Loss
from shared.retraining.losses import Floats, misfit, probability_losses, row_losses
from shared.schema import NUMERIC, FeatureType
from shared.scoring.runtime import Runtime
from shared.sealing.tables.columns import ARROW_TYPES

CHAMPION_ANSWER: Final = "_champion"
"""The column of what the champion answered, beside the answers of a version that was asked as well."""


@dataclass(frozen=True, slots=True)
class Sample:
    """So many rows of a period as were met so far, or as are asked: those whose ids have the lowest digests.

    Whoever draws from the same rows draws the same ones, in whatever parts and order they come. ``digests`` are ascending.
    """

    rows: pa.Table
    digests: "np.ndarray[Any, np.dtype[np.uint64]]"
    most: int

    @classmethod
    def none(cls, empty: pa.Table, *, most: int) -> Self:
        """Return the sample of no rows, with the columns of ``empty``."""
        return cls(empty, np.zeros(0, dtype=np.uint64), most)

    def with_rows(self, rows: pa.Table) -> Self:
        """Return the sample of what was met so far and these rows, which have an ``_id``."""
        digests = np.concatenate([self.digests, _digests(rows.column("_id").to_pylist())])
        order = np.argsort(digests, kind="stable")[: self.most]
        together = pa.concat_tables([self.rows, rows])
        return type(self)(together.take(pa.array(order)).combine_chunks(), digests[order], self.most)


def _digests(ids: Sequence[str]) -> "np.ndarray[Any, np.dtype[np.uint64]]":
    """Return eight bytes of each id's digest: an id itself begins with a time."""
    taken = b"".join(hashlib.blake2b(one.encode(), digest_size=8).digest() for one in ids)
    return np.frombuffer(taken, dtype=">u8").astype(np.uint64)


def unaskable(version: Manifest, champion: Manifest) -> str | None:
    """Return why a version cannot be asked what the champion was; None where it can.

    It is asked what was captured: a feature that the champion does not take, or that leaves the scorer in another form, is
    not to be had.
    """
    if version.task is not champion.task:
        return f"it is a model of {version.task}, and the champion one of {champion.task}"
    taken = {feature.name: feature for feature in champion.schema.features}
    for feature in version.schema.features:
        own = taken.get(feature.name)
        if own is None:
            return f"{feature.name!r} is not among what the champion is asked"
        if own.privacy is not None:
            return f"{feature.name!r} is not captured as it is, for privacy"
        is_text = {own.type, feature.type} <= {FeatureType.CATEGORY, FeatureType.STRING}
        if own.type is not feature.type and not is_text and not {own.type, feature.type} <= NUMERIC:
            return f"{feature.name!r} is a {feature.type}, and the champion is asked for a {own.type}"
    return None


def missing(version: Manifest, rows: pa.Table) -> str | None:
    """Return why a version cannot be asked these rows: it needs a value that one of them lacks; None where it can."""
    for feature in version.schema.features:
        if not feature.nullable and rows.column(feature.name).null_count:
            return f"{feature.name!r} is missing in some rows, and it needs a value"
    return None


def ask(runtime: Runtime, version: Manifest, rows: pa.Table) -> pa.Table:
    """Return what a version answers, with the id, hour, weight and the champion's answer of each row.

    Raises:
        ModelFailed: the model raised.
    """
    given: dict[str, list[Any]] = {}
    for feature in version.schema.features:
        column = rows.column(feature.name)
        if feature.type in NUMERIC and column.type != ARROW_TYPES[feature.type]:
            column = pc.cast(column, ARROW_TYPES[feature.type], safe=False)
        given[feature.name] = column.to_pylist()
    answered = runtime.columns(given)
    columns = {name: rows.column(name) for name in ("_id", "_hour", "_weight", CHAMPION_ANSWER)}
    for name, output in zip(version.schema.output_columns, version.schema.outputs, strict=True):
        columns[name] = pa.array(answered[output.name], ARROW_TYPES[output.type])
    return pa.table(columns)


def answer_losses(loss: Loss, version: Manifest, answered: pa.Table, actuals: Sequence[Any]) -> Floats:
    """Return what each answer of a version cost, for a loss that ``unjudged`` has nothing against.

    Args:
        loss: what a wrong answer costs.
        version: which answered.
        answered: its outputs, as columns.
        actuals: what turned out, of the same rows.
    """
    if loss not in {Loss.BRIER, Loss.LOG_LOSS}:
        return row_losses(loss, answered.column("prediction").to_pylist(), actuals)
    columns = _probability_columns(version)
    given = np.column_stack([answered.column(name).to_numpy() for name in columns]).astype(np.float64)
    probabilities = np.column_stack([1 - given[:, 0], given[:, 0]]) if len(columns) == 1 else given
    return probability_losses(loss, probabilities, _classes(version, probabilities.shape[1]), actuals)


def unjudged(loss: Loss, version: Manifest) -> str | None:
    """Return why answers of a version cannot be judged by a loss; None where they can."""
    columns = _probability_columns(version)
    has_classes = bool(columns) and bool(_classes(version, max(len(columns), 2)))
    return misfit(loss, version.task, has_probabilities=has_classes)


def disagreement(loss: Loss, answered: pa.Table) -> float | None:
    """Return the mean loss of answers were the champion's true; None without rows, and of losses of probabilities.

    Source:
        By the triangle's inequality no absolute error, nor share of wrong answers, of the two can differ by more.
    """
    if not answered.num_rows or loss in {Loss.BRIER, Loss.LOG_LOSS}:
        return None
    losses = row_losses(loss, answered.column("prediction").to_pylist(), answered.column(CHAMPION_ANSWER).to_pylist())
    weights = answered.column("_weight").to_numpy().astype(np.float64)
    return float(np.dot(losses, weights) / weights.sum())


def output_columns(loss: Loss, version: Manifest) -> list[str]:
    """Return the columns of a version's outputs that a loss is of."""
    return _probability_columns(version) if loss in {Loss.BRIER, Loss.LOG_LOSS} else ["prediction"]


def _probability_columns(version: Manifest) -> list[str]:
    """Return the columns of the probabilities of each class; of two classes, of the second alone."""
    return [*version.schema.probability_columns] if version.task is Task.CLASSIFICATION else []


def _classes(version: Manifest, count: int) -> tuple[Any, ...]:
    """Return what the probabilities are of, in their order, which is that of the classes; none where nobody knows."""
    answer = version.schema.outputs[0]
    if version.classes is not None:
        return version.classes if len(version.classes) == count else ()
    if answer.type is FeatureType.CATEGORY:
        known = tuple(sorted(answer.categories or ()))
        return known if len(known) == count else ()
    return tuple(range(count)) if answer.type in NUMERIC | {FeatureType.BOOLEAN} else ()

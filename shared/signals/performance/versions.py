"""How good the answers of one version were in some rows, and how good they should be in others: of classes or of numbers."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
import pyarrow as pa

from shared.registry.manifest import Task
from shared.schema import Schema
from shared.signals.performance.answering import (
    Answering,
    answered_numbers,
    features,
    hours,
    regressed,
    weights,
)
from shared.signals.performance.assumption import check_losses, check_probabilities
from shared.signals.performance.checked import Checked
from shared.signals.performance.confidence import ESTIMATED as OF_CLASSES
from shared.signals.performance.confidence import estimated_classes
from shared.signals.performance.estimate import Metric, Performance, Unknown
from shared.signals.performance.losses import ESTIMATED as OF_NUMBERS
from shared.signals.performance.losses import LossModel, Unanswered, estimated_numbers
from shared.signals.performance.realised import of_classes, of_numbers
from shared.signals.performance.recalibration import Recalibration
from shared.signals.performance.rows import Integers
from shared.signals.performance.side_by_side import SideBySide, side_by_side

FEWEST_CALIBRATING: Final = 500
"""Rows with actuals that estimates are learned from."""

FEWEST_HOURS: Final = 12
"""So many hours with rows say how far hours stray; of fewer, rows are taken for independent but for the design effect."""

_MOST_NUMBERS: Final = 10_000_000
_STEPS: Final = 25
"""A feature is cut into so many steps at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Learned:
    """What rows with actuals say of others that have none.

    Attributes:
        rows: how many; None where there were too few.
        check: of what is assumed, on rows that were not learned from; None where nothing was learned.
        side_by_side: of these rows what was estimated, and what turned out.
        expected: how good those answers should be.
    """

    rows: int | None
    check: Checked | None
    side_by_side: tuple[SideBySide, ...]
    expected: Performance


@dataclass(frozen=True, slots=True, kw_only=True)
class Measuring:
    """Measures rows of one version.

    Attributes:
        answering: how its answers are read.
        classes: the names of its classes; none of a number.
        schema: what is captured of its schema.
        design_effect: rows that are worth one independent row, where hours do not say so.
        quantile: the one that numbers are answered as; None where nobody has said so.
    """

    answering: Answering
    classes: tuple[str, ...]
    schema: Schema
    design_effect: float
    quantile: float | None = None

    @classmethod
    def of(
        cls,
        answering: Answering,
        tables: Iterable[pa.Table],
        schema: Schema,
        *,
        design_effect: float,
        quantile: float | None = None,
    ) -> Self:
        """Prepare for some tables, all of which have the same classes then."""
        is_classifier = answering.task is Task.CLASSIFICATION
        classes = answering.classes(tables) if is_classifier else ()
        return cls(answering=answering, classes=classes, schema=schema, design_effect=design_effect, quantile=quantile)

    def realised(self, rows: pa.Table, *, only: Metric | None = None) -> Performance:
        """Return how good answers with actuals were; of one metric ``only``, if that is all that is wanted."""
        effect = 1.0 if _says_how_hours_stray(rows) else self.design_effect
        if self.answering.task is Task.REGRESSION:
            numbers, _ = regressed(rows, clusters=_clusters(rows))
            return of_numbers(numbers, quantile=self.quantile, design_effect=effect)
        if len(self.classes) < 2:
            metrics = self.answering.metrics if only is None else (only,)
            return dict.fromkeys(metrics, Unknown("there is one class alone"))
        classified, _ = self.answering.classified(rows, self.classes, clusters=_clusters(rows))
        return of_classes(classified, design_effect=effect, only=only)

    def unfit(self, rows: pa.Table) -> int:
        """Return how many answers with actuals cannot be measured: what turned out is none of the classes, or no number."""
        if self.answering.task is Task.REGRESSION:
            return int(rows.num_rows) - len(regressed(rows, clusters=None)[1])
        if len(self.classes) < 2:
            return 0
        return int(rows.num_rows) - len(self.answering.classified(rows, self.classes, clusters=None)[1])

    def estimated(self, past: pa.Table, settled: pa.Table, newest: pa.Table) -> Learned:
        """Return how good the answers of the newest rows should be, and how far such an estimate was from what turned out.

        Args:
            past: rows with actuals, from before the settled ones: what is learned from.
            settled: rows with actuals, by which it is seen whether estimates can be relied on.
            newest: rows without.
        """
        past, settled, newest = (self._few(rows) for rows in (past, settled, newest))
        if self.answering.task is Task.REGRESSION:
            return self._estimated_numbers(past, settled, newest)
        return self._estimated_classes(past, settled, newest)

    def _few(self, rows: pa.Table) -> pa.Table:
        """Return rows, of many evenly spread ones: what is learned from needs a number for each and each of its parameters."""
        classes = len(self.classes)
        numbers = classes * (classes + 5) if classes else _STEPS * (len(self.schema.features) + 1)
        most = max(_MOST_NUMBERS // numbers, FEWEST_CALIBRATING)
        if rows.num_rows <= most:
            return rows
        return rows.take(pa.array(np.arange(most) * rows.num_rows // most))

    def _estimated_classes(self, past: pa.Table, settled: pa.Table, newest: pa.Table) -> Learned:
        if not self.answering.probabilities or len(self.classes) < 2:
            return _nothing(OF_CLASSES, "the model gives no probabilities of known classes")
        learned, _ = self.answering.classified(past, self.classes, clusters=_clusters(past))
        if learned.answers.probabilities is None:
            return _nothing(OF_CLASSES, "the model gives no probabilities of known classes")
        if len(learned) < FEWEST_CALIBRATING:
            return _nothing(OF_CLASSES, _too_few(len(learned)))
        recalibration = Recalibration.of(learned)
        truth, _ = self.answering.classified(settled, self.classes, clusters=_clusters(settled))
        check = check_probabilities(recalibration, truth)
        answers, _ = self.answering.answers(newest, self.classes, clusters=_clusters(newest))
        return Learned(
            rows=len(learned),
            check=check,
            side_by_side=tuple(side_by_side(estimated_classes(truth.answers, recalibration), self.realised(settled))),
            expected=estimated_classes(answers, recalibration, last_check=check),
        )

    def _estimated_numbers(self, past: pa.Table, settled: pa.Table, newest: pa.Table) -> Learned:
        learned, kept = regressed(past, clusters=_clusters(past))
        if len(learned) < FEWEST_CALIBRATING:
            return _nothing(OF_NUMBERS, _too_few(len(learned)))
        model = LossModel.of(features(past.take(pa.array(kept)), self.schema), learned)
        truth, of_truth = regressed(settled, clusters=_clusters(settled))
        without = self._unanswered(settled, of_truth)
        check = check_losses(model, without, truth.actual)
        _, of_newest = answered_numbers(newest)
        return Learned(
            rows=len(learned),
            check=check,
            side_by_side=tuple(side_by_side(estimated_numbers(without, model), self.realised(settled))),
            expected=estimated_numbers(self._unanswered(newest, of_newest), model, last_check=check),
        )

    def _unanswered(self, rows: pa.Table, places: Integers) -> Unanswered:
        some = rows.take(pa.array(places))
        return Unanswered(
            features=features(some, self.schema),
            predicted=answered_numbers(some)[0],
            weights=weights(some),
            clusters=_clusters(some),
        )


def _nothing(metrics: Iterable[Metric], reason: str) -> Learned:
    return Learned(rows=None, check=None, side_by_side=(), expected=dict.fromkeys(metrics, Unknown(reason)))


def _too_few(rows: int) -> str:
    return f"{rows} earlier rows have actuals, and {FEWEST_CALIBRATING} are needed to learn from"


def _says_how_hours_stray(rows: pa.Table) -> bool:
    return len(np.unique(hours(rows))) >= FEWEST_HOURS


def _clusters(rows: pa.Table) -> Integers | None:
    return hours(rows) if _says_how_hours_stray(rows) else None

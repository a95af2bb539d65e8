"""How the answers of a version are read: which columns say which class, or which number, and how sure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Self, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from shared.registry.manifest import Manifest, Task
from shared.schema import ANSWER, TEXT, FeatureType, Schema
from shared.signals.performance.estimate import Metric
from shared.signals.performance.realised import applicable
from shared.signals.performance.rows import Answers, Classified, Floats, Integers, Regressed, of_two, taken

_ACTUAL: Final = "actual"
_WEIGHT: Final = "_weight"
_HOUR: Final = "hour"

FeatureColumns: TypeAlias = Mapping[str, Floats | NDArray[np.str_]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answering:
    """What the columns of a version's answers mean.

    Attributes:
        task: what kind of answer it gives.
        known: the classes that its manifest names, in the order of its probabilities; None where it names none.
        probabilities: the columns of each class's probability; of two classes, of the second alone.
    """

    task: Task
    known: tuple[str, ...] | None
    probabilities: tuple[str, ...]

    @classmethod
    def of(cls, manifest: Manifest) -> Self:
        """Return how a version's answers are read."""
        answer = manifest.schema.outputs[0]
        known: tuple[str, ...] | None = None
        if manifest.classes is not None:
            known = tuple(map(str, manifest.classes))
        elif answer.type is FeatureType.CATEGORY:
            known = tuple(sorted(answer.categories or ()))
        elif answer.type is FeatureType.BOOLEAN:
            known = ("0", "1")
        is_classifier = manifest.task is Task.CLASSIFICATION
        return cls(
            task=manifest.task, known=known, probabilities=manifest.schema.probability_columns if is_classifier else ()
        )

    @property
    def columns(self) -> list[str]:
        """Return the columns of answers that are looked at."""
        return [ANSWER, *self.probabilities]

    @property
    def metrics(self) -> tuple[Metric, ...]:
        """Return what its answers may be judged by, once it is said as which quantile numbers are meant."""
        return applicable(self.task, has_probabilities=bool(self.probabilities), has_quantile=True)

    def classes(self, tables: Iterable[pa.Table]) -> tuple[str, ...]:
        """Return the names of the classes, in the order of the probabilities: those known, or else those that were seen.

        Args:
            tables: every table of rows that is looked at, so that all of them have the same classes.
        """
        if self.known is not None:
            return self.known
        columns = [table.column(name) for table in tables for name in (ANSWER, _ACTUAL) if name in table.column_names]
        seen = {name for column in columns for name in set(_names(column).tolist())}
        numbered = {str(place) for place in range(max(len(self.probabilities), 2))} if self.probabilities else set()
        return tuple(sorted(seen if seen - numbered else numbered, key=_in_order))

    def answers(
        self, rows: pa.Table, classes: tuple[str, ...], *, clusters: Integers | None
    ) -> tuple[Answers, Integers]:
        """Return what was said, and the places of the rows that say it: those whose answer is a class, with its probability.

        ``clusters`` are equal for rows that come together; None where that is not known.
        """
        predicted = _places(_names(rows.column(ANSWER)), classes)
        probabilities = self._of_each_class(rows, classes)
        is_whole = predicted >= 0
        if probabilities is not None:
            is_whole &= np.isfinite(probabilities).all(axis=1)
        kept = np.flatnonzero(is_whole)
        answers = Answers(
            classes=classes,
            predicted=predicted[kept],
            probabilities=taken(probabilities, kept),
            weights=weights(rows)[kept],
            clusters=taken(clusters, kept),
        )
        return answers, kept

    def classified(
        self, rows: pa.Table, classes: tuple[str, ...], *, clusters: Integers | None
    ) -> tuple[Classified, Integers]:
        """Return answers with what turned out, and the places of those rows.

        A row is left out whose actual is none of the classes that the manifest names.
        """
        answers, kept = self.answers(rows, classes, clusters=clusters)
        actual = _places(_names(rows.column(_ACTUAL)), classes)[kept]
        fits = np.flatnonzero(actual >= 0)
        return Classified(answers=answers.take(fits), actual=actual[fits]), kept[fits]

    def _of_each_class(self, rows: pa.Table, classes: tuple[str, ...]) -> Floats | None:
        """Return the probabilities of each class; None where they are not of these classes."""
        if not self.probabilities:
            return None
        given = np.column_stack([_numbers(rows.column(name)) for name in self.probabilities])
        if given.shape[1] == 1:
            return of_two(np.clip(given[:, 0], 0.0, 1.0)) if len(classes) == 2 else None
        if given.shape[1] != len(classes):
            return None
        given = np.clip(given, 0.0, None)
        sums = given.sum(axis=1, keepdims=True)
        return np.asarray(np.divide(given, sums, out=np.full_like(given, np.nan), where=sums > 0), dtype=np.float64)


def regressed(rows: pa.Table, *, clusters: Integers | None) -> tuple[Regressed, Integers]:
    """Return numbers that were answered, with what turned out, and the places of those rows: where both are numbers."""
    predicted, actual = _numbers(rows.column(ANSWER)), _numbers(rows.column(_ACTUAL))
    kept = np.flatnonzero(np.isfinite(predicted) & np.isfinite(actual))
    found = Regressed(
        predicted=predicted[kept],
        actual=actual[kept],
        weights=weights(rows)[kept],
        clusters=taken(clusters, kept),
    )
    return found, kept


def features(rows: pa.Table, schema: Schema) -> FeatureColumns:
    """Return what was asked, as losses are predicted from it: numbers, and texts of known values.

    Args:
        rows: with the features' columns.
        schema: what is captured of the version's schema.
    """
    return {
        feature.name: _texts(rows.column(feature.name)) if feature.type in TEXT else _numbers(rows.column(feature.name))
        for feature in schema.features
        if feature.type is not FeatureType.STRING
    }


def answered_numbers(rows: pa.Table) -> tuple[Floats, Integers]:
    """Return numbers that were answered, and the places of the rows where one was."""
    predicted = _numbers(rows.column(ANSWER))
    kept = np.flatnonzero(np.isfinite(predicted))
    return predicted[kept], kept


def weights(rows: pa.Table) -> Floats:
    """Return how many rows each stands for."""
    return _numbers(rows.column(_WEIGHT))


def hours(rows: pa.Table) -> Integers:
    """Return a number of each row that is the same for rows of one hour."""
    encoded = pc.dictionary_encode(rows.column(_HOUR).combine_chunks())
    return np.asarray(encoded.indices.to_numpy(zero_copy_only=False), dtype=np.int64)


def values(rows: pa.Table, feature: str) -> NDArray[np.str_]:
    """Return the values of a feature as segments name them; a missing one is empty."""
    column = rows.column(feature)
    return _texts(pc.cast(column, pa.string()))


def _in_order(name: str) -> tuple[int, float, str]:
    """Sort numbers by their size, and before texts."""
    try:
        return 0, float(name), name
    except ValueError:
        return 1, 0.0, name


def _names(column: pa.ChunkedArray) -> NDArray[np.str_]:
    """Return values as the names of classes; a missing one is empty."""
    if pa.types.is_string(column.type):
        return _texts(column)
    numbers = _numbers(column)
    known, places = np.unique(numbers, return_inverse=True)
    return np.array(["" if np.isnan(one) else f"{one:.17g}" for one in known.tolist()], dtype=np.str_)[places]


def _places(names: NDArray[np.str_], classes: tuple[str, ...]) -> Integers:
    """Return the place of each name among the classes; -1 of none."""
    found = np.full(len(names), -1, dtype=np.int64)
    for place, name in enumerate(classes):
        found[names == name] = place
    return found


def _numbers(column: pa.ChunkedArray) -> Floats:
    numbers = pc.cast(column, pa.float64(), safe=False)
    return np.asarray(numbers.to_numpy(), dtype=np.float64)


def _texts(column: pa.ChunkedArray) -> NDArray[np.str_]:
    return np.array([one or "" for one in column.to_pylist()], dtype=np.str_)

"""Whether every column is there, of its type, and holds what it may; and whether every part has rows."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from shared.datasets.checks.judgement import Found, failed, ok, refused, warned, worst
from shared.datasets.files import DatasetFiles
from shared.datasets.manifest import TEST, TRAIN, VALIDATION, Check, DatasetManifest
from shared.registry.manifest import Task
from shared.schema import TEXT, Feature, FeatureType
from shared.sealing.tables.columns import ARROW_TYPES, TIME

NAME: Final = "schema"
EMPTY: Final = "empty_part"

_SYSTEM: Final = {
    "_id": pa.string(),
    "_external_id": pa.string(),
    "_request_id": pa.string(),
    "_at": TIME,
    "_split": pa.string(),
    "_weight": pa.int64(),
}

_MEND: Final = "leave the rows out by exclude.hours or segments, the column by features"


def columns(made: DatasetManifest) -> pa.Schema:
    """Return the columns that the dataset should have."""
    outputs = zip(made.schema.output_columns, made.schema.outputs, strict=True) if made.recipe.outputs else ()
    return pa.schema(
        [
            *_SYSTEM.items(),
            *((one.name, ARROW_TYPES[one.type]) for one in made.schema.features),
            (made.actual, ARROW_TYPES[made.schema.outputs[0].type]),
            *((name, ARROW_TYPES[one.type]) for name, one in outputs),
        ]
    )


def check_types(files: DatasetFiles, made: DatasetManifest) -> Check | None:
    """Return what is wrong with the columns themselves; None where they are as they should be."""
    wanted = dict(zip(columns(made).names, columns(made).types, strict=True))
    wrong = [
        f"{name!r} is {files.types.get(name, 'not there')} and should be {of}"
        for name, of in wanted.items()
        if files.types.get(name) != of
    ]
    wrong += [f"{name!r} should not be there" for name in files.types if name not in wanted]
    if not wrong or not files.types:
        return None
    return refused(NAME, "; ".join(wrong), mend="name versions that capture the same features")


def check_parts(files: DatasetFiles, made: DatasetManifest) -> Check:
    """Return whether every part that was asked for has rows."""
    split = made.recipe.split
    asked = [TRAIN, *([VALIDATION] if split.validation else []), *([TEST] if split.test else [])]
    empty = [one for one in asked if not files.rows_by_split.get(one)]
    if not empty:
        counts = ", ".join(f"{one} {files.rows_by_split[one]:,}" for one in asked)
        return ok(EMPTY, f"every part has rows: {counts}")
    if not files.rows:
        mend = "look at what was excluded, and widen start, end, segments or actuals"
        return failed(EMPTY, "the dataset has no rows", mend=mend)
    mend = "change split.validation and split.test, or take more rows by start and end"
    return failed(EMPTY, f"there are no rows for {' and '.join(empty)}", mend=mend)


def check_values(files: DatasetFiles, made: DatasetManifest) -> Check:
    """Return whether every column holds what it may; the types are known to be right."""
    rules = list(_rules(made))
    found = [Found() for _ in rules]
    for batch in files.batches(list(files.types)):
        for rule, so_far in zip(rules, found, strict=True):
            so_far.add(batch, rule.breaks(batch.column(rule.column)))
    broken = [(rule, one) for rule, one in zip(rules, found, strict=True) if one.rows]
    checks = [
        refused(NAME, rule.say(one.rows), mend=rule.mend, rows=one.ids)
        if rule.refuses
        else warned(NAME, rule.say(one.rows), rows=one.ids)
        for rule, one in broken
    ]
    return worst(checks) if checks else ok(NAME, f"{len(files.types)} columns hold what they may")


Breaks = Callable[[pa.ChunkedArray], pa.ChunkedArray]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rule:
    """What may not be in a column: ``breaks`` says of each value whether it is that."""

    column: str
    what: str
    breaks: Breaks
    mend: str = _MEND
    refuses: bool = True

    def say(self, rows: int) -> str:
        return f"{rows:,} rows have {self.what} in {self.column!r}"


def _rules(made: DatasetManifest) -> Iterator[_Rule]:
    for name in ("_id", "_split", "_weight"):
        yield _Rule(column=name, what="nothing", breaks=_missing)
    for feature in made.schema.features:
        yield from _rules_of(feature.name, feature.type, feature.categories)
        yield from _rules_of_bounds(feature)
        if not feature.nullable:
            yield _Rule(column=feature.name, what="nothing, and it may not be missing,", breaks=_missing)
    answer = made.schema.outputs[0]
    is_regression_or_known = made.task is Task.REGRESSION or answer.categories is None
    yield from _rules_of(made.actual, answer.type, None if is_regression_or_known else answer.categories)
    if made.recipe.actuals.required:
        yield _Rule(column=made.actual, what="no actual, and it is required,", breaks=_missing)


def _rules_of(name: str, of: FeatureType, categories: tuple[str, ...] | None) -> Iterator[_Rule]:
    if of is FeatureType.FLOAT:
        yield _Rule(column=name, what="an infinity", breaks=pc.is_inf)
    if categories is not None:
        known = pa.array(categories, type=pa.string())
        what = "a category that the schema does not know"
        yield _Rule(column=name, what=what, breaks=lambda column: _unknown(column, known), refuses=False)


def _rules_of_bounds(feature: Feature) -> Iterator[_Rule]:
    """Give what scoring goes by: it counts what is out of the range of the training data, and refuses texts that are longer."""
    name, least, most = feature.name, feature.minimum, feature.maximum
    if least is not None:
        what = f"less than the training data has, {least:g},"
        yield _Rule(column=name, what=what, breaks=lambda column: pc.less(column, least), refuses=False)
    if most is not None:
        what = f"more than the training data has, {most:g},"
        yield _Rule(column=name, what=what, breaks=lambda column: pc.greater(column, most), refuses=False)
    if feature.type in TEXT:
        longest = feature.max_length
        what = f"a text of more than {longest:,} characters"
        yield _Rule(column=name, what=what, breaks=lambda column: pc.greater(pc.utf8_length(column), longest))


def _missing(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return column.is_null(nan_is_null=pa.types.is_floating(column.type))


def _unknown(column: pa.ChunkedArray, known: pa.Array) -> pa.ChunkedArray:
    return pc.and_(column.is_valid(), pc.invert(pc.is_in(column, value_set=known)))

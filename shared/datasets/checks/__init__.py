"""What a dataset is checked for before it is called ready; each family of checks is a module, and none writes anything.

A check says ``ok``, ``warned`` or ``unknown``, or ``failed``: then there is no dataset, unless whoever builds it accepts just
that, and it is acceptable. What it says names the rows and what mends it.
"""

from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from shared.datasets.checks import (
    drift,
    duplicates,
    known_before,
    missing_actuals,
    overlap,
    shape,
    spans,
    told_by_feature,
)
from shared.datasets.checks.sample import sample
from shared.datasets.columns import GROUP
from shared.datasets.files import DatasetFiles
from shared.datasets.manifest import Check, DatasetManifest, Outcome


def check(ordered: Sequence[Path], folder: Path, made: DatasetManifest) -> tuple[Check, ...]:
    """Return what is to be said of a dataset that is finished, and not stored yet.

    Where its columns are not as they should be, nothing else can be said.

    Args:
        ordered: files of the rows that it was made of, which still hold when their actuals happened and were known, and of
            which group they are.
        folder: where its parts are.
        made: what its manifest will say, but for the checks.
    """
    files = DatasetFiles.of(folder, made.parts)
    parts = shape.check_parts(files, made)
    wrong = shape.check_types(files, made)
    kept_apart = spans.check(ordered, made)
    if wrong is not None or not files.rows:
        return (parts, kept_apart) if wrong is None else (wrong, parts, kept_apart)
    recipe, features = made.recipe, [one.name for one in made.schema.features]
    groups = _columns(ordered, ("_id", GROUP)) if recipe.split.group is not None else ()
    compared = [*features, made.actual]
    some = sample(files, ["_id", "_request_id", "_split", *compared])
    return (
        shape.check_values(files, made),
        parts,
        kept_apart,
        missing_actuals.check(files, made),
        duplicates.check(files, compared, tolerated=recipe.tolerances.duplicates),
        told_by_feature.check(some, features, made.actual, made.task, tolerated=recipe.tolerances.told_by_feature),
        known_before.check(_columns(ordered, known_before.COLUMNS), tolerated=recipe.tolerances.known_before),
        overlap.check(files, compared, recipe.split, groups, tolerated=recipe.tolerances.overlap),
        drift.check(some, features, tolerated=recipe.tolerances.drift),
    )


def _columns(ordered: Sequence[Path], names: Sequence[str]) -> Iterator[pa.Table]:
    for path in ordered:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(columns=list(names), use_threads=False):
                yield pa.Table.from_batches([batch])


def accept(checks: Sequence[Check], names: Collection[str]) -> tuple[Check, ...]:
    """Return checks of which those with these names are accepted, if they failed and can be."""

    def is_accepted(one: Check) -> bool:
        return one.outcome is Outcome.FAILED and one.acceptable and one.name in names

    return tuple(msgspec.structs.replace(one, accepted=is_accepted(one)) for one in checks)


def refusing(checks: Sequence[Check]) -> tuple[Check, ...]:
    """Return those that failed and were not accepted: with one, there is no dataset."""
    return tuple(one for one in checks if one.outcome is Outcome.FAILED and not one.accepted)

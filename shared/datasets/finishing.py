"""Chosen rows -> a dataset's files: split, weighed, digested and described.

The rows are read twice. The first time, what the split and the weights need of each row is kept in a few numbers, 60 bytes
or so a row; the second time rows go by in pieces, whatever their number.
"""

import shutil
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from shared.datasets import splitting, weighing
from shared.datasets.canonical import Digest, canonical, dataset_schema
from shared.datasets.columns import ORIGINAL
from shared.datasets.describing import MLTABLE, mltable
from shared.datasets.keys import keys
from shared.datasets.manifest import Column, Part, Plan
from shared.datasets.parts import Parts
from shared.datasets.profiling import ColumnProfiles
from shared.datasets.reasons import SPANS_SPLIT
from shared.datasets.recipe import Weights
from shared.datasets.sampling import MILLION
from shared.datasets.splitting import SPLITS, Codes

ChosenRows = Callable[[], Iterator[pa.RecordBatch]]
"""Gives the chosen rows from the beginning, in the order of ``_id``.

They have ``_id``, ``_external_id``, ``_request_id``, ``_at``, the capture weight ``_weight``, the sampling weight ``_ppm`` in
millionths, the features, the feature that the split groups by, ``_actual`` and, where the recipe wants them, outputs. What
else they have is left out.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """What a manifest says of the rows and files; the files lie in the folder as they will be stored.

    Attributes:
        dataset: the digest of the rows, and so its name.
        rows: by split; 0 where there are none.
        excluded: captured rows that no split could take without taking others apart, by reason.
        columns: in their order.
        parts: the Parquet files.
    """

    dataset: str
    rows: dict[str, int]
    excluded: dict[str, int]
    columns: tuple[Column, ...]
    parts: tuple[Part, ...]


def finish(rows: ChosenRows, plan: Plan, folder: Path) -> Finished:
    """Write the files of a dataset to ``folder``, in place of those that an earlier attempt left there.

    Two rows with one id are for the checks to refuse.

    Raises:
        ValueError: the rows are not in the order of their ids.
    """
    seed = plan.recipe.sample.seed if plan.recipe.sample is not None else 0
    to_split, to_weigh = _looked_at(rows(), plan)
    splits = splitting.split(to_split, plan.recipe.split, seed=seed)
    del to_split
    weights = weighing.weights(to_weigh, splits == 0, plan.recipe.weights)
    del to_weigh
    for split in SPLITS:
        shutil.rmtree(folder / split, ignore_errors=True)
    schema = dataset_schema(plan.schema, plan.actual, outputs=plan.recipe.outputs)
    digest, profiles = Digest(schema), ColumnProfiles(schema)
    with Parts(folder, schema, SPLITS) as parts:
        for some in _ready(rows(), splits, weights, plan.actual):
            finished = canonical(some, schema)
            digest.add(finished)
            profiles.add(finished)
            parts.add(finished)
        written = parts.finish()
    (folder / MLTABLE).write_text(mltable(written), encoding="utf-8")
    return Finished(
        dataset=digest.hexdigest(),
        rows={split: int((splits == code).sum()) for code, split in enumerate(SPLITS)},
        excluded={SPANS_SPLIT: count} if (count := int((splits == splitting.SPANS).sum())) else {},
        columns=profiles.columns,
        parts=written,
    )


def _looked_at(batches: Iterator[pa.RecordBatch], plan: Plan) -> tuple[splitting.Rows, weighing.Rows]:
    """Return what the split and the weights go by.

    Raises:
        ValueError: the rows are not in the order of their ids.
    """
    group, classes = plan.recipe.split.group, _Classes(plan.recipe.weights)
    schema = _seen_schema(plan)
    seen = _in_order(canonical(pa.table(batch), schema) for batch in batches)
    pieces = [_piece(rows, group, classes) for rows in seen] or [_piece(schema.empty_table(), group, classes)]
    made = {name: np.concatenate([piece.pop(name) for piece in pieces]) for name in list(pieces[0])}
    return splitting.Rows(
        ids=made["ids"],
        requests=made["requests"],
        groups=made.get("groups"),
        has_group=made["has_group"],
        at=made["at"],
        is_original=made["is_original"],
    ), weighing.Rows(
        captured=made["captured"], drawn=made["drawn"], classes=made["classes"], names=classes.names, at=made["at"]
    )


def _seen_schema(plan: Plan) -> pa.Schema:
    """Return what is looked at of the rows: in the same types, whatever engine hands them over."""
    of_dataset = dataset_schema(plan.schema, plan.actual, outputs=False)
    kinds = {name: of_dataset.field(name).type for name in ("_id", "_request_id", "_at", "_weight")}
    group = plan.recipe.split.group
    if group is not None:
        # a feature that is not kept may still be what rows belong together by
        kinds[group] = of_dataset.field(group).type if group in of_dataset.names else pa.string()
    return pa.schema({**kinds, "_ppm": pa.int64(), "_actual": of_dataset.field(plan.actual).type})


def _piece(rows: pa.Table, group: str | None, classes: "_Classes") -> dict[str, NDArray[Any]]:
    ids, requests = keys(rows.column("_id")), rows.column("_request_id")
    groups = rows.column(group) if group is not None else None
    piece = {
        "ids": ids,
        "requests": np.where(requests.is_valid().to_numpy(), keys(requests), ids),
        "has_group": groups.is_valid().to_numpy() if groups is not None else np.zeros(len(ids), dtype=bool),
        "at": _integers(rows.column("_at"), missing=weighing.NO_TIME),
        "is_original": pc.starts_with(rows.column("_id"), ORIGINAL).to_numpy(),
        "captured": _integers(rows.column("_weight"), missing=1).astype(np.int32),
        "drawn": _integers(rows.column("_ppm"), missing=MILLION),
        "classes": classes.codes(rows.column("_actual")),
    }
    return piece if groups is None else {**piece, "groups": keys(groups)}


def _in_order(tables: Iterable[pa.Table]) -> Iterator[pa.Table]:
    last = ""
    for rows in tables:
        if not rows.num_rows:
            continue
        ids = pa.chunked_array([pa.array([last], rows.schema.field("_id").type), *rows.column("_id").chunks])
        if pc.any(pc.greater(ids[:-1], ids[1:])).as_py():
            raise ValueError(f"rows are not in the order of their ids, after {last!r}")
        last = ids[-1].as_py()
        yield rows


def _ready(
    batches: Iterator[pa.RecordBatch], splits: Codes, weights: NDArray[np.int64], actual: str
) -> Iterator[pa.Table]:
    """Give the rows that stay, with their split and weight."""
    names = pa.array(SPLITS, pa.string())
    start = 0
    for batch in batches:
        some = slice(start, start + batch.num_rows)
        start = some.stop
        stays = splits[some] != splitting.SPANS
        rows = pa.table(batch).drop_columns(["_weight"])
        rows = rows.rename_columns([actual if name == "_actual" else name for name in rows.column_names])
        rows = rows.filter(pa.array(stays))
        yield rows.append_column("_split", names.take(pa.array(splits[some][stays]))).append_column(
            "_weight", pa.array(weights[some][stays])
        )


class _Classes:
    """The classes of actuals, numbered as they come; none where weights do not go by them."""

    def __init__(self, asked: Weights) -> None:
        self._is_asked = asked.balanced or bool(asked.classes)
        self._codes: dict[str, int] = {}

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._codes)

    def codes(self, actuals: pa.ChunkedArray) -> NDArray[np.int32]:
        if not self._is_asked:
            return np.full(len(actuals), -1, dtype=np.int32)
        encoded = actuals.cast(pa.string()).combine_chunks().dictionary_encode()
        known = [self._codes.setdefault(one, len(self._codes)) for one in encoded.dictionary.to_pylist()]
        return np.array([*known, -1], dtype=np.int32)[_integers(encoded.indices, missing=-1)]


def _integers(column: pa.ChunkedArray | pa.Array, *, missing: int) -> NDArray[np.int64]:
    values: NDArray[np.int64] = pc.fill_null(column.cast(pa.int64()), missing).to_numpy()
    return values

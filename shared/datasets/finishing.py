"""Chosen rows -> a dataset's files: split, weighed, digested and described.

The rows are read twice. The first time, what the split and the weights need of each row is kept in a few numbers, 60 bytes
or so a row; the second time rows go by in pieces, whatever their number.
"""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from shared.datasets import splitting, weighing
from shared.datasets.canonical import Digest, canonical, dataset_schema
from shared.datasets.describing import MLTABLE, mltable
from shared.datasets.keys import keys
from shared.datasets.manifest import Column, Part, Plan
from shared.datasets.parts import Parts
from shared.datasets.profiling import ColumnProfiles
from shared.datasets.recipe import Weights
from shared.datasets.splitting import SPANS_SPLIT, SPLITS, Codes
from shared.sealing.tables.columns import TIME

ORIGINAL: Final = "original-"
"""What the ids of rows of original training data begin with; of captured rows they are UUIDs."""

ChosenRows = Callable[[], Iterator[pa.RecordBatch]]
"""Gives the chosen rows from the beginning, in the order of ``_id``.

They have ``_id``, ``_external_id``, ``_request_id``, ``_at``, the capture weight ``_weight``, the sampling weight ``_ppm`` in
millionths, the features, ``_actual`` and, where the recipe wants them, outputs. What else they have is left out.
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

    Raises:
        ValueError: the rows are not in the order of their ids, each once.
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
        ValueError: the rows are not in the order of their ids, each once.
    """
    group, classes = plan.recipe.split.group, _Classes(plan.recipe.weights)
    pieces = [_piece(batch, group, classes) for batch in _in_order(batches)] or [_piece(_no_rows(), None, classes)]
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


def _piece(batch: pa.RecordBatch, group: str | None, classes: "_Classes") -> dict[str, NDArray[Any]]:
    ids = _texts(batch.column("_id"))
    groups = _texts(batch.column(group)) if group is not None else None
    of_ids = keys(ids)
    piece = {
        "ids": of_ids,
        "requests": np.where(_valid(batch.column("_request_id")), keys(_texts(batch.column("_request_id"))), of_ids),
        "has_group": _valid(groups) if groups is not None else np.zeros(len(ids), dtype=bool),
        "at": _values(batch.column("_at").cast(TIME), missing=weighing.NO_TIME),
        "is_original": pc.starts_with(ids, ORIGINAL).to_numpy(zero_copy_only=False),
        "captured": _values(batch.column("_weight"), missing=1).astype(np.int32),
        "drawn": _values(batch.column("_ppm"), missing=weighing.MILLION),
        "classes": classes.codes(batch.column("_actual")),
    }
    return piece if groups is None else {**piece, "groups": keys(groups)}


def _no_rows() -> pa.RecordBatch:
    texts, numbers = ("_id", "_request_id", "_actual"), ("_weight", "_ppm")
    kinds = {**dict.fromkeys(texts, pa.string()), "_at": TIME, **dict.fromkeys(numbers, pa.int64())}
    return pa.RecordBatch.from_pylist([], pa.schema(kinds))


def _in_order(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    last = ""
    for batch in batches:
        if not batch.num_rows:
            continue
        ids = _texts(batch.column("_id"))
        if not (last < ids[0].as_py() and pc.all(pc.less(ids[:-1], ids[1:])).as_py() is not False):
            raise ValueError(f"rows are not in the order of their ids, each once, after {last!r}")
        last = ids[-1].as_py()
        yield batch


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

    def codes(self, actuals: pa.Array) -> NDArray[np.int32]:
        if not self._is_asked:
            return np.full(len(actuals), -1, dtype=np.int32)
        encoded = _texts(actuals).dictionary_encode()
        known = [self._codes.setdefault(one, len(self._codes)) for one in encoded.dictionary.to_pylist()]
        places = _values(encoded.indices, missing=-1)
        return np.array([*known, -1], dtype=np.int32)[places]


def _texts(column: pa.Array) -> pa.Array:
    plain = column.cast(column.type.value_type) if pa.types.is_dictionary(column.type) else column
    return plain.cast(pa.large_string())


def _valid(column: pa.Array) -> NDArray[np.bool_]:
    valid: NDArray[np.bool_] = pc.is_valid(column).to_numpy(zero_copy_only=False)
    return valid


def _values(column: pa.Array, *, missing: int) -> NDArray[np.int64]:
    values: NDArray[np.int64] = pc.fill_null(column.cast(pa.int64()), missing).to_numpy()
    return values

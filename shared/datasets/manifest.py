"""What is stored of a dataset: its manifest, and before that the plan it is built by."""

import hashlib
from datetime import datetime
from enum import StrEnum
from typing import Final, Literal

import msgspec

from shared.datasets.recipe import Recipe
from shared.documents import Document
from shared.registry.manifest import Task
from shared.schema import Schema

TRAIN: Final = "train"
VALIDATION: Final = "validation"
TEST: Final = "test"

SYSTEM_COLUMNS: Final = ("_id", "_external_id", "_request_id", "_at", "_split", "_weight")
"""What every dataset begins with; the features, the actual under its own name and, where they are wanted, outputs follow."""


class Use(StrEnum):
    """What an input is for.

    Rows are taken from ``predictions`` and ``original`` training data, and what turned out from ``actuals``. What they look
    like is said by the manifest of a ``version``, and what a drift-aware sample is held against by files of a ``baseline``:
    of both the plan holds what it took.
    """

    PREDICTIONS = "predictions"
    ACTUALS = "actuals"
    ORIGINAL = "original"
    VERSION = "version"
    BASELINE = "baseline"


OF_ROWS: Final = frozenset({Use.PREDICTIONS, Use.ORIGINAL})
"""The uses of inputs each of whose rows is in a dataset or is left out of it."""


class Input(msgspec.Struct, frozen=True, kw_only=True):
    """One file that the rows of a dataset depend on.

    Attributes:
        rows: of captured or original data; 0 of others.
        hour: of the predictions that it is about; None where it is about none.
        version: which answered them, or which it says something of; None of original training data.
    """

    use: Use
    path: str
    sha256: str
    size_bytes: int
    rows: int
    hour: str | None = None
    version: str | None = None


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """Hours under an alert that looks like a data fault: from ``start`` up to ``end``, which is not among them."""

    version: str
    start: str
    end: str
    alert: str


class BaselineCounts(msgspec.Struct, frozen=True, kw_only=True):
    """How the baseline's rows of one feature lie, for a drift-aware sample.

    Attributes:
        edges: of numbers: bin ``i`` holds the values in ``(edges[i - 1], edges[i]]``; empty of others.
        categories: of others, the values that the bins stand for; the last bin is of all others.
        rows: in each bin.
    """

    edges: tuple[float, ...] = ()
    categories: tuple[str, ...] = ()
    rows: tuple[int, ...]


class Plan(Document, frozen=True, kw_only=True):
    """Everything that the rows of a dataset depend on, so that the same plan gives the same rows anywhere.

    Attributes:
        recipe: with nothing left open: versions, start, end and as_of are said.
        task: of the model.
        schema: of all features and outputs, as they are captured: rows are chosen by features that are not kept as well.
        masked: what was done to features before they left the scorer, by name: they are kept as they are captured.
        actual: the name of the column of what turned out.
        time: the column of original training data that says when each row happened; None where there is none.
        inputs: in the order of their paths.
        faults: hours that are left out.
        baseline: by feature; empty unless the sample is drift-aware.
        not_predictions: rows that are no predictions and could not be taken, by what they are: failures, dead letters.
    """

    recipe: Recipe
    task: Task
    schema: Schema
    masked: dict[str, str] = msgspec.field(default_factory=dict)
    actual: str
    time: str | None = None
    inputs: tuple[Input, ...]
    faults: tuple[Fault, ...]
    baseline: dict[str, BaselineCounts]
    not_predictions: dict[str, int]

    @property
    def digest(self) -> str:
        """Return the SHA-256 of what it says: the name of its build."""
        return hashlib.sha256(msgspec.json.encode(self, order="deterministic")).hexdigest()

    @property
    def dates(self) -> tuple[str, ...]:
        """Return the dates that there are predictions of, in their order: a build goes day by day."""
        return tuple(sorted({one.hour[:10] for one in self.inputs if one.hour is not None}))


class Outcome(StrEnum):
    """What a check says."""

    OK = "ok"
    WARNED = "warned"
    FAILED = "failed"
    UNKNOWN = "unknown"


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """One check of a dataset.

    Attributes:
        name: schema, spans_split, missing_actuals, duplicates, told_by_feature, known_before, overlap, empty_part or drift.
        reason: in words, with the numbers; of what failed also what mends it.
        rows: ids of rows that it is about, the first twenty.
        acceptable: whether there may be a dataset although it failed, if whoever builds it says so.
        accepted: that it failed is accepted, by whoever built it.
    """

    name: str
    outcome: Outcome
    reason: str
    rows: tuple[str, ...] = ()
    acceptable: bool = True
    accepted: bool = False


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """One Parquet file of a dataset; ``file`` is from its folder."""

    file: str
    split: str
    sha256: str
    size_bytes: int
    rows: int


class Column(msgspec.Struct, frozen=True, kw_only=True):
    """One column: its name, its Arrow type, and what is in it.

    Attributes:
        missing: rows without a value.
        minimum: of numbers and times as text; None where there is no value, and of others.
        maximum: likewise.
        mean: of numbers.
        distinct: how many values a text or a boolean has; None of others, and past a thousand.
    """

    name: str
    type: str
    missing: int
    minimum: str | None = None
    maximum: str | None = None
    mean: float | None = None
    distinct: int | None = None


class DatasetManifest(Document, frozen=True, kw_only=True):
    """A dataset. It is written last: a folder without one is none.

    Attributes:
        dataset: its name: the SHA-256 of its canonical rows (``canonical``).
        build: the digest of its plan.
        plan_sha256: of the bytes of its plan, by which that is known again: another release may find another digest. None of
            datasets from when that was not said.
        state: ``erased`` where a subject whose rows it held was erased: nothing but this is left of it.
        recipe: with nothing left open.
        inputs: every file that its rows depend on.
        faults: hours that were left out, as alerts were when it was planned; None of datasets from when that was not listed.
        rows_in: predictions and rows of original training data, of which each is in ``rows`` or in ``excluded``.
        excluded: rows that are not in it, by reason.
        not_predictions: as the plan says.
        rows: in it, by split.
        columns: in their order.
        schema: of the features and outputs, as they are captured.
        masked: as the plan says, of the features that are in it.
        actual: the name of the column of what turned out.
        checks: what was checked before it was called ready.
        parts: its files.
        engine: what ran the build, and with which versions of what.
    """

    model: str
    dataset: str
    build: str
    plan_sha256: str | None = None
    state: Literal["ready", "erased"] = "ready"
    recipe: Recipe
    task: Task
    schema: Schema
    masked: dict[str, str] = msgspec.field(default_factory=dict)
    actual: str
    inputs: tuple[Input, ...]
    faults: tuple[Fault, ...] | None = None
    rows_in: int
    excluded: dict[str, int]
    not_predictions: dict[str, int]
    rows: dict[str, int]
    columns: tuple[Column, ...]
    checks: tuple[Check, ...]
    parts: tuple[Part, ...]
    engine: dict[str, str]
    built_at: datetime
    erased_at: datetime | None = None

    @property
    def predictions(self) -> int:
        """Return how many of the rows that were looked at are predictions, and no original training data."""
        return sum(one.rows for one in self.inputs if one.use is Use.PREDICTIONS)

"""Recipes: what a dataset is to be made of, as it is asked for and as it is stored with the result."""

import hashlib
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Final

import msgspec

from shared import config_files
from shared.errors import InvalidDocument, InvalidRecipe
from shared.hours import Hour
from shared.ids import is_name

Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
Positive = Annotated[float, msgspec.Meta(gt=0, le=1e6)]
Segment = str | bool

MOST_ROWS: Final = 1_000_000_000
_DAY: Final = timedelta(days=1)


class Sampling(StrEnum):
    """By which rule rows are left out where there are more than are wanted."""

    UNIFORM = "uniform"
    STRATIFIED = "stratified"
    RECENT_FIRST = "recent_first"
    DRIFT_AWARE = "drift_aware"
    UNCERTAINTY_FIRST = "uncertainty_first"


class SplitBy(StrEnum):
    """By what rows go to train, validation or test."""

    TIME = "time"
    GROUP = "group"


class WantedActuals(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which rows have to have turned out.

    Attributes:
        required: rows without an actual are left out; otherwise they are kept with none.
        delay: only what was known so long after each prediction counts, and rows younger than that at ``as_of`` are left
            out: of them only the actuals that come early are there, which are not like the others. None takes what is known
            by ``as_of``, whenever it came.
    """

    required: bool = True
    delay: timedelta | None = None


class Exclude(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which rows are left out.

    Attributes:
        data_faults: those of hours under an alert that looks like a data fault.
        canaries: those that were asked to see whether the app is alive, by their external ids.
        hours: those of these hours, as ``2026-03-01T09``.
    """

    data_faults: bool = True
    canaries: bool = True
    hours: tuple[str, ...] = ()


class Original(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Original training data to mix in: rows of the recipe's segments, from before its first hour if they say from when.

    Attributes:
        sha256: of its file, a Parquet file with the features and the actual, which was handed over before. It has the
            columns as well that ``segments`` and ``split.group`` name.
        share: of the dataset's rows, and of their weight; fewer where the file has not got so many.
    """

    sha256: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]
    share: Annotated[float, msgspec.Meta(gt=0, lt=1)]


class Weights(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How much rows count, beside what sampling makes of it.

    Attributes:
        balanced: every class counts as much as every other; for classification only.
        classes: or each class as is said here, 1 where nothing is said.
        half_life: a row that is so much older than the newest counts half.
    """

    balanced: bool = False
    classes: dict[str, Positive] = {}
    half_life: timedelta | None = None


class Sample(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The most rows that are taken, and by which rule.

    Attributes:
        rows: the most that are captured rows; original training data comes on top.
        by: the rule.
        strata: features by whose values rows are ``stratified``: each combination gets as many rows, as far as it has them.
        seed: another one takes other rows.
    """

    rows: Annotated[int, msgspec.Meta(ge=1, le=MOST_ROWS)]
    by: Sampling = Sampling.UNIFORM
    strata: tuple[str, ...] = ()
    seed: Annotated[int, msgspec.Meta(ge=0, lt=2**31)] = 0


class Split(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which share of the rows validation and test get; the rest is for training.

    Attributes:
        by: ``time``, the newest to test and those before them to validation; or ``group``, whole groups by chance.
        group: a feature, or ``_external_id``: rows with the same value stay together. Rows of one request do in any case.
    """

    by: SplitBy = SplitBy.TIME
    validation: Share = 0.0
    test: Share = 0.2
    group: str | None = None


class Tolerances(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How much of what is checked is tolerated before a dataset is called ready.

    Attributes:
        missing_actuals: the share of rows, of those old enough, without an actual.
        duplicates: the share of rows that have all features and the actual in common with another one.
        told_by_feature: how well one feature alone may tell the actual, from 0 (as chance) to 1 (always).
        known_before: the share of rows whose actual had happened before they were asked.
        overlap: the share of test and validation rows whose external id is in training as well.
        drift: Jensen-Shannon distance of a feature between training and test; past it is told, and refuses nothing.
    """

    missing_actuals: Share = 0.5
    duplicates: Share = 0.5
    told_by_feature: Share = 0.95
    known_before: Share = 0.01
    overlap: Share = 0.0
    drift: Share = 0.2


class Recipe(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a dataset is to be made of.

    Attributes:
        model: whose rows.
        versions: which answered them; none named means all that take the champion's features.
        start: the first hour, as ``2026-03-01T09``; None for the first that was captured.
        end: the first hour not taken; None for the watermark.
        as_of: only what was enqueued before it is known: no row and no actual comes from its future. None for the watermark.
        features: those that are kept, in the model's order; none named means all.
        actuals: which rows have to have turned out.
        segments: only rows with one of these values of a feature.
        exclude: rows that are left out.
        original: training data to mix in.
        weights: how much rows count.
        sample: how many are taken, and which; None takes all.
        split: into train, validation and test.
        outputs: whether what was answered is kept beside what turned out.
        tolerances: of the checks.
    """

    format: int = 1
    model: str
    versions: tuple[str, ...] = ()
    start: str | None = None
    end: str | None = None
    as_of: datetime | None = None
    features: tuple[str, ...] = ()
    actuals: WantedActuals = WantedActuals()
    segments: dict[str, tuple[Segment, ...]] = {}
    exclude: Exclude = Exclude()
    original: Original | None = None
    weights: Weights = Weights()
    sample: Sample | None = None
    split: Split = Split()
    outputs: bool = False
    tolerances: Tolerances = Tolerances()

    def __post_init__(self) -> None:
        problem = _problem(self)
        if problem:
            raise ValueError(problem)

    @property
    def digest(self) -> str:
        """Return the SHA-256 of what it says, however it was written."""
        return hashlib.sha256(msgspec.json.encode(self, order="deterministic")).hexdigest()


def parse(data: bytes, *, path: str) -> Recipe:
    """Read a recipe that was written to a file, in YAML or JSON.

    Raises:
        InvalidRecipe: it is neither, or says something that does not hold; the message names line and key.
    """
    try:
        return config_files.parse(data, Recipe, path=path)
    except InvalidDocument as refused:
        raise InvalidRecipe(str(refused)) from refused


def _problem(recipe: Recipe) -> str | None:
    """Return what does not hold, beginning with its key; None where everything does."""
    return (
        _problem_of_names(recipe) or _problem_of_time(recipe) or _problem_of_sample(recipe) or _problem_of_rest(recipe)
    )


def _problem_of_names(recipe: Recipe) -> str | None:
    if recipe.format != 1:
        return f"format is {recipe.format}, and this app reads 1: update the app"
    for key, names in (("model", (recipe.model,)), ("versions", recipe.versions)):
        for name in names:
            if not is_name(name):
                return f"{key} {name!r} is no name: lower-case letters, digits, '.', '_' and '-', 63 at most"
    for key, names in (("versions", recipe.versions), ("features", recipe.features)):
        if len(set(names)) < len(names):
            return f"{key} names one twice"
    return None


def _problem_of_time(recipe: Recipe) -> str | None:
    for key, hour in (
        ("start", recipe.start),
        ("end", recipe.end),
        *(("exclude.hours", one) for one in recipe.exclude.hours),
    ):
        if hour is not None and not _is_hour(hour):
            return f"{key} {hour!r} is no hour, as 2026-03-01T09 is"
    if recipe.start is not None and recipe.end is not None and recipe.end <= recipe.start:
        return "end is not after start"
    if recipe.as_of is not None and recipe.as_of.tzinfo is None:
        return "as_of has no time zone, as 2026-03-01T09:00:00Z has"
    if recipe.actuals.delay is not None and recipe.actuals.delay < timedelta(0):
        return "actuals.delay is a time from nothing up, such as PT6H or P3D"
    if recipe.weights.half_life is not None and recipe.weights.half_life < _DAY:
        return "weights.half_life is a day or more, such as P30D"
    return None


def _problem_of_sample(recipe: Recipe) -> str | None:
    if recipe.sample is None:
        return None
    if (recipe.sample.by is Sampling.STRATIFIED) != bool(recipe.sample.strata):
        return "sample.strata names the features that a stratified sample goes by, and nothing else has any"
    return None


def _problem_of_rest(recipe: Recipe) -> str | None:
    if recipe.split.validation + recipe.split.test >= 1:
        return "split leaves nothing for training: validation and test are less than 1 together"
    if (recipe.split.by is SplitBy.GROUP) and recipe.split.group is None:
        return "split.group says which rows belong together; _external_id, or a feature"
    if recipe.weights.balanced and recipe.weights.classes:
        return "weights.balanced and weights.classes say two things of the same"
    if not recipe.actuals.required and (recipe.weights.balanced or recipe.weights.classes):
        return "weights by class need actuals.required"
    return None


def _is_hour(text: str) -> bool:
    try:
        Hour.parse(text)
    except ValueError:
        return False
    return True

"""What a version takes and answers: named, typed features and outputs.

The schema is part of a version's manifest. Scoring validates against it, sealing takes its column types from it, and
profiles are cut for it. A schema that exists holds: whoever decodes or builds one that does not gets ``InvalidSchema``.
"""

import math
from collections.abc import Iterable
from enum import StrEnum
from typing import Final, Literal

import msgspec

from shared.errors import InvalidSchema

ANSWER: Final = "prediction"
"""The column of the first output; other outputs are columns ``prediction.<name>``."""

_NAME_LENGTH = 128


class FeatureType(StrEnum):
    """What a value is. ``category`` is a string out of a known list; ``string`` is any other."""

    FLOAT = "float"
    INTEGER = "integer"
    BOOLEAN = "boolean"
    CATEGORY = "category"
    STRING = "string"


NUMERIC: Final = frozenset({FeatureType.FLOAT, FeatureType.INTEGER})
TEXT: Final = frozenset({FeatureType.CATEGORY, FeatureType.STRING})


class Feature(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One named input of a model.

    Attributes:
        name: at most 128 printable characters, not beginning with ``_`` and not the name of an output's column.
        type: what its values are.
        nullable: whether a row may leave it out.
        minimum: smallest value of the training data; numeric features only. A smaller one is counted, not refused.
        maximum: largest value of the training data, likewise.
        categories: the known values of a ``category``, of which there is at least one; nothing for other types.
        unseen: what happens to a category that is not among them: counted, or refused.
        max_length: longest string accepted, in characters.

    Raises:
        InvalidSchema: on construction and on decoding, when one of these does not hold.
    """

    name: str
    type: FeatureType
    nullable: bool = False
    minimum: float | None = None
    maximum: float | None = None
    categories: tuple[str, ...] | None = None
    unseen: Literal["accept", "reject"] = "accept"
    max_length: int = 1024

    def __post_init__(self) -> None:
        problem = _problem_of_name(self.name) or _problem_of_range(self) or _problem_of_categories(self)
        if problem:
            raise InvalidSchema(feature=self.name, reason=problem)


class Output(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One named answer of a model; ``categories`` are the known values of a ``category``, of which there is one at least.

    Raises:
        InvalidSchema: the name is empty, or the categories do not fit the type.
    """

    name: str
    type: FeatureType
    categories: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        problem = _problem_of_text(self.name) or _problem_of_known(self.type, self.categories)
        if problem:
            raise InvalidSchema(feature=self.name, reason=problem)


class Schema(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The features a version takes, in the model's order, and the outputs it gives; the first output is the answer.

    Raises:
        InvalidSchema: there is no feature or no output, or a name stands there twice.
    """

    features: tuple[Feature, ...]
    outputs: tuple[Output, ...]

    def __post_init__(self) -> None:
        if not self.features:
            raise InvalidSchema(feature=None, reason="it has no features")
        if not self.outputs:
            raise InvalidSchema(feature=None, reason="it has no outputs")
        for names in ([feature.name for feature in self.features], [output.name for output in self.outputs]):
            twice = _first_double(names)
            if twice is not None:
                raise InvalidSchema(feature=twice, reason="the name stands there twice")

    @property
    def output_columns(self) -> tuple[str, ...]:
        """Return the column of each output: ``prediction`` first, then ``prediction.<name>``."""
        return (ANSWER, *(f"{ANSWER}.{output.name}" for output in self.outputs[1:]))


def _problem_of_text(name: str) -> str | None:
    if not name:
        return "the name is empty"
    if len(name) > _NAME_LENGTH:
        return f"the name has {len(name)} characters, and {_NAME_LENGTH} is the most"
    if not name.isprintable():
        return "the name has characters that cannot be printed"
    return None


def _problem_of_name(name: str) -> str | None:
    if name.startswith("_"):
        return "names beginning with _ belong to the system"
    if name == ANSWER or name.startswith(f"{ANSWER}."):
        return f"{ANSWER} and {ANSWER}.<name> are the columns of outputs"
    return _problem_of_text(name)


def _problem_of_range(feature: Feature) -> str | None:
    bounds = [bound for bound in (feature.minimum, feature.maximum) if bound is not None]
    if bounds and feature.type not in NUMERIC:
        return f"a {feature.type} has no range"
    if not all(math.isfinite(bound) for bound in bounds):
        return "its range is not finite"
    if len(bounds) == 2 and bounds[0] > bounds[1]:
        return f"its minimum {bounds[0]} is above its maximum {bounds[1]}"
    return None


def _problem_of_categories(feature: Feature) -> str | None:
    if feature.max_length < 1:
        return f"its longest string has {feature.max_length} characters"
    if any(len(category) > feature.max_length for category in feature.categories or ()):
        return f"a category is longer than {feature.max_length} characters"
    return _problem_of_known(feature.type, feature.categories)


def _problem_of_known(kind: FeatureType, categories: tuple[str, ...] | None) -> str | None:
    if kind is not FeatureType.CATEGORY:
        return None if categories is None else f"a {kind} has no categories"
    if not categories:
        return "a category needs its categories"
    return None if _first_double(categories) is None else "a category stands there twice"


def _first_double(names: Iterable[str]) -> str | None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            return name
        seen.add(name)
    return None

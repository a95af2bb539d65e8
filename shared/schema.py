"""What a version takes and answers: named, typed features and outputs, and what of the features leaves the scorer.

The schema is part of a version's manifest. Scoring validates against it; sealing takes its column types, and profiles
their bins, from what is captured of it. A schema that exists holds: whoever decodes or builds one that does not gets
``InvalidSchema``.
"""

import math
import re
from collections.abc import Iterable
from enum import StrEnum
from typing import Final, Literal, TypeAlias

import msgspec

from shared.errors import InvalidSchema

ANSWER: Final = "prediction"
"""The column of the first output; other outputs are columns ``prediction.<name>``."""

_NAME_LENGTH = 128
_HASHED = re.compile("[0-9a-f]{32}")


class FeatureType(StrEnum):
    """What a value is. ``category`` is a string out of a known list; ``string`` is any other."""

    FLOAT = "float"
    INTEGER = "integer"
    BOOLEAN = "boolean"
    CATEGORY = "category"
    STRING = "string"


NUMERIC: Final = frozenset({FeatureType.FLOAT, FeatureType.INTEGER})
TEXT: Final = frozenset({FeatureType.CATEGORY, FeatureType.STRING})


class Drop(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="how", tag="drop"):
    """Nothing of the feature leaves the scorer."""


class Hash(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, tag_field="how", tag="hash"):
    """A keyed hash stands for each value: equal values are seen to be equal, and that is all.

    Attributes:
        key: tells the key apart from others, and says that the feature's categories are hashed with it; None in a schema
            that is not registered yet, whose categories are plain.
    """

    key: str | None = None


class Coarsen(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="how", tag="coarsen"):
    """A number is rounded down to a multiple of ``step``; of a text, the first ``step`` characters are left."""

    step: int | float


Privacy: TypeAlias = Drop | Hash | Coarsen


class Feature(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One named input of a model.

    Attributes:
        name: at most 128 printable characters, not beginning with ``_`` and not the name of an output's column.
        type: what its values are.
        nullable: whether a row may leave it out.
        minimum: smallest value of the training data; numeric features only. A smaller one is counted, not refused.
        maximum: largest value of the training data, likewise.
        categories: the known values of a ``category``, of which there is at least one, unless it is dropped; nothing for
            other types.
        unseen: what happens to a category that is not among them: counted, or refused.
        max_length: longest string accepted, in characters.
        privacy: what is done to it before it leaves the scorer; None keeps it as it is.

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
    privacy: Privacy | None = None

    def __post_init__(self) -> None:
        problem = (
            _problem_of_name(self.name)
            or _problem_of_range(self)
            or _problem_of_privacy(self)
            or _problem_of_categories(self)
        )
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

    @property
    def probability_columns(self) -> tuple[str, ...]:
        """Return the columns of a classifier's probabilities of each class; of two classes, of the second alone."""
        pairs = zip(self.outputs, self.output_columns, strict=True)
        return tuple(column for output, column in pairs if output.name.partition(".")[0] == "probability")

    @property
    def captured(self) -> "Schema":
        """Return the schema of what leaves the scorer: of records, of sealed hours, of baselines and of profiles.

        Dropped features are not in it, perhaps leaving none. Hashed ones are texts: categories if they were. Coarsened
        ones keep their type.

        Raises:
            InvalidSchema: a feature is to be hashed, and the schema has not been through ``scoring.privacy`` yet.
        """
        if all(feature.privacy is None for feature in self.features):
            return self
        kept = [feature for feature in self.features if not isinstance(feature.privacy, Drop)]
        return _Captured(features=tuple(map(_captured, kept)), outputs=self.outputs)


class _Captured(Schema, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is captured of a schema that holds: it may be without features."""

    def __post_init__(self) -> None:
        """Leave out the checks that the schema has been through."""


def _captured(feature: Feature) -> Feature:
    if not isinstance(feature.privacy, Hash):
        return msgspec.structs.replace(feature, privacy=None)
    if feature.privacy.key is None:
        raise InvalidSchema(feature=feature.name, reason="it is to be hashed, and no key has been named for it yet")
    kind = FeatureType.CATEGORY if feature.type is FeatureType.CATEGORY else FeatureType.STRING
    return Feature(name=feature.name, type=kind, nullable=feature.nullable, categories=feature.categories)


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


def _problem_of_privacy(feature: Feature) -> str | None:
    if isinstance(feature.privacy, Coarsen):
        return _problem_of_step(feature.type, feature.privacy.step)
    if isinstance(feature.privacy, Drop) and feature.unseen == "reject":
        return "nothing of what is dropped is stored, its categories neither: it cannot refuse others"
    return None


def _problem_of_step(kind: FeatureType, step: float) -> str | None:
    if kind is FeatureType.BOOLEAN:
        return "a boolean cannot be coarsened"
    if not 0 < step < math.inf:
        return f"a step is above 0, and its step is {step}"
    if kind is not FeatureType.FLOAT and step != int(step):
        return f"a step of {step} is not a whole number, and its type is {kind}"
    if kind is FeatureType.INTEGER and step == 1:
        return "a step of 1 leaves an integer as it is"
    return None


def _problem_of_categories(feature: Feature) -> str | None:
    if feature.max_length < 1:
        return f"its longest string has {feature.max_length} characters"
    if isinstance(feature.privacy, Drop) and feature.categories is None:
        return None
    if isinstance(feature.privacy, Hash) and feature.privacy.key is not None:
        if not all(_HASHED.fullmatch(category) for category in feature.categories or ()):
            return "its hash names a key, and not all of its categories are hashes"
    elif any(len(category) > feature.max_length for category in feature.categories or ()):
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

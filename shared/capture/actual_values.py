"""Which values an actual may have: what can be stored at all, and what can be held against the answers of a model."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import IntEnum
from typing import Final, Self, TypeAlias

from shared.registry.manifest import Manifest, Task
from shared.schema import TEXT, FeatureType
from shared.scoring.validation import sort_of

Value: TypeAlias = float | int | bool | str

_LONGEST_TEXT: Final = 1_024
_EARLIEST: Final = datetime(2, 1, 1, tzinfo=UTC)
_LATEST: Final = datetime(9999, 1, 1, tzinfo=UTC)


class Numbers(IntEnum):
    """Which numbers may turn out; each sort holds the ones before it."""

    NONE = 0
    TRUTHS = 1
    """True and false, which are 1 and 0."""
    WHOLE = 2
    ANY = 3


_SAID: Final = {Numbers.TRUTHS: "true or false", Numbers.WHOLE: "a whole number", Numbers.ANY: "a number"}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What fits the answer of one version of a model at least.

    A category that no version knows fits as well: something that was not in the training data can turn out.
    """

    numbers: Numbers
    texts: bool

    @classmethod
    def by(cls, versions: Iterable[Manifest]) -> Self:
        """Return what these versions want together."""
        answers = [(version.schema.outputs[0].type, version.task) for version in versions]
        numbers = (_numbers(kind, task) for kind, task in answers)
        return cls(max(numbers, default=Numbers.NONE), any(kind in TEXT for kind, _ in answers))

    def fits(self, value: Value) -> bool:
        """Whether a value is of a type that some version answers with."""
        if isinstance(value, str):
            return self.texts
        if self.numbers is Numbers.ANY:
            return True
        if self.numbers is Numbers.WHOLE:
            return not isinstance(value, float) or value.is_integer()
        return self.numbers is Numbers.TRUTHS and value in {0, 1}

    def misfit(self, value: Value) -> str:
        """Return why a value does not fit, without the value."""
        wanted = [_SAID[self.numbers]] if self.numbers else []
        return f"{' or '.join([*wanted, *['a text'] * self.texts])} is wanted, not {sort_of(value)}"


def refusal_of_text(text: str) -> str | None:
    """Return why a text cannot be stored, or None."""
    return None if 0 < len(text) <= _LONGEST_TEXT else f"a text has 1 to {_LONGEST_TEXT} characters"


def refusal_of_time(at: datetime) -> str | None:
    """Return why a moment cannot be stored, or None."""
    if at.tzinfo is None:
        return "its time has no zone"
    if not _EARLIEST <= at < _LATEST:
        return "its time is in no year that a calendar in another zone has"
    return None


def refusal_of_value(value: Value) -> str | None:
    """Return why a value cannot be stored, whatever a model answers, or None."""
    if isinstance(value, str):
        return refusal_of_text(value)
    if isinstance(value, float) and not abs(value) < float("inf"):
        return "its value is not finite"
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        return "its value does not fit in 64 bits"
    return None


def _numbers(answer: FeatureType, task: Task) -> Numbers:
    if answer in TEXT:
        return Numbers.NONE
    if answer is FeatureType.BOOLEAN:
        return Numbers.TRUTHS
    # What is estimated in whole numbers may turn out between two of them; a class cannot.
    is_class = answer is FeatureType.INTEGER and task is Task.CLASSIFICATION
    return Numbers.WHOLE if is_class else Numbers.ANY

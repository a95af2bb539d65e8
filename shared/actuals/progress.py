"""How far the join of a model has come: its newest step, carried out or not, and what stands.

A step is written down as a whole, with everything it found, before anything of it counts; whoever finds one that is not
carried out does that first. So steps come one after the other, and each pair of a generation of predictions and one of
actuals is looked at in one step: that of the later of the two.
"""

from datetime import date, timedelta
from enum import StrEnum
from typing import Final

import msgspec

from shared.documents import Document

MOST_LISTED: Final = 100
"""So many of the actuals that were never found are remembered, the last ones."""


class By(StrEnum):
    """What an actual says its prediction by."""

    ID = "id"
    KEY = "key"


class StepFile(msgspec.Struct, frozen=True, kw_only=True):
    """What a step found of a version."""

    file: str
    size_bytes: int


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """Actuals whose predictions may still come, in one file.

    By prediction id, they are those that were not found. By external id all stand, since other predictions may carry it.

    Attributes:
        file: its name among the standing files.
        size_bytes: how long it is.
        by: what they are looked for by.
        since: the date they began to stand.
        rows: how many they are.
        missing: of how many no prediction was found so far.
    """

    file: str
    size_bytes: int
    by: By
    since: str
    rows: int
    missing: int

    def is_over(self, today: date, *, days: int) -> bool:
        """Whether all of them have stood for so many days."""
        return date.fromisoformat(self.since) + timedelta(days=days) < today


class Unknown(msgspec.Struct, frozen=True, kw_only=True):
    """An actual of which no prediction was found; without its external id, which may tell of a person."""

    id: str
    prediction_id: str | None


class Progress(Document, frozen=True, kw_only=True):
    """The newest step of a model.

    Attributes:
        step: its number.
        is_done: whether it was carried out.
        sources: the marks of the generations that it took.
        files: what it found, by version; kept until it is carried out.
        standing: the files of actuals that stand after it.
        received: how many actuals all steps took.
        unknown: how many of them were never found, and are not looked for any more.
        listed: the last of these.
    """

    step: int = 0
    is_done: bool = True
    sources: tuple[str, ...] = ()
    files: dict[str, StepFile] = msgspec.field(default_factory=dict)
    standing: tuple[Standing, ...] = ()
    received: int = 0
    unknown: int = 0
    listed: tuple[Unknown, ...] = ()

    @property
    def waiting(self) -> int:
        """Return how many actuals stand of which no prediction was found so far."""
        return sum(one.missing for one in self.standing)


def step_of(name: str) -> int:
    """Return the number of the step that wrote a file.

    >>> step_of("000012-1-0123456789abcdef.parquet")
    12
    """
    return int(name.partition("-")[0])


def file_of(step: int, what: str, sha256: str) -> str:
    """Return the name of a file that a step writes; another content has another name."""
    return f"{step:06}-{what}-{sha256[:16]}.parquet"

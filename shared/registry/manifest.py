"""What is stored about a model: its versions, its aliases, its baselines.

``models/<model>/<version>/manifest.json`` is immutable; ``aliases.json`` and ``baseline.json`` are swapped by ETag and
remember what they said before.
"""

from datetime import datetime
from enum import StrEnum
from typing import Final

import msgspec

from shared.documents import Document
from shared.schema import Schema

CHAMPION: Final = "champion"


class Task(StrEnum):
    """What kind of answer a model gives."""

    CLASSIFICATION = "classification"
    REGRESSION = "regression"


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """Where the model's runtime finds one output: the tensor's name, and the column of a two-dimensional one."""

    tensor: str
    column: int | None = None


class Manifest(Document, frozen=True, kw_only=True):
    """One version of one model.

    Attributes:
        schema: its features and outputs.
        sources: where each output comes from, in the order of the schema's outputs.
        flavour: what its file is: ``onnx``.
        files: SHA-256 of every file of the version, by the name it has beside the manifest.
        actual: the training data's column that the model predicts.
        time: the training data's column that says when each row happened, if there is one.
        training_data: SHA-256 of the training data's file.
    """

    model: str
    version: str
    task: Task
    schema: Schema
    sources: tuple[Source, ...]
    flavour: str
    files: dict[str, str]
    actual: str
    time: str | None = None
    training_data: str
    training_rows: int
    registered_at: datetime

    @property
    def model_file(self) -> str:
        """Return the name of the file that scores."""
        return next(name for name in self.files if name.endswith(f".{self.flavour}"))


class AliasChange(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the history of a model's aliases."""

    alias: str
    version: str | None
    at: datetime


class Aliases(Document, frozen=True, kw_only=True):
    """Which version each alias of a model names, and every change there was."""

    versions: dict[str, str] = msgspec.field(default_factory=dict)
    history: tuple[AliasChange, ...] = ()

    def naming(self, alias: str, version: str, *, at: datetime) -> "Aliases":
        """Return them with ``alias`` naming ``version``; unchanged when it already does."""
        if self.versions.get(alias) == version:
            return self
        change = AliasChange(alias=alias, version=version, at=at)
        return Aliases(versions={**self.versions, alias: version}, history=(*self.history, change))


class CurrentBaseline(Document, frozen=True, kw_only=True):
    """Which of a version's baselines is compared with, and since when; the last of ``history`` is the current one."""

    number: int
    history: tuple[tuple[int, datetime], ...]


def folder(model: str, version: str) -> str:
    """Return where everything about a version is stored, ending in a slash."""
    return f"models/{model}/{version}/"


def manifest_path(model: str, version: str) -> str:
    """Return where a version's manifest is stored."""
    return f"{folder(model, version)}manifest.json"


def aliases_path(model: str) -> str:
    """Return where a model's aliases are stored."""
    return f"models/{model}/aliases.json"


def baseline_name(number: int) -> str:
    """Return where one baseline of a version is, from the version's folder; it ends in a slash."""
    return f"baselines/{number}/"

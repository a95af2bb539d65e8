"""What is stored about a model: its versions, its aliases, its baselines.

``models/<model>/<version>/manifest.json`` is immutable; ``aliases.json`` and ``baseline.json`` are swapped by ETag and
remember what they said before.
"""

from datetime import datetime
from enum import StrEnum
from typing import Final, Literal, TypeAlias

import msgspec

from shared.documents import Document
from shared.errors import IsChampion, VersionRetired
from shared.schema import Schema

CHAMPION: Final = "champion"
CHALLENGER: Final = "challenger"
RETIRED: Final = "retired"

Alias: TypeAlias = Literal["champion", "challenger"]


class Task(StrEnum):
    """What kind of answer a model gives."""

    CLASSIFICATION = "classification"
    REGRESSION = "regression"


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """Where the model's runtime finds one output: the tensor's name, and the column of a two-dimensional one."""

    tensor: str
    column: int | None = None


class Lineage(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a version was made of what was captured; the SHA-256 of the file it learned from is its manifest's.

    Attributes:
        parent: the version that it was made in place of.
        start: the first hour whose predictions it learned from.
        end: the first hour that it did not learn from any more.
        trainer: the command that trained it, or the host that was asked to.
        trained_at: when that was.
        dataset: the dataset whose training part it learned from; None of versions that learned before there were any.
        decision: the path of the decision to retrain that it follows; None where it follows none.
    """

    parent: str
    start: str
    end: str
    trainer: str
    trained_at: datetime
    dataset: str | None = None
    decision: str | None = None


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
        trained_until: the latest time among the training data's rows; None where they have none, and of versions that were
            registered before it was looked for.
        classes: what the probabilities are of, in their order; None where there are none, where the training data does not say,
            and of versions that were registered before it was asked.
        lineage: how it was made of what was captured; None of versions that were made elsewhere.
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
    trained_until: datetime | None = None
    classes: tuple[int | str, ...] | None = None
    lineage: Lineage | None = None
    registered_at: datetime

    @property
    def model_file(self) -> str:
        """Return the name of the file that scores."""
        return next(name for name in self.files if name.endswith(f".{self.flavour}"))


class AliasChange(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the history of a model's aliases: what a version was named, or, where ``removed``, is named no more.

    That it was retired stands among them. A new champion takes the place of the one before without a line for that.
    """

    alias: str
    version: str | None
    at: datetime
    removed: bool = False


class Aliases(Document, frozen=True, kw_only=True):
    """What the versions of a model are, and every change there was.

    A retired version is neither champion nor challenger, and the champion is no challenger. One document says it all, so
    that whoever swaps it under its ETag cannot break this, whatever others do at the same time.

    Attributes:
        versions: the champion, by its alias; none where nobody was promoted.
        challengers: in the order they were named.
        retired: since when, by version.
    """

    versions: dict[str, str] = msgspec.field(default_factory=dict)
    challengers: tuple[str, ...] = ()
    retired: dict[str, datetime] = msgspec.field(default_factory=dict)
    history: tuple[AliasChange, ...] = ()

    def __post_init__(self) -> None:
        """Read documents from when a model had one challenger at most, which stands among the versions."""
        if (one := self.versions.get(CHALLENGER)) is None:
            return
        kept = {alias: version for alias, version in self.versions.items() if alias != CHALLENGER}
        msgspec.structs.force_setattr(self, "versions", kept)
        if one != self.champion and one not in self.challengers:
            msgspec.structs.force_setattr(self, "challengers", (one, *self.challengers))

    @property
    def champion(self) -> str | None:
        """Return the version that answers; None where nobody was promoted."""
        return self.versions.get(CHAMPION)

    def naming(self, alias: Alias, model: str, version: str, *, at: datetime) -> "Aliases":
        """Return them with ``alias`` naming a version of ``model``; unchanged when it already does.

        A challenger that becomes champion is a challenger no more.

        Raises:
            VersionRetired: it is to answer, or to be tried, and is retired.
            IsChampion: it is to be tried beside itself.
        """
        if version in self.retired:
            raise VersionRetired(model, version, at=self.retired[version])
        change = AliasChange(alias=alias, version=version, at=at)
        if alias == CHALLENGER:
            if version == self.champion:
                raise IsChampion(model, version)
            if version in self.challengers:
                return self
            return _changed(self, change, challengers=(*self.challengers, version))
        if version == self.champion:
            return self
        others = self.without_challenger(version, at=at)
        return _changed(others, change, versions={**self.versions, alias: version})

    def without_challenger(self, version: str, *, at: datetime) -> "Aliases":
        """Return them with a version not being a challenger; unchanged when it is none."""
        if version not in self.challengers:
            return self
        change = AliasChange(alias=CHALLENGER, version=version, at=at, removed=True)
        return _changed(self, change, challengers=tuple(one for one in self.challengers if one != version))

    def retiring(self, model: str, version: str, *, at: datetime) -> "Aliases":
        """Return them with a version of ``model`` retired, and no challenger; unchanged when it already is.

        Raises:
            IsChampion: it answers.
        """
        if version == self.champion:
            raise IsChampion(model, version)
        if version in self.retired:
            return self
        change = AliasChange(alias=RETIRED, version=version, at=at)
        return _changed(self.without_challenger(version, at=at), change, retired={**self.retired, version: at})

    def reinstating(self, version: str, *, at: datetime) -> "Aliases":
        """Return them with a version not retired, and neither champion nor challenger; unchanged when it was not."""
        if version not in self.retired:
            return self
        change = AliasChange(alias=RETIRED, version=version, at=at, removed=True)
        return _changed(self, change, retired={one: since for one, since in self.retired.items() if one != version})


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


def baseline_path(manifest: Manifest) -> str:
    """Return where it is stored which of a version's baselines is the current one."""
    return f"{folder(manifest.model, manifest.version)}baseline.json"


def baseline_name(number: int) -> str:
    """Return where one baseline of a version is, from the version's folder; it ends in a slash."""
    return f"baselines/{number}/"


def _changed(aliases: Aliases, change: AliasChange, **fields: object) -> Aliases:
    return msgspec.structs.replace(aliases, history=(*aliases.history, change), **fields)

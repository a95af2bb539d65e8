"""Which datasets there are, and what each says of itself."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

import msgspec

from shared import documents
from shared.blobs import Blobs
from shared.datasets.manifest import DatasetManifest
from shared.datasets.paths import manifest_path, model_folder
from shared.datasets.requests import ID_DIGITS, Request, Requests
from shared.errors import DatasetErased, UnknownDataset, UnknownModel
from shared.registry.store import Registry

SHORTEST: Final = 6
"""So many digits of a dataset's name say which is meant, if no other begins with them."""

_NAME = re.compile(r"[0-9a-f]{64}")
_ID = re.compile(rf"[0-9a-f]{{{ID_DIGITS}}}")
_MOST_NAMED: Final = 5
_SEVERAL: Final = "begins several datasets"
_TOO_SHORT: Final = f"is too short ({SHORTEST} digits at least)"


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """The head of a dataset: what it was made of, and how many rows are in each of its parts."""

    dataset: str
    state: Literal["ready", "erased"]
    built_at: datetime
    erased_at: datetime | None
    versions: tuple[str, ...]
    start: str | None
    end: str | None
    as_of: datetime | None
    rows: dict[str, int]


class ModelDatasets(msgspec.Struct, frozen=True, kw_only=True):
    """The datasets of a model, the newest first."""

    model: str
    datasets: tuple[Listed, ...]


@dataclass(slots=True)
class Datasets:
    """Finds datasets; what has no manifest is none."""

    blobs: Blobs
    registry: Registry
    requests: Requests

    async def of(self, model: str) -> ModelDatasets:
        """Return the datasets of a model; erased ones are among them, and say so.

        Raises:
            UnknownModel: the model is not registered.
        """
        return ModelDatasets(model=model, datasets=tuple(_listed(one) for one in await self._manifests(model)))

    async def find(self, model: str, name: str) -> DatasetManifest:
        """Return the manifest of the dataset that is called so, or whose name alone begins so; an erased one has one too.

        Raises:
            UnknownModel: the model is not registered.
            UnknownDataset: there is none, or several; it says which there are.
        """
        found = await self._beginning(model, name)
        if len(found) == 1:
            return found[0]
        if found:
            raise UnknownDataset(model, name, reason=_SEVERAL, known=_short(found))
        known = await self._manifests(model)
        reason = "is none of its datasets" if len(name) >= SHORTEST else _TOO_SHORT
        raise UnknownDataset(
            model, name, reason=reason if known else "is not there: it has no datasets", known=_short(known)
        )

    async def find_anywhere(self, name: str) -> DatasetManifest:
        """Return the manifest of the dataset that is called so, or whose name alone begins so, of whichever model.

        Raises:
            UnknownDataset: there is none, or several; it says which there are.
        """
        models = await self.registry.models()
        found = [one for model in models for one in await self._beginning(model, name)]
        if len(found) == 1:
            return found[0]
        known = tuple(f"{one.dataset[:12]} of {one.model}" for one in found[:_MOST_NAMED])
        reason = _SEVERAL if found else "is none of its datasets" if len(name) >= SHORTEST else _TOO_SHORT
        raise UnknownDataset(", ".join(models) or "no model", name, reason=reason, known=known)

    async def with_rows(self, model: str, name: str) -> DatasetManifest:
        """Return the manifest of a dataset whose rows are there, found as by ``find``.

        Raises:
            UnknownModel: the model is not registered.
            UnknownDataset: there is none, or several.
            DatasetErased: its rows were erased.
        """
        found = await self.find(model, name)
        if found.state == "erased":
            raise DatasetErased(model, found.dataset, at=found.erased_at or found.built_at)
        return found

    async def show(self, model: str, name: str) -> Request | DatasetManifest:
        """Return the request that is called so, or else the manifest of the dataset.

        Raises:
            UnknownModel: the model is not registered.
            UnknownDataset: there is neither.
        """
        if not await self.registry.has(model):
            raise UnknownModel(model)
        # What is no name of either is not looked for: it may be a path.
        request = await self.requests.find(model, name) if _ID.fullmatch(name) else None
        return request or await self.find(model, name)

    async def _beginning(self, model: str, name: str) -> list[DatasetManifest]:
        """Return those that a name may mean."""
        names = [one for one in await self._names(model) if len(name) >= SHORTEST and one.startswith(name)]
        return await self._read(model, names)

    async def _names(self, model: str) -> list[str]:
        if not await self.registry.has(model):
            raise UnknownModel(model)
        folders = [one.rstrip("/").rsplit("/", 1)[-1] for one in await self.blobs.folders(model_folder(model))]
        return [one for one in folders if _NAME.fullmatch(one)]

    async def _manifests(self, model: str) -> list[DatasetManifest]:
        return await self._read(model, await self._names(model))

    async def _read(self, model: str, names: Iterable[str]) -> list[DatasetManifest]:
        """Return those manifests that there are, the newest first."""
        found = [await documents.find(self.blobs, manifest_path(model, one), DatasetManifest) for one in names]
        return sorted((one for one in found if one), key=lambda one: (one.built_at, one.dataset), reverse=True)


def _listed(manifest: DatasetManifest) -> Listed:
    recipe = manifest.recipe
    return Listed(
        dataset=manifest.dataset,
        state=manifest.state,
        built_at=manifest.built_at,
        erased_at=manifest.erased_at,
        versions=recipe.versions,
        start=recipe.start,
        end=recipe.end,
        as_of=recipe.as_of,
        rows=manifest.rows,
    )


def _short(manifests: Iterable[DatasetManifest]) -> tuple[str, ...]:
    """Return names as people write them, of the first few, each long enough to differ from all the others."""
    names = [one.dataset for one in manifests]
    digits = next(size for size in range(12, 65) if len({one[:size] for one in names}) == len(names))
    return tuple(one[:digits] for one in names[:_MOST_NAMED])

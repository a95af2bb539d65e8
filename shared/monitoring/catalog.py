"""What people ask about models: which there are, what answers, how it is doing."""

import asyncio
from dataclasses import dataclass

import msgspec

from shared.monitoring.evaluation import Evaluation, Evaluations
from shared.registry.manifest import CHAMPION, Manifest
from shared.registry.store import Registry


class ModelEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A model: its versions, first registered first, and which one each alias names."""

    model: str
    versions: tuple[str, ...]
    aliases: dict[str, str]


class ModelList(msgspec.Struct, frozen=True, kw_only=True):
    """Every model."""

    models: tuple[ModelEntry, ...]


@dataclass(slots=True)
class Catalog:
    """Answers from the registry and the evaluations."""

    registry: Registry
    evaluations: Evaluations

    async def models(self) -> ModelList:
        """Return every model with a version."""
        names = await self.registry.models()
        return ModelList(models=tuple(await asyncio.gather(*map(self.model, names))))

    async def model(self, model: str) -> ModelEntry:
        """Return one model.

        Raises:
            UnknownModel: it has no version.
        """
        versions = await self.registry.versions(model)
        aliases = await self.registry.aliases(model)
        return ModelEntry(
            model=model, versions=tuple(manifest.version for manifest in versions), aliases=aliases.versions
        )

    async def version(self, model: str, version: str) -> Manifest:
        """Return the manifest of a version.

        Raises:
            UnknownModel: it is not registered.
        """
        return await self.registry.manifest(model, version)

    async def evaluation(self, model: str) -> Evaluation:
        """Return the newest evaluation of the version that answers, or of the last registered where none does.

        Raises:
            UnknownModel: the model has no version.
            NoEvaluation: it was not evaluated yet.
        """
        versions = await self.registry.versions(model)
        champion = (await self.registry.aliases(model)).versions.get(CHAMPION)
        return await self.evaluations.newest(model, champion or versions[-1].version)

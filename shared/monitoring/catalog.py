"""What people ask about models: which there are, what answers, how it is doing."""

import asyncio
from dataclasses import dataclass
from datetime import datetime

import msgspec

from shared.monitoring.evaluation import Evaluation, Evaluations
from shared.registry.manifest import Manifest
from shared.registry.store import Registry


class ModelEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A model: its versions, first registered first, and what they are.

    Attributes:
        aliases: the champion, if there is one.
        challengers: in the order they were named.
        retired_at: since when versions are retired, by version.
    """

    model: str
    versions: tuple[str, ...]
    aliases: dict[str, str]
    challengers: tuple[str, ...]
    retired_at: dict[str, datetime]


class VersionEntry(Manifest, frozen=True, kw_only=True):
    """A version: its manifest, and since when it is retired; None while it is not."""

    retired_at: datetime | None


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
            model=model,
            versions=tuple(manifest.version for manifest in versions),
            aliases=aliases.versions,
            challengers=aliases.challengers,
            retired_at=aliases.retired,
        )

    async def version(self, model: str, version: str) -> VersionEntry:
        """Return one version.

        Raises:
            UnknownModel: it is not registered.
        """
        manifest = await self.registry.manifest(model, version)
        retired_at = (await self.registry.aliases(model)).retired.get(version)
        return VersionEntry(**msgspec.structs.asdict(manifest), retired_at=retired_at)

    async def evaluation(self, model: str) -> Evaluation:
        """Return the newest evaluation of the version that answers, or of the last registered one in use where none does.

        Raises:
            UnknownModel: the model has no version.
            NoEvaluation: it was not evaluated yet.
        """
        aliases = await self.registry.aliases(model)
        names = [manifest.version for manifest in await self.registry.versions(model)]
        in_use = [name for name in names if name not in aliases.retired]
        return await self.evaluations.newest(model, aliases.champion or (in_use or names)[-1])

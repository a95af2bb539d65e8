"""The registry: which models and versions there are."""

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from shared import documents
from shared.blobs import Blobs
from shared.clock import Clock
from shared.errors import (
    BlobMissing,
    ChampionChanged,
    InvalidDocument,
    UnknownModel,
    VersionRetired,
)
from shared.ids import is_name
from shared.monitor_config import MonitorConfig, monitor_config_path, parse
from shared.registry.manifest import (
    Alias,
    Aliases,
    CurrentBaseline,
    Manifest,
    baseline_name,
    baseline_path,
    folder,
    manifest_path,
)
from shared.registry.recent import RecentAliases
from shared.registry.registering import May, Registering, digest_of, unasked


@dataclass(slots=True)
class Registry:
    """Models and versions, by name. Manifests never change and are kept; aliases are read again after 5 seconds."""

    blobs: Blobs
    clock: Clock
    monotonic: Callable[[], float] = time.monotonic
    _manifests: dict[tuple[str, str], Manifest] = field(default_factory=dict)
    _recent: RecentAliases = field(init=False)

    def __post_init__(self) -> None:
        self._recent = RecentAliases(self.blobs, self.monotonic)

    async def manifest(self, model: str, version: str) -> Manifest:
        """Return the manifest of a version.

        Raises:
            UnknownModel: it is not registered.
        """
        known = self._manifests.get((model, version))
        if known is not None:
            return known
        if not (is_name(model) and is_name(version)):
            raise UnknownModel(model, version)
        try:
            manifest, _ = await documents.read(self.blobs, manifest_path(model, version), Manifest)
        except BlobMissing:
            raise UnknownModel(model, version) from None
        self._manifests[model, version] = manifest
        return manifest

    async def answering(self, model: str) -> Manifest:
        """Return the manifest of the champion: the version that answers for the model.

        Raises:
            UnknownModel: there is no such model, or none of its versions was promoted.
        """
        champion = (await self.aliases(model)).champion
        if champion is None:
            raise UnknownModel(model)
        return await self.manifest(model, champion)

    async def challengers(self, model: str) -> list[Manifest]:
        """Return the manifests of the versions that are tried beside the champion, in the order they were named."""
        named = (await self.aliases(model)).challengers
        return list(await asyncio.gather(*(self.manifest(model, version) for version in named)))

    async def refuse_retired(self, manifest: Manifest) -> None:
        """See that a version is in use, by what was so at most 5 seconds ago.

        Raises:
            VersionRetired: it is not.
        """
        aliases = await self._recent.of(manifest.model, registered=True)
        if manifest.version in aliases.retired:
            raise VersionRetired(manifest.model, manifest.version, at=aliases.retired[manifest.version])

    async def aliases(self, model: str) -> Aliases:
        """Return a model's aliases, at most 5 seconds old; no aliases for a model that has none.

        They are older while storage does not answer: what they named last goes on answering.
        """
        return await self._recent.of(model) if is_name(model) else Aliases()

    async def models(self) -> list[str]:
        """Return the names of the models that have a version, sorted."""
        names = [path.split("/")[1] for path in await self.blobs.folders("models/")]
        return [name for name in names if await self.has(name)]

    async def versions(self, model: str) -> list[Manifest]:
        """Return the manifests of a model's versions, first registered first.

        Raises:
            UnknownModel: it has none.
        """
        folders = await self.blobs.folders(f"models/{model}/") if is_name(model) else []
        found = await asyncio.gather(
            *(self.manifest(model, path.split("/")[2]) for path in folders), return_exceptions=True
        )
        manifests = [one for one in found if isinstance(one, Manifest)]
        for one in found:
            # A version whose registration has not come to its end has no manifest yet: it is not there.
            if isinstance(one, BaseException) and not isinstance(one, UnknownModel):
                raise one
        if not manifests:
            raise UnknownModel(model)
        return sorted(manifests, key=lambda manifest: manifest.registered_at)

    async def knows(self, model: str, version: str) -> bool:
        """Whether the version is registered, looked up afresh unless it is known to be."""
        try:
            await self.manifest(model, version)
        except UnknownModel:
            return False
        return True

    async def has(self, model: str) -> bool:
        """Whether any version of the model is registered, looked up afresh unless one is known to be."""
        if any(known == model for known, _ in self._manifests):
            return True
        try:
            await self.versions(model)
        except UnknownModel:
            return False
        return True

    async def file(self, manifest: Manifest, name: str) -> bytes:
        """Return one file of a version.

        Raises:
            InvalidDocument: it is not the one that was registered; registering that again puts it back.
        """
        path = folder(manifest.model, manifest.version) + name
        data = (await self.blobs.read(path)).data
        # Of a large file it takes longer than others, whose requests are answered meanwhile, should wait.
        if await asyncio.to_thread(digest_of, data) != manifest.files[name]:
            raise InvalidDocument(path, reason="its SHA-256 is not the one in the manifest")
        return data

    async def register(self, manifest: Manifest, *, files: Mapping[str, bytes], may: May = unasked) -> Manifest:
        """Store a new version with its files, its first baseline among them; the manifest, last, makes it exist.

        The same version with the same bytes may be registered again, which finishes what was interrupted, and puts back
        files that are no longer what the manifest says: two that register the same version with other bytes at the same
        time write over each other's files, and only one of them has the manifest.

        Args:
            manifest: of the version.
            files: by the names they have beside it.
            may: raises a fault where it may not be after all. It is asked once the files are there, which are taken back
                then: whatever they have to go with, such as an erasure, finds them or is found by it.

        Raises:
            AlreadyRegistered: the version exists with another schema or other bytes.
        """
        return await Registering(self.blobs, manifest, files, may).register()

    async def promote(self, model: str, version: str, *, alias: Alias, instead_of: str | None = None) -> Aliases:
        """Make ``alias`` name ``version``, and return the model's aliases.

        There is one champion, and the version that answered before does no more; challengers are added to the others.

        Args:
            model: which.
            version: of it.
            alias: what it becomes.
            instead_of: the champion that it is named in place of, or beside; None for whichever there is.

        Raises:
            UnknownModel: the version is not registered.
            VersionRetired: it is retired.
            IsChampion: it answers, and cannot be tried beside itself.
            ChampionChanged: the champion is neither the one it is named in place of, nor the version itself.
        """
        await self.manifest(model, version)
        now = self.clock.now()

        def named(old: Aliases) -> Aliases:
            if instead_of is not None and old.champion not in {instead_of, version}:
                raise ChampionChanged(model, version, instead_of=instead_of, champion=old.champion)
            return old.naming(alias, model, version, at=now)

        return await self._recent.swap(model, named)

    async def remove_challenger(self, model: str, version: str) -> Aliases:
        """See that a version is no challenger, and return the model's aliases.

        Raises:
            UnknownModel: the version is not registered.
        """
        await self.manifest(model, version)
        now = self.clock.now()
        return await self._recent.swap(model, lambda old: old.without_challenger(version, at=now))

    async def retire(self, model: str, version: str) -> Aliases:
        """Take a version out of use, and return the model's aliases; what is stored of it stays.

        Raises:
            UnknownModel: the version is not registered.
            IsChampion: it answers.
        """
        await self.manifest(model, version)
        now = self.clock.now()
        return await self._recent.swap(model, lambda old: old.retiring(model, version, at=now))

    async def reinstate(self, model: str, version: str) -> Aliases:
        """Take it back that a version was retired, and return the model's aliases.

        Raises:
            UnknownModel: the version is not registered.
        """
        await self.manifest(model, version)
        now = self.clock.now()
        return await self._recent.swap(model, lambda old: old.reinstating(version, at=now))

    async def monitor_config(self, model: str) -> MonitorConfig:
        """Return how a model is monitored now, read afresh.

        Raises:
            InvalidDocument: what was written down cannot be read.
        """
        path = monitor_config_path(model)
        try:
            return parse((await self.blobs.read(path)).data, path=path)
        except BlobMissing:
            return MonitorConfig()

    async def current_baseline(self, manifest: Manifest) -> str:
        """Return the folder of the baseline that a version is compared with."""
        current = await self.baselines_of(manifest)
        return folder(manifest.model, manifest.version) + baseline_name(current.number)

    async def baselines_of(self, manifest: Manifest) -> CurrentBaseline:
        """Return which baseline a version is compared with, and which ones were before."""
        return (await documents.read(self.blobs, baseline_path(manifest), CurrentBaseline))[0]

    async def accept_baseline(self, manifest: Manifest, number: int) -> CurrentBaseline:
        """Make a baseline, whose files are written, the one that a version is compared with."""
        now = self.clock.now()

        def accepted(old: CurrentBaseline | None) -> CurrentBaseline:
            if old is None:
                raise BlobMissing(baseline_path(manifest))
            return CurrentBaseline(number=number, history=(*old.history, (number, now)))

        return await documents.swap(self.blobs, baseline_path(manifest), CurrentBaseline, accepted)

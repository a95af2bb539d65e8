"""The registry: which models and versions there are."""

import asyncio
import hashlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

import msgspec

from shared import documents
from shared.blobs import Blobs
from shared.clock import Clock
from shared.errors import (
    AlreadyRegistered,
    BlobChanged,
    BlobMissing,
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
    folder,
    manifest_path,
)
from shared.registry.recent import RecentAliases

_TOLD: Final = ("registered_at", "files", "trained_until", "classes", "lineage")
"""What says how a version came to be, or is made of what was given, perhaps otherwise by another release."""


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
        if await asyncio.to_thread(_digest, data) != manifest.files[name]:
            raise InvalidDocument(path, reason="its SHA-256 is not the one in the manifest")
        return data

    async def register(self, manifest: Manifest, *, files: Mapping[str, bytes]) -> Manifest:
        """Store a new version with its files, its first baseline among them; the manifest, last, makes it exist.

        The same version with the same bytes may be registered again, which finishes what was interrupted, and puts back
        files that are no longer what the manifest says: two that register the same version with other bytes at the same
        time write over each other's files, and only one of them has the manifest.

        Raises:
            AlreadyRegistered: the version exists with another schema or other bytes.
        """
        known = await documents.find(self.blobs, manifest_path(manifest.model, manifest.version), Manifest)
        if known is not None:
            _refuse_another(known, manifest)
            for name, data in files.items():
                if known.files.get(name) == _digest(data):
                    await self._place(folder(manifest.model, manifest.version) + name, data)
            return known
        for name, data in files.items():
            await self._place(folder(manifest.model, manifest.version) + name, data)
        first = CurrentBaseline(number=1, history=((1, manifest.registered_at),))
        await documents.swap(
            self.blobs,
            _baseline_path(manifest),
            CurrentBaseline,
            lambda old: old or first,
        )

        def once(old: Manifest | None) -> Manifest:
            if old is not None:
                _refuse_another(old, manifest)
            return old or manifest

        return await documents.swap(self.blobs, manifest_path(manifest.model, manifest.version), Manifest, once)

    async def promote(self, model: str, version: str, *, alias: Alias) -> Aliases:
        """Make ``alias`` name ``version``, and return the model's aliases.

        There is one champion, and the version that answered before does no more; challengers are added to the others.

        Raises:
            UnknownModel: the version is not registered.
            VersionRetired: it is retired.
            IsChampion: it answers, and cannot be tried beside itself.
        """
        await self.manifest(model, version)
        now = self.clock.now()
        return await self._recent.swap(model, lambda old: old.naming(alias, model, version, at=now))

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
        return (await documents.read(self.blobs, _baseline_path(manifest), CurrentBaseline))[0]

    async def accept_baseline(self, manifest: Manifest, number: int) -> CurrentBaseline:
        """Make a baseline, whose files are written, the one that a version is compared with."""
        now = self.clock.now()

        def accepted(old: CurrentBaseline | None) -> CurrentBaseline:
            if old is None:
                raise BlobMissing(_baseline_path(manifest))
            return CurrentBaseline(number=number, history=(*old.history, (number, now)))

        return await documents.swap(self.blobs, _baseline_path(manifest), CurrentBaseline, accepted)

    async def _place(self, path: str, data: bytes) -> None:
        """Write a file of a version: what another try left there is replaced."""
        try:
            await self.blobs.create(path, data)
        except BlobChanged:
            left = await self.blobs.read(path)
            if left.data != data:
                await self.blobs.replace(path, data, etag=left.etag)


def _baseline_path(manifest: Manifest) -> str:
    return f"{folder(manifest.model, manifest.version)}baseline.json"


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _refuse_another(known: Manifest, manifest: Manifest) -> None:
    """Compare what was given: a baseline's files are made from it, and another release of a library may write them otherwise."""
    given = msgspec.structs.replace(manifest, **{name: getattr(known, name) for name in _TOLD})
    if known.files[known.model_file] != manifest.files[manifest.model_file]:
        raise AlreadyRegistered(known.model, known.version, what="file")
    for name in Manifest.__struct_fields__:
        if getattr(known, name) != getattr(given, name):
            raise AlreadyRegistered(known.model, known.version, what=name.replace("_", " "))

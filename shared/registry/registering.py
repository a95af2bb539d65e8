"""Register a version: its files first, and its manifest, which makes it exist, last."""

import contextlib
import hashlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

import msgspec

from shared import documents
from shared.blobs import Blobs
from shared.errors import AlreadyRegistered, BlobChanged, BlobMissing, Fault
from shared.registry.manifest import CurrentBaseline, Manifest, baseline_path, folder, manifest_path

_TOLD: Final = ("registered_at", "files", "trained_until", "classes", "lineage")
"""What says how a version came to be, or is made of what was given, perhaps otherwise by another release."""

May: TypeAlias = Callable[[], Awaitable[None]]
"""Raises a fault where a version may not be."""


async def unasked() -> None:
    """Have nothing against it."""


@dataclass(frozen=True, slots=True)
class Registering:
    """One version that is to be: arguments as of ``Registry.register``."""

    blobs: Blobs
    manifest: Manifest
    files: Mapping[str, bytes]
    may: May

    async def register(self) -> Manifest:
        """Store it, or what of it is missing or damaged, and return its manifest."""
        known = await documents.find(self.blobs, self._path, Manifest)
        if known is not None:
            _refuse_another(known, self.manifest)
            await self.may()
            for name, data in self.files.items():
                if known.files.get(name) == digest_of(data):
                    await self._place(name, data)
            return known
        for name, data in self.files.items():
            await self._place(name, data)
        try:
            await self.may()
        except Fault:
            await self._take_back()
            raise
        first = CurrentBaseline(number=1, history=((1, self.manifest.registered_at),))
        await documents.swap(self.blobs, baseline_path(self.manifest), CurrentBaseline, lambda old: old or first)
        return await documents.swap(self.blobs, self._path, Manifest, self._once)

    @property
    def _path(self) -> str:
        return manifest_path(self.manifest.model, self.manifest.version)

    @property
    def _folder(self) -> str:
        return folder(self.manifest.model, self.manifest.version)

    def _once(self, old: Manifest | None) -> Manifest:
        if old is not None:
            _refuse_another(old, self.manifest)
        return old or self.manifest

    async def _place(self, name: str, data: bytes) -> None:
        """Write a file: what another try left there is replaced."""
        path = f"{self._folder}{name}"
        try:
            await self.blobs.create(path, data)
        except BlobChanged:
            left = await self.blobs.read(path)
            if left.data != data:
                await self.blobs.replace(path, data, etag=left.etag)

    async def _take_back(self) -> None:
        """Delete the files of a version that has come to nothing; of one that somebody else has registered none."""
        if await documents.find(self.blobs, self._path, Manifest) is None:
            for path in [one.path async for one in self.blobs.under(self._folder)]:
                with contextlib.suppress(BlobMissing):
                    await self.blobs.delete(path)


def digest_of(data: bytes) -> str:
    """Return the SHA-256 by which a manifest names a file."""
    return hashlib.sha256(data).hexdigest()


def _refuse_another(known: Manifest, manifest: Manifest) -> None:
    """Compare what was given: a baseline's files are made from it, and another release of a library may write them otherwise."""
    given = msgspec.structs.replace(manifest, **{name: getattr(known, name) for name in _TOLD})
    if known.files[known.model_file] != manifest.files[manifest.model_file]:
        raise AlreadyRegistered(known.model, known.version, what="file")
    for name in Manifest.__struct_fields__:
        if getattr(known, name) != getattr(given, name):
            raise AlreadyRegistered(known.model, known.version, what=name.replace("_", " "))

"""Datasets: what was built is reduced to its manifest, and what is being built, or was handed over, is deleted.

Their names are digests of their content, so nothing of them can be rewritten and keep its name.
"""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final

import msgspec

from shared import documents
from shared.actuals.joined_hour import JoinedHour
from shared.actuals.paths import JOINS
from shared.blobs import Blobs
from shared.clock import Clock
from shared.datasets.manifest import Check, Column, DatasetManifest, Plan
from shared.datasets.paths import MANIFEST_FILE, builds_folder, manifest_path, model_folder, originals_folder
from shared.erasing.copies import held
from shared.erasing.subject import Subject
from shared.errors import BlobMissing, InvalidDocument
from shared.sealing.hours.hour import HourManifest

_PARQUET: Final = ".parquet"
_PLAN: Final = "plan.json"
_REMOVED: Final = "what it said went with the rows"


@dataclass(slots=True)
class BuildsPlace:
    """Builds: the plan goes last, so that one that is half deleted is known as what it was."""

    blobs: Blobs
    name: str = "builds"

    async def erase(self, subject: Subject, *, is_dry: bool) -> int:
        """Delete builds that hold a row of the subject, or were planned over rows that are not there any more."""
        found = 0
        for folder in await self.blobs.folders(builds_folder(subject.model)):
            own = 0
            async for stored in self.blobs.under(folder):
                own += await held(self.blobs, stored.path, subject) if stored.path.endswith(_PARQUET) else 0
            found += own
            if not is_dry and (own or await self._is_outdated(folder)):
                await _delete(self.blobs, folder, last=_PLAN)
        return found

    async def _is_outdated(self, folder: str) -> bool:
        """Whether rows were erased from an hour that a build takes, since it was planned."""
        try:
            plan = await documents.find(self.blobs, f"{folder}{_PLAN}", Plan)
        except InvalidDocument:
            return False  # it cannot be carried on with either
        for one in plan.inputs if plan is not None else ():
            if one.hour is not None and await self._sha256(one.path) not in {None, one.sha256}:
                return True
        return False

    async def _sha256(self, path: str) -> str | None:
        """Return the SHA-256 of a file of an hour now, as its manifest says; None of one that it does not name."""
        folder, _, name = path.rpartition("/")
        if path.startswith(JOINS):
            joined = await documents.find(self.blobs, f"{folder}/_manifest.json", JoinedHour)
            return next((one.sha256 for one in joined.files if one.file == name), None) if joined else None
        sealed = await documents.find(self.blobs, f"{folder}/_manifest.json", HourManifest)
        return next((one.sha256 for one in sealed.generations if one.rows_file == name), None) if sealed else None


@dataclass(slots=True)
class OriginalsPlace:
    """Original training data that was handed over: it can be handed over again, without the subject."""

    blobs: Blobs
    name: str = "originals"

    async def erase(self, subject: Subject, *, is_dry: bool) -> int:
        """Delete files that hold a row of the subject."""
        found = 0
        async for stored in self.blobs.under(originals_folder(subject.model)):
            own = await held(self.blobs, stored.path, subject) if stored.path.endswith(_PARQUET) else 0
            found += own
            if own and not is_dry:
                with contextlib.suppress(BlobMissing):
                    await self.blobs.delete(stored.path)
        return found


@dataclass(slots=True)
class DatasetsPlace:
    """Datasets. The manifest says first that a dataset is erased; from then on its files count for nobody."""

    blobs: Blobs
    clock: Clock
    name: str = "datasets"

    async def erase(self, subject: Subject, *, is_dry: bool) -> int:
        """Reduce datasets that hold a row of the subject to their manifests."""
        found = 0
        async for dataset, manifest in self._datasets(subject.model):
            folder = f"{model_folder(subject.model)}{dataset}/"
            own = 0
            async for stored in self.blobs.under(folder):
                own += await held(self.blobs, stored.path, subject) if stored.path.endswith(_PARQUET) else 0
            found += own
            if is_dry:
                continue
            if own and manifest.state != "erased":
                await self._mark(subject.model, dataset)
            if own or manifest.state == "erased":
                await _delete(self.blobs, folder, kept=MANIFEST_FILE)
        return found

    async def _mark(self, model: str, dataset: str) -> None:
        path = manifest_path(model, dataset)
        now = self.clock.now()

        def erased(old: DatasetManifest | None) -> DatasetManifest:
            if old is None:
                raise BlobMissing(path)
            if old.state == "erased":
                return old
            return msgspec.structs.replace(reduced(old), erased_at=now)

        await documents.swap(self.blobs, path, DatasetManifest, erased)

    async def _datasets(self, model: str) -> AsyncIterator[tuple[str, DatasetManifest]]:
        for folder in await self.blobs.folders(model_folder(model)):
            dataset = folder.rstrip("/").rpartition("/")[2]
            if dataset.startswith("_"):
                continue
            manifest = await documents.find(self.blobs, manifest_path(model, dataset), DatasetManifest)
            if manifest is not None:
                yield dataset, manifest


def reduced(manifest: DatasetManifest) -> DatasetManifest:
    """Return the manifest of a dataset whose rows are gone: it says of no row, and of no value, what that was."""
    return msgspec.structs.replace(
        manifest,
        state="erased",
        recipe=msgspec.structs.replace(manifest.recipe, segments={}),
        columns=tuple(Column(name=one.name, type=one.type, missing=one.missing) for one in manifest.columns),
        checks=tuple(
            Check(name=one.name, outcome=one.outcome, reason=_REMOVED, accepted=one.accepted) for one in manifest.checks
        ),
        parts=(),
    )


async def _delete(blobs: Blobs, folder: str, *, last: str | None = None, kept: str | None = None) -> None:
    """Delete the blobs of a folder, but for one that is ``kept``."""
    found = [one.path async for one in blobs.under(folder)]
    for path in sorted(found, key=lambda path: path == f"{folder}{last}"):
        if path != f"{folder}{kept}":
            with contextlib.suppress(BlobMissing):
                await blobs.delete(path)

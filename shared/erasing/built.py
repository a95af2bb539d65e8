"""Datasets: what was built is reduced to its manifest, and what is asked for, being built, or handed over, is deleted.

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
from shared.datasets.paths import (
    MANIFEST_FILE,
    PLAN_FILE,
    build_folder,
    builds_folder,
    manifest_path,
    model_folder,
    originals_folder,
    plan_path,
    requests_folder,
)
from shared.datasets.recipe import Recipe
from shared.datasets.requests import Request
from shared.erasing.copies import held
from shared.erasing.subject import Subject
from shared.errors import BlobMissing, InvalidDocument
from shared.sealing.hours.hour import HourManifest

_PARQUET: Final = ".parquet"
_REMOVED: Final = "what it said went with the rows"


@dataclass(slots=True)
class BuildsPlace:
    """Builds: the plan goes last, so that one that is half deleted is known as what it was."""

    blobs: Blobs
    name: str = "builds"

    async def erase(self, subject: Subject, *, is_dry: bool) -> int:
        """Delete builds that hold a row of the subject, were planned over rows that are gone, or say by which value it is known.

        Whoever builds one of them at this moment misses its plan, and takes back what was stored since.
        """
        found = 0
        for folder in await self.blobs.folders(builds_folder(subject.model)):
            own = 0
            async for stored in self.blobs.under(folder):
                own += await held(self.blobs, stored.path, subject) if stored.path.endswith(_PARQUET) else 0
            found += own
            if not is_dry and (own or await self._is_outdated(folder, subject)):
                await _delete(self.blobs, folder, last=PLAN_FILE)
        return found

    async def _is_outdated(self, folder: str, subject: Subject) -> bool:
        """Whether rows were erased from an hour that a build takes since it was planned, or its recipe names the subject."""
        try:
            plan = await documents.find(self.blobs, f"{folder}{PLAN_FILE}", Plan)
        except InvalidDocument:
            return False  # it cannot be carried on with either
        if plan is not None and is_named(plan.recipe, subject):
            return True
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
class RequestsPlace:
    """Requests; it comes after builds and datasets. Whoever asks again has a dataset without the subject built."""

    blobs: Blobs
    name: str = "requests"

    async def erase(self, subject: Subject, *, is_dry: bool) -> int:
        """Delete requests whose recipe says by which value the subject is known, and those whose answer is gone.

        What was checked says ids and values, and so does the reason of one that was refused. None of it is a row.
        """
        async for stored in self.blobs.under(requests_folder(subject.model)):
            request = await documents.find(self.blobs, stored.path, Request)
            if request is None or is_dry:
                continue
            if is_named(request.recipe, subject) or (request.checks and not await self._is_built(request)):
                with contextlib.suppress(BlobMissing):
                    await self.blobs.delete(stored.path)
        return 0

    async def _is_built(self, request: Request) -> bool:
        """Whether what answers a request is as it was."""
        if request.dataset is not None:
            path = manifest_path(request.model, request.dataset)
            manifest = await documents.find(self.blobs, path, DatasetManifest)
            return manifest is not None and manifest.state == "ready"
        plan = plan_path(request.model, request.build or "")
        return bool([one async for one in self.blobs.under(plan)])


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
    """Datasets. The manifest says first that a dataset is erased; from then on its files count for nobody.

    Files without a manifest are of a build that was killed before it could write one, or that misses its plan by now and
    takes them back.
    """

    blobs: Blobs
    clock: Clock
    name: str = "datasets"

    async def erase(self, subject: Subject, *, is_dry: bool) -> int:
        """Reduce datasets that hold a row of the subject to their manifests; where there is none, nothing is left."""
        found = 0
        async for dataset, manifest in self._datasets(subject.model):
            folder = f"{model_folder(subject.model)}{dataset}/"
            own = 0
            async for stored in self.blobs.under(folder):
                own += await held(self.blobs, stored.path, subject) if stored.path.endswith(_PARQUET) else 0
            found += own
            if is_dry:
                continue
            if manifest is None:
                if own:  # its sheet says values, and goes before its parts, by which it is found: so they are called
                    await _delete(self.blobs, folder, kept=MANIFEST_FILE)
                continue
            if own and manifest.state != "erased":
                await self._mark(subject, dataset)
            if own or manifest.state == "erased":
                # What was checked says ids and values there as well.
                await _delete(self.blobs, build_folder(subject.model, manifest.build), last=PLAN_FILE)
                await _delete(self.blobs, folder, kept=MANIFEST_FILE)
        return found

    async def _mark(self, subject: Subject, dataset: str) -> None:
        path = manifest_path(subject.model, dataset)
        now = self.clock.now()

        def erased(old: DatasetManifest | None) -> DatasetManifest:
            if old is None:
                raise BlobMissing(path)
            if old.state == "erased":
                return old
            return msgspec.structs.replace(reduced(old, subject), erased_at=now)

        await documents.swap(self.blobs, path, DatasetManifest, erased)

    async def _datasets(self, model: str) -> AsyncIterator[tuple[str, DatasetManifest | None]]:
        for folder in await self.blobs.folders(model_folder(model)):
            dataset = folder.rstrip("/").rpartition("/")[2]
            if dataset.startswith("_"):
                continue
            yield dataset, await documents.find(self.blobs, manifest_path(model, dataset), DatasetManifest)


def reduced(manifest: DatasetManifest, subject: Subject) -> DatasetManifest:
    """Return the manifest of a dataset whose rows are gone: it says of no row what that was, nor the subject's value."""
    return msgspec.structs.replace(
        manifest,
        state="erased",
        recipe=struck(manifest.recipe, subject),
        columns=tuple(Column(name=one.name, type=one.type, missing=one.missing) for one in manifest.columns),
        checks=tuple(
            Check(name=one.name, outcome=one.outcome, reason=_REMOVED, accepted=one.accepted) for one in manifest.checks
        ),
        parts=(),
    )


def struck(recipe: Recipe, subject: Subject) -> Recipe:
    """Return a recipe without the value that a subject is known by.

    A segment of nothing else stays, empty: without it the recipe would ask for everybody.
    """
    segments = {
        name: tuple(value for value in values if not (name == subject.feature and subject.is_known_by(value)))
        for name, values in recipe.segments.items()
    }
    classes = {name: weight for name, weight in recipe.weights.classes.items() if not subject.is_known_by(name)}
    weights = msgspec.structs.replace(recipe.weights, classes=classes)
    return msgspec.structs.replace(recipe, segments=segments, weights=weights)


def is_named(recipe: Recipe, subject: Subject) -> bool:
    """Whether a recipe says the value that a subject is known by."""
    return struck(recipe, subject) != recipe


async def _delete(blobs: Blobs, folder: str, *, last: str | None = None, kept: str | None = None) -> None:
    """Delete the blobs of a folder, but for one that is ``kept``."""
    found = [one.path async for one in blobs.under(folder)]
    for path in sorted(found, key=lambda path: path == f"{folder}{last}"):
        if path != f"{folder}{kept}":
            with contextlib.suppress(BlobMissing):
                await blobs.delete(path)

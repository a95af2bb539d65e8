"""Puts a finished dataset where it belongs, its manifest last: before that there is none."""

import contextlib
import hashlib
from dataclasses import dataclass
from pathlib import Path

import msgspec

from shared import documents
from shared.blobs import Blobs
from shared.datasets.describing import DATA_SHEET, MLTABLE, data_sheet
from shared.datasets.manifest import DatasetManifest, Part
from shared.datasets.paths import dataset_folder, manifest_path, plan_path
from shared.datasets.scratch import pieces
from shared.errors import BlobChanged, BlobMissing, BuildGone, DatasetErased


@dataclass(frozen=True, slots=True)
class Publishing:
    """Writes datasets, each once."""

    blobs: Blobs

    async def find(self, model: str, dataset: str) -> DatasetManifest | None:
        """Return the manifest of a dataset; None where there is none yet.

        Raises:
            DatasetErased: its rows were there, and are gone for good.
        """
        found = await documents.find(self.blobs, manifest_path(model, dataset), DatasetManifest)
        if found is not None and found.state == "erased":
            raise DatasetErased(model, dataset, at=found.erased_at or found.built_at)
        return found

    async def publish(self, made: DatasetManifest, folder: Path) -> DatasetManifest:
        """Store the files of a dataset, and its manifest; return the one that counts.

        An erasure deletes the plans of builds before it looks through datasets: what was stored after that is taken back.

        Raises:
            BuildGone: the plan is not there any more.
            DatasetErased: a dataset of the same rows was erased.
        """
        try:
            stored = await self._publish(made, folder)
        except DatasetErased:
            await self._take_back(made)
            await self.check_planned(made.model, made.build)
            raise
        try:
            await self.check_planned(made.model, made.build)
        except BuildGone:
            await self._take_back(made)
            raise
        return stored

    async def check_planned(self, model: str, build: str) -> None:
        """See that a build still has a plan.

        Raises:
            BuildGone: it has none.
        """
        if not [one async for one in self.blobs.under(plan_path(model, build))]:
            raise BuildGone(model, build)

    async def _take_back(self, made: DatasetManifest) -> None:
        """Delete what a build has stored of a dataset; a manifest that says that it is erased stays.

        A manifest that another build has stored stays as well, with its files: an erasure looks after them.
        """
        path = manifest_path(made.model, made.dataset)
        with contextlib.suppress(BlobMissing, BlobChanged):  # changed: it is marked as erased at this moment
            found, etag = await documents.read(self.blobs, path, DatasetManifest)
            if found.state == "ready":
                if found.build != made.build:
                    return
                await self.blobs.delete(path, etag=etag)
        files = [one.path async for one in self.blobs.under(dataset_folder(made.model, made.dataset))]
        for file in files:
            if file != path:
                with contextlib.suppress(BlobMissing):
                    await self.blobs.delete(file)

    async def _publish(self, made: DatasetManifest, folder: Path) -> DatasetManifest:
        found = await self.find(made.model, made.dataset)
        if found is not None:
            return found
        parts = tuple([await self._place(made, part, folder) for part in made.parts])
        whole = msgspec.structs.replace(made, parts=parts)
        where = dataset_folder(made.model, made.dataset)
        await self._write(f"{where}{MLTABLE}", (folder / MLTABLE).read_bytes())
        await self._write(f"{where}{DATA_SHEET}", data_sheet(whole).encode())
        try:
            await self.blobs.create(manifest_path(made.model, made.dataset), documents.encode(whole))
        except BlobChanged:
            return await self.find(made.model, made.dataset) or whole
        return whole

    async def _place(self, made: DatasetManifest, part: Part, folder: Path) -> Part:
        """Store a part, and return what is there.

        One that is there already has the same rows, which the name of the folder says, though another release of Arrow may
        have written them otherwise. It stays: somebody else's manifest may name it at this moment.
        """
        path = f"{dataset_folder(made.model, made.dataset)}{part.file}"
        try:
            await self.blobs.create_from(path, folder / part.file)
        except BlobChanged:
            sizes = [stored.size_bytes async for stored in self.blobs.under(path)]
            digest = hashlib.sha256()
            async for piece in pieces(self.blobs, path, size_bytes=sizes[0]):
                digest.update(piece)
            return msgspec.structs.replace(part, sha256=digest.hexdigest(), size_bytes=sizes[0])
        return part

    async def _write(self, path: str, data: bytes) -> None:
        """Write what a manifest is told by, in place of what an earlier try has left."""
        with contextlib.suppress(BlobChanged):
            await self.blobs.create(path, data)
            return
        there = await self.blobs.read(path)
        if there.data != data:
            with contextlib.suppress(BlobChanged):
                await self.blobs.replace(path, data, etag=there.etag)

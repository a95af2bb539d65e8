"""Compares two stored datasets, row by row and column by column."""

import asyncio
import hashlib
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from shared.blobs import Blobs
from shared.datasets import difference
from shared.datasets.difference import Difference, Distribution
from shared.datasets.files import DatasetFiles
from shared.datasets.manifest import DatasetManifest, Part
from shared.datasets.paths import dataset_folder
from shared.datasets.row_changes import row_changes
from shared.datasets.scratch import pieces
from shared.errors import InvalidDocument
from shared.signals.exact.comparing import compare

_METRIC: Final = "jensen_shannon_distance"

Told = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Differing:
    """Says what two datasets differ in; their files are fetched to this machine for as long as that takes."""

    blobs: Blobs

    async def diff(
        self, before: DatasetManifest, now: DatasetManifest, *, told: Told = lambda _done, _steps: None
    ) -> Difference:
        """Return what ``now`` has that ``before`` has not, and the other way round.

        Of an erased one only the manifest is compared.

        Args:
            before: the manifest of one.
            now: the manifest of the other, of the same model.
            told: hears how many steps are done, of how many.

        Raises:
            BlobMissing: a part is gone.
            InvalidDocument: a part is not what the manifest says.
        """
        found = difference.of_manifests(before, now)
        if found.erased:
            return found
        fetched, compared = len(before.parts) + len(now.parts), len(difference.columns_of_both(before, now))
        steps = _Steps(fetched + 2 * compared, told)
        with tempfile.TemporaryDirectory(prefix="driftline-diff-") as scratch:
            sides = [await self._fetch(one, Path(scratch, name), steps) for one, name in ((before, "a"), (now, "b"))]
            return await asyncio.to_thread(_compared, found, (before, now), (sides[0], sides[1]), steps)

    async def against(self, before: DatasetManifest, now: DatasetManifest, folder: Path) -> Difference:
        """Return what one differs in from a stored one, whose files lie in a folder and are stored nowhere; no distributions.

        Raises:
            BlobMissing, InvalidDocument: as ``diff`` does.
        """
        with tempfile.TemporaryDirectory(prefix="driftline-diff-") as scratch:
            stored = await self._fetch(before, Path(scratch), _Steps(len(before.parts), lambda _done, _steps: None))
            files = DatasetFiles.of(folder, now.parts)
            rows = await asyncio.to_thread(lambda: row_changes(stored, files, told=lambda _: None))
        return msgspec.structs.replace(difference.of_manifests(before, now), rows=rows)

    async def _fetch(self, made: DatasetManifest, folder: Path, steps: "_Steps") -> DatasetFiles:
        for part in made.parts:
            await self._fetch_part(f"{dataset_folder(made.model, made.dataset)}{part.file}", part, folder / part.file)
            steps.next()
        return DatasetFiles.of(folder, made.parts)

    async def _fetch_part(self, path: str, part: Part, file: Path) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        digest = hashlib.sha256()
        with file.open("wb") as into:
            async for piece in pieces(self.blobs, path, size_bytes=part.size_bytes):
                digest.update(piece)
                into.write(piece)
        if digest.hexdigest() != part.sha256:
            raise InvalidDocument(path, reason="its bytes are not those that the dataset's manifest names")


class _Steps:
    """Counts what is done."""

    def __init__(self, steps: int, told: Told) -> None:
        self._done, self._steps, self._told = 0, steps, told

    def next(self) -> None:
        self._done += 1
        self._told(self._done, self._steps)


def _compared(
    found: Difference,
    made: tuple[DatasetManifest, DatasetManifest],
    files: tuple[DatasetFiles, DatasetFiles],
    steps: _Steps,
) -> Difference:
    shared = difference.columns_of_both(*made)
    rows = row_changes(*files, told=lambda name: steps.next() if name in shared else None)
    lies: list[Distribution] = []
    for one in compare(files[0].only(shared), files[1].only(shared)):
        distance = one.metrics.get(_METRIC)
        lies.append(difference.distribution(one.feature, *made, distance=distance, unknown=one.unknown))
        steps.next()
    return msgspec.structs.replace(found, rows=rows, distributions=tuple(lies))

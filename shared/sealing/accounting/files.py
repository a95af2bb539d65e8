"""Whether the files that manifests and days name are there, as long as they were."""

from dataclasses import dataclass

from shared.blobs import Blobs
from shared.errors import BlobMissing
from shared.sealing.accounting import discrepancies
from shared.sealing.accounting.account import Discrepancy
from shared.sealing.accounting.books import ShelfHour
from shared.sealing.accounting.counting import Sealed


@dataclass(slots=True)
class Files:
    """Compares the files of sealed hours with their manifests, by the listing alone as long as they agree."""

    blobs: Blobs
    sealed: Sealed | None

    async def check(self, one: ShelfHour) -> list[Discrepancy]:
        """Return what is wrong with the files of one hour."""
        wrong: list[Discrepancy] = []
        generations = one.manifest.generations if one.manifest is not None else ()
        for generation in generations:
            if generation.is_erasing:
                wrong.append(discrepancies.half_erased(f"{one.folder}{generation.rows_file}"))
                continue  # what its manifest says of its files may be out of date
            wrong += await self._check(one, generation.rows_file, generation.size_bytes)
            if generation.profile is not None:
                wrong += await self._check(one, generation.profile, None)
            if generation.external is not None:
                wrong += await self._check(one, generation.external.file, generation.external.size_bytes)
        named = {generation.rows_file for generation in generations}
        for name, stored in one.files.items():
            is_stray = not name.startswith("_") and name not in named
            if is_stray and self.sealed is not None and self.sealed.should_have(one.hour, stored):
                wrong.append(discrepancies.stray_rows(stored.path))
        return wrong

    async def _check(self, one: ShelfHour, name: str, expected: int | None) -> list[Discrepancy]:
        path = f"{one.folder}{name}"
        listed = one.files.get(name)
        size = listed.size_bytes if listed is not None else None
        if size is None or (expected is not None and size != expected):
            size = await self._size(path)  # the listing is older than the manifest
        if size is None:
            return [discrepancies.file_missing(path)]
        if expected is not None and size != expected:
            return [discrepancies.torn_file(path, size, expected)]
        return []

    async def _size(self, path: str) -> int | None:
        try:
            return (await self.blobs.read_end(path, most_bytes=1)).size_bytes
        except BlobMissing:
            return None

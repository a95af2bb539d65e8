"""What has been kept long enough of what leads to datasets: retention, which comes before it, deletes it.

Datasets stay until somebody deletes them.
"""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Final

from shared import documents
from shared.blobs import Blobs, Stored
from shared.datasets.manifest import DatasetManifest
from shared.datasets.paths import DATASETS, MANIFEST_FILE, PLAN_FILE, REQUESTS, builds_folder, model_folder
from shared.datasets.steps import STATUS_FILE, Status, is_working
from shared.hours import Hour

KEPT_DAYS: Final = 30
"""So long nobody goes on with a build, or asks what became of a request, that is not forgotten."""


@dataclass(slots=True)
class OutlivedBuilds:
    """Finds builds and requests that may be deleted."""

    blobs: Blobs

    async def builds(self, limit: Hour) -> AsyncGenerator[list[Stored]]:
        """Yield what builds have left that nobody has gone on with since ``limit``, each a group.

        They hold copies of rows, which would outlive them. Of one that gave a dataset what leads to the same rows again
        stays, and above all the plan. Of others the plan comes last: what is half deleted is known as what it was. Whoever
        goes on with one all the same plans it anew.
        """
        for folder in await self.blobs.folders(DATASETS):
            model = folder.removeprefix(DATASETS).rstrip("/")
            built: frozenset[str] | None = None
            for build in await self.blobs.folders(builds_folder(model)):
                found = [one async for one in self.blobs.under(build)]
                if any(one.modified_at >= limit.start for one in found):
                    continue
                if built is None:
                    built = await self._built(model)
                name = build.rstrip("/").rpartition("/")[2]
                is_kept = name in built or await self._is_ready(build)
                gone = [one for one in found if not is_kept or is_working(one.path.removeprefix(build))]
                if gone:
                    yield sorted(gone, key=lambda one: one.path.endswith(f"/{PLAN_FILE}"))

    async def requests(self, limit: Hour) -> AsyncGenerator[list[Stored]]:
        """Yield requests of which nothing was heard since ``limit``, each a group of its own: they can be made again."""
        async for stored in self.blobs.under(REQUESTS):
            if stored.modified_at < limit.start:
                yield [stored]

    async def _built(self, model: str) -> frozenset[str]:
        """Return the builds that datasets name; whoever was killed once a dataset was stored has not said that it is ready."""
        paths = [f"{folder}{MANIFEST_FILE}" for folder in await self.blobs.folders(model_folder(model))]
        found = [await documents.find(self.blobs, path, DatasetManifest) for path in paths]
        return frozenset(one.build for one in found if one is not None)

    async def _is_ready(self, folder: str) -> bool:
        status = await documents.find(self.blobs, f"{folder}{STATUS_FILE}", Status)
        return status is not None and status.state == "ready"

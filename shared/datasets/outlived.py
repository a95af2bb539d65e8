"""What has been kept long enough of what leads to datasets: retention, which comes before it, deletes it.

Datasets stay until somebody deletes them.
"""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Final

from shared import documents
from shared.blobs import Blobs, Stored
from shared.datasets.paths import DATASETS, PLAN_FILE, REQUESTS, builds_folder
from shared.datasets.steps import STATUS_FILE, Status
from shared.hours import Hour

KEPT_DAYS: Final = 30
"""So long nobody goes on with a build, or asks what became of a request, that is not forgotten."""


@dataclass(slots=True)
class OutlivedBuilds:
    """Finds builds and requests that may be deleted."""

    blobs: Blobs

    async def builds(self, limit: Hour) -> AsyncGenerator[list[Stored]]:
        """Yield builds that gave no dataset, and that nobody has gone on with since ``limit``, each a group.

        They hold copies of rows, which would outlive them. The plan comes last: what is half deleted is known as what it
        was. Whoever goes on with one all the same plans it anew.
        """
        for model in await self.blobs.folders(DATASETS):
            for folder in await self.blobs.folders(builds_folder(model.removeprefix(DATASETS).rstrip("/"))):
                found = [one async for one in self.blobs.under(folder)]
                if all(one.modified_at < limit.start for one in found) and not await self._is_ready(folder):
                    yield sorted(found, key=lambda one: one.path.endswith(f"/{PLAN_FILE}"))

    async def requests(self, limit: Hour) -> AsyncGenerator[list[Stored]]:
        """Yield requests of which nothing was heard since ``limit``, each a group of its own: they can be made again."""
        async for stored in self.blobs.under(REQUESTS):
            if stored.modified_at < limit.start:
                yield [stored]

    async def _is_ready(self, folder: str) -> bool:
        status = await documents.find(self.blobs, f"{folder}{STATUS_FILE}", Status)
        return status is not None and status.state == "ready"

"""Requests of a window that were refused because a row did not fit the schema, by the feature that did not."""

import asyncio
from collections import Counter
from dataclasses import dataclass, field

import pyarrow.compute as pc

from shared.blobs import Blobs
from shared.capture.records import Kind, Shelf
from shared.errors import InvalidRows
from shared.monitoring.windows import Window
from shared.sealing.hours.hour import read, readable
from shared.sealing.hours.manifests import Manifests
from shared.sealing.paths import hour_folder


@dataclass(frozen=True, slots=True)
class Refused:
    """Refused requests by feature, and the SHA-256 of every manifest that it was read from, by path.

    Those whose feature the schema does not have are under the empty name. A request names the first feature that did
    not fit.
    """

    requests: dict[str, int]
    inputs: dict[str, str]


@dataclass(slots=True)
class Refusals:
    """Reads the failures of windows. They have no profiles, so that hours are read; of each, two columns."""

    blobs: Blobs
    _manifests: Manifests = field(init=False)

    def __post_init__(self) -> None:
        self._manifests = Manifests(self.blobs)

    async def read(self, model: str, version: str, window: Window) -> Refused:
        """Count the refused requests of a window.

        Raises:
            InvalidDocument: a manifest, or a file of rows, cannot be read.
        """
        shelf = Shelf(Kind.FAILURE, model, version)
        requests: Counter[str] = Counter()
        inputs: dict[str, str] = {}
        for one in await self._manifests.between(shelf, window.first, window.end):
            inputs[one.path] = one.sha256
            for generation in one.manifest.generations:
                if generation.footer.rows:
                    path = f"{hour_folder(shelf, one.hour)}{generation.rows_file}"
                    data = (await self.blobs.read(path)).data
                    with readable(path):
                        requests.update(await asyncio.to_thread(_count, data))
        return Refused(dict(sorted(requests.items())), inputs)


def _count(data: bytes) -> dict[str, int]:
    rows, _ = read(data, only=("code", "feature"))
    refused = rows.filter(pc.equal(rows.column("code"), InvalidRows.code)).column("feature")
    counted = pc.value_counts(refused)
    names = (name or "" for name in counted.field("values").to_pylist())
    return dict(zip(names, counted.field("counts").to_pylist(), strict=True))

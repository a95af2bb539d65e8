"""Requests of a window that were refused because a row did not fit the schema, by the feature that did not."""

import asyncio
from collections import Counter
from dataclasses import dataclass, field

from shared.blobs import Blobs
from shared.capture.records import Kind, Shelf
from shared.documents import Reader
from shared.errors import InvalidRows
from shared.monitoring.window import Window
from shared.sealing.days.finding import rolled_up
from shared.sealing.hours.failures import FailureCount, counted
from shared.sealing.hours.hour import Generation, read, readable
from shared.sealing.hours.manifests import Manifests
from shared.sealing.paths import day_path, hour_folder


@dataclass(frozen=True, slots=True)
class Refused:
    """Refused requests by feature, and the SHA-256 of every document that they were read from, by path.

    Those whose feature the schema does not have are under the empty name. A request names the first feature that did
    not fit. ``rows`` are what these requests had, by the same names; one each where that is not known.
    """

    requests: dict[str, int]
    rows: dict[str, int]
    inputs: dict[str, str]


@dataclass(slots=True)
class Refusals:
    """Reads the failures of windows, as they were counted when they were sealed."""

    blobs: Blobs
    _reader: Reader = field(init=False)
    _manifests: Manifests = field(init=False)

    def __post_init__(self) -> None:
        self._reader = Reader(self.blobs)
        self._manifests = Manifests(self.blobs)

    async def read(self, model: str, version: str, window: Window) -> Refused:
        """Count the refused requests of a window.

        A whole day is read as it was rolled up. Where it is not, its hours are read; the rows of those alone that were
        sealed before failures were counted, one file after the other.

        Raises:
            InvalidDocument: a day, a manifest or a file of rows cannot be read.
        """
        shelf = Shelf(Kind.FAILURE, model, version)
        requests: Counter[str] = Counter()
        rows: Counter[str] = Counter()
        inputs: dict[str, str] = {}
        for part in window.by_day():
            failures = await self._day(shelf, part, inputs)
            if failures is None:
                failures = await self._hours(shelf, part, inputs)
            for one in failures:
                if one.code == InvalidRows.code:
                    requests[one.feature or ""] += one.requests
                    rows[one.feature or ""] += one.rows
        return Refused(dict(sorted(requests.items())), dict(sorted(rows.items())), inputs)

    async def _day(self, shelf: Shelf, part: Window, inputs: dict[str, str]) -> tuple[FailureCount, ...] | None:
        """Return how requests of a whole day failed; None where its hours have to be read."""
        path = day_path(shelf, part.first.date)
        found = await rolled_up(self._reader, path) if part.is_day else None
        if found is None or found.document.failures is None:
            return None
        inputs[path] = found.sha256
        return found.document.failures

    async def _hours(self, shelf: Shelf, part: Window, inputs: dict[str, str]) -> tuple[FailureCount, ...]:
        found: list[FailureCount] = []
        for one in await self._manifests.between(shelf, part.first, part.end):
            inputs[one.path] = one.sha256
            for generation in one.manifest.generations:
                found += await self._failures(hour_folder(shelf, one.hour), generation)
        return tuple(found)

    async def _failures(self, folder: str, generation: Generation) -> tuple[FailureCount, ...]:
        if generation.footer.failures is not None:
            return generation.footer.failures
        if not generation.footer.rows:
            return ()
        path = f"{folder}{generation.rows_file}"
        data = (await self.blobs.read(path)).data
        with readable(path):
            return await asyncio.to_thread(_counted, data)


def _counted(data: bytes) -> tuple[FailureCount, ...]:
    # A column that is not there is passed over: files from before rows were counted have none of them.
    rows, _ = read(data, only=("code", "feature", "rows"))
    return counted(rows)

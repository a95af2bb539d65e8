"""One kind, model and version, whose hours gain one generation after the other."""

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from shared import documents
from shared.blobs import Blobs
from shared.capture.hour_log import MOST_APPEND_BYTES
from shared.capture.records import Shelf
from shared.errors import BlobChanged, BlobMissing, InvalidDocument
from shared.hours import Hour
from shared.sealing.hours.chain import Chain, Intent, days_with, widened
from shared.sealing.hours.doubles import RowsFile
from shared.sealing.hours.generations import Generations
from shared.sealing.hours.hour import Generation, HourManifest
from shared.sealing.hours.manifests import Manifests
from shared.sealing.paths import chain_path, hour_folder
from shared.sealing.tables.logs import Logs, Range, last_event
from shared.sealing.tables.packed import Ids, ends

MOST_GENERATION_BYTES: Final = 128 * 1024 * 1024
"""So many bytes of logs become one generation, so that sealing an hour of any size takes the same memory."""
_LONGEST_EVENT_BYTES: Final = MOST_APPEND_BYTES + 1024
_MEETINGS: Final = 20


@dataclass(slots=True)
class Chaining:
    """Carries the chain of a shelf on; what it knows of the shelf holds for as long as nobody else does.

    The hour that an intent is for is looked up after the intent is written, and no generation is added without an
    intent. So everything that was sealed before is seen, and nothing that comes after it.
    """

    shelf: Shelf
    blobs: Blobs
    manifests: Manifests
    generations: Generations
    most_bytes: int = MOST_GENERATION_BYTES
    _etag: str | None = None
    _begun: str | None = None
    _meetings: int = 0
    _ids: dict[str, tuple[str, str]] = field(default_factory=dict)
    _days: dict[str, dict[Hour, HourManifest]] = field(default_factory=dict)

    async def seal(self, logs: Logs, *, is_over: Callable[[], bool] = lambda: False) -> int:
        """Add what is in an hour's logs and in no generation yet, and return how many generations that took.

        After each it ends if the time ``is_over``: what is left is in the logs still, and nothing is half done.

        Raises:
            UnknownModel, InvalidDocument: this shelf cannot be sealed as it is.
            BlobChanged: others were faster twenty times in a row.
            StorageUnavailable: nothing is half done; do it again.
        """
        added = 0
        self._meetings = 0
        while True:
            added += await self._catch_up()
            sealed = (await self._day(logs.hour.date)).get(logs.hour)
            ranges = await self._bounded(logs.beyond(sealed.consumed if sealed else {}))
            if not ranges:
                return added
            number = len(sealed.generations) if sealed else 0
            intent = Intent(hour=logs.hour.key, generation=number, ranges=tuple(ranges))
            if await self._begin(intent):
                await self._carry_out(intent, await self._contents(intent))
                added += 1
            if is_over():
                return added

    async def finish(self) -> int:
        """Carry out what another one intended and has not done, and return how many generations that were.

        Raises:
            as ``seal`` does.
        """
        return await self._catch_up()

    async def add_imported(self, hour: Hour, path: str, data: bytes) -> Generation:
        """Add the rows that wait at ``path``, which are ``data``, to an hour, and return the generation they became.

        Raises:
            as ``seal`` does.
        """
        self._meetings = 0
        while True:
            await self._catch_up()
            sealed = (await self._day(hour.date)).get(hour)
            number = len(sealed.generations) if sealed else 0
            intent = Intent(hour=hour.key, generation=number, ranges=(), imported=path)
            if await self._begin(intent):
                manifest = await self._carry_out(intent, [data])
                await self._let_go(path)
                return manifest.generations[number]

    async def first_ones(self, ids: Ids) -> NDArray[np.bool_]:
        """Return of each id whether no row of the shelf has it, as far as is known; shape (ids,), of one at least."""
        await self._catch_up()
        between = ends(ids)
        return await self.generations.doubles.first_ones(ids, await self._files_between(between) if between else ())

    async def _catch_up(self) -> int:
        """Know how far the shelf has come, and carry out what another one intended and has not done."""
        if self._etag is not None:
            return 0
        self._days.clear()
        try:
            chain, etag = await documents.read(self.blobs, chain_path(self.shelf), Chain)
        except BlobMissing:
            self._ids = await self._found_ids()
            self._etag = ""
            return 0
        self._ids = chain.ids
        done = 0
        generation = await self._generation(chain.intent)
        if generation is None:
            try:
                contents = await self._contents(chain.intent)
            except BlobMissing:
                # It was carried out: long ago, because logs are deleted after their hour was sealed, and hours after their
                # logs. Or since we looked, because imported rows wait no longer than that; then it is to be found now.
                self._days.clear()
                generation = await self._generation(chain.intent)
            else:
                await self._carry_out(chain.intent, contents)
                done = 1
        if generation is not None:
            self._widen(generation, chain.intent.date)
        if chain.intent.imported is not None:
            await self._let_go(chain.intent.imported)
        self._etag = etag
        return done

    async def _generation(self, intent: Intent) -> Generation | None:
        """Return what an intent became, as far as is known."""
        sealed = (await self._day(intent.date)).get(Hour.parse(intent.hour))
        return sealed.generations[intent.generation] if sealed and len(sealed.generations) > intent.generation else None

    async def _begin(self, intent: Intent) -> bool:
        """Write an intent down in the place of the one before; False where another one did so first.

        Raises:
            BlobChanged: others were first twenty times in a row.
        """
        data = documents.encode(Chain(intent=intent, ids=self._ids))
        path = chain_path(self.shelf)
        etag, self._etag = self._etag, None  # until it is carried out
        try:
            self._begun = await (self.blobs.replace(path, data, etag=etag) if etag else self.blobs.create(path, data))
        except BlobChanged:
            self._meetings += 1
            if self._meetings == _MEETINGS:
                raise
            return False
        return True

    async def _carry_out(self, intent: Intent, contents: Sequence[bytes]) -> HourManifest:
        hour = Hour.parse(intent.hour)
        manifest = await self.generations.add(self.shelf, intent, contents, self._files_between)
        (await self._day(intent.date))[hour] = manifest
        self._widen(manifest.generations[intent.generation], intent.date)
        self._etag = self._begun
        return manifest

    async def _let_go(self, path: str) -> None:
        """Delete rows that waited to be imported, and are."""
        async for stored in self.blobs.under(path):
            with contextlib.suppress(BlobMissing):
                await self.blobs.delete(stored.path)

    async def _contents(self, intent: Intent) -> list[bytes]:
        """Read the bytes of an intent.

        Raises:
            BlobMissing: a log is not there any more.
            InvalidDocument: a log is shorter than it was.
        """
        if intent.imported is not None:
            return [(await self.blobs.read(intent.imported)).data]
        contents: list[bytes] = []
        for part in intent.ranges:
            content = await self.blobs.read_range(part.log, start=part.start, end=part.end)
            if len(content) < part.end - part.start:
                raise InvalidDocument(part.log, reason=f"it ends before its byte {part.end}, and did not before")
            contents.append(content)
        return contents

    async def _files_between(self, ends: tuple[str, str]) -> list[RowsFile]:
        """Return every rows file of the shelf that may have an id between two."""
        low, high = ends
        files: list[RowsFile] = []
        for date in days_with(self._ids, ends):
            for hour, manifest in (await self._day(date)).items():
                folder = hour_folder(self.shelf, hour)
                for one in manifest.generations:
                    about = one.footer
                    if about.min_id and about.max_id and about.min_id <= high and low <= about.max_id:
                        path = f"{folder}{one.rows_file}"
                        size = None if one.is_erasing else one.size_bytes
                        files.append(RowsFile(path, size, about.min_id, about.max_id))
        return files

    async def _day(self, date: str) -> dict[Hour, HourManifest]:
        if date not in self._days:
            self._days[date] = await self.manifests.of(self.shelf, date)
        return self._days[date]

    def _widen(self, generation: Generation, date: str) -> None:
        about = generation.footer
        self._ids = widened(self._ids, date, (about.min_id, about.max_id) if about.min_id and about.max_id else None)

    async def _found_ids(self) -> dict[str, tuple[str, str]]:
        """Return between which ids the rows of each day are, from the manifests of all of them."""
        ids: dict[str, tuple[str, str]] = {}
        for hour, manifest in (await self.manifests.of(self.shelf)).items():
            if manifest.min_id and manifest.max_id:
                ids = widened(ids, hour.date, (manifest.min_id, manifest.max_id))
        return ids

    async def _bounded(self, ranges: Sequence[Range]) -> list[Range]:
        """Return as many of the ranges as one generation takes, the last of them cut between two events."""
        left = self.most_bytes
        bounded: list[Range] = []
        for part in ranges:
            if part.end - part.start > left:
                cut = await self._cut(part, left)
                while not bounded and cut.end == part.start:
                    left *= 2
                    cut = await self._cut(part, left)
                return [*bounded, cut] if cut.end > cut.start else bounded
            bounded.append(part)
            left -= part.end - part.start
        return bounded

    async def _cut(self, part: Range, most_bytes: int) -> Range:
        """Return the beginning of a range, of so many bytes at most, up to the end of an event; perhaps nothing."""
        end = part.start + most_bytes
        if end >= part.end:
            return part
        start = max(part.start, end - _LONGEST_EVENT_BYTES)
        place = last_event(await self.blobs.read_range(part.log, start=start, end=end), part.log)
        return Range(log=part.log, start=part.start, end=part.start if place is None else start + place)

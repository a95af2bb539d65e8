"""What turned out: joined hours, actuals that stand, and steps on their way.

An erasure is a step of its own in the join's progress, so that a join that looked at rows before they went ends at the
progress's ETag, and what it had written is deleted as what a step that was overtaken wrote. Files of joined hours keep
their names: one that is gone might be written again by a join that was held up.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

import msgspec
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from shared import documents
from shared.actuals.counting import counts_of, in_order
from shared.actuals.joined_hour import JoinedFile, JoinedHour, described, read, write
from shared.actuals.paths import model_folder, progress_path
from shared.actuals.progress import Progress, Standing, Unknown
from shared.actuals.standing import StandingFiles
from shared.actuals.stepping import Stepping
from shared.blobs import Blobs
from shared.erasing.subject import Subject
from shared.errors import BlobChanged, BlobMissing, InvalidDocument
from shared.sealing.hours.erased import hash_of
from shared.sealing.hours.hour import readable

_MANIFEST = "_manifest.json"


@dataclass(slots=True)
class JoinedPlace:
    """Everything that was joined of a model."""

    blobs: Blobs
    stepping: Stepping
    name: str = "joined actuals"

    async def erase(self, subject: Subject, *, is_dry: bool) -> int:
        """Take the rows out of standing actuals, and then of joined hours, which are added to from those."""
        found = await self._progress(subject, is_dry=is_dry)
        folder = model_folder(subject.model)
        async for stored in self.blobs.under(f"{folder}version="):
            if stored.path.endswith(f"/{_MANIFEST}"):
                with contextlib.suppress(BlobMissing):  # retention took the hour since it was listed
                    found += await self._hour(stored.path, subject, is_dry=is_dry)
        return found

    async def _progress(self, subject: Subject, *, is_dry: bool) -> int:
        path = progress_path(subject.model)
        files = StandingFiles(self.blobs, subject.model)
        seen: set[str] = set()
        while True:
            try:
                progress, etag = await documents.read(self.blobs, path, Progress)
            except BlobMissing:
                return 0
            try:
                own = [subject.rows(await files.read(one)) for one in progress.standing]
            except BlobMissing as missing:  # another step has replaced a file
                _check_replaced(path, etag, seen, missing)
                continue
            found = sum(int(some.sum()) for some in own)
            if is_dry:
                return found
            with contextlib.suppress(BlobChanged, BlobMissing):
                if not progress.is_done:
                    await self.stepping.step(subject.model)
                    continue
                if found or subject.is_new or _without(progress.listed, subject) != progress.listed:
                    progress = await self._step(files, progress, own, subject)
                    await self.blobs.replace(path, documents.encode(progress), etag=etag)
                await self.stepping.tidy(subject.model, progress)
                return found

    async def _step(
        self,
        files: StandingFiles,
        before: Progress,
        own: Sequence[NDArray[np.bool_]],
        subject: Subject,
    ) -> Progress:
        """Return the progress after a step that does nothing but let the subject's actuals go."""
        step = before.step + 1
        standing: list[Standing] = []
        for one, mask in zip(before.standing, own, strict=True):
            if not mask.any():
                standing.append(one)
                continue
            rows = (await files.read(one)).filter(pa.array(~mask))
            left = await files.write(rows, one.by, step=step, since=one.since)
            standing += [left] if left is not None else []
        return msgspec.structs.replace(
            before, step=step, standing=tuple(standing), listed=_without(before.listed, subject), sources=()
        )

    async def _hour(self, path: str, subject: Subject, *, is_dry: bool) -> int:
        """Take the rows out of every file of an hour, named by its manifest or not, until there is none."""
        folder = path.removesuffix(_MANIFEST)
        found = 0
        seen: set[str] = set()
        while True:
            hour, etag = await documents.read(self.blobs, path, JoinedHour)
            named = {file.file for file in hour.files}
            tables: dict[str, tuple[JoinedFile, pa.Table]] = {}
            is_clean = True
            async for name, data, file_etag in self._files(folder):
                with readable(f"{folder}{name}"):
                    rows = await asyncio.to_thread(read, data)
                own = subject.rows(rows)
                if is_dry:
                    found += int(own.sum())
                    continue
                kept, file = rows, data
                if own.any():
                    is_clean = False
                    kept = rows.filter(pa.array(~own))
                    file = write(kept)
                    with contextlib.suppress(BlobChanged):
                        await self.blobs.replace(f"{folder}{name}", file, etag=file_etag)
                        found += int(own.sum())
                if name in named:
                    tables[name] = described(name, file, kept.num_rows), kept
            if is_dry:
                return found
            if len(tables) < len(named):  # merged since the manifest was read
                _check_replaced(path, etag, seen, BlobMissing(f"{folder}{min(named - tables.keys())}"))
                continue
            new = await asyncio.to_thread(_rewritten, hour, tables)
            if new == hour and is_clean:
                return found
            if new != hour:
                with contextlib.suppress(BlobChanged):
                    await self.blobs.replace(path, documents.encode(new), etag=etag)

    async def _files(self, folder: str) -> AsyncIterator[tuple[str, bytes, str]]:
        async for stored in self.blobs.under(f"{folder}rows-"):
            with contextlib.suppress(BlobMissing):
                content = await self.blobs.read(stored.path)
                yield stored.path.removeprefix(folder), content.data, content.etag


def _check_replaced(path: str, etag: str, seen: set[str], missing: BlobMissing) -> None:
    """See that a document which names a file that is missing is another one than before: whoever takes a file says so first.

    Raises:
        InvalidDocument: it still names it.
    """
    if etag in seen:
        raise InvalidDocument(path, reason=f"it names {missing.path}, which is not there")
    seen.add(etag)


def _rewritten(hour: JoinedHour, tables: dict[str, tuple[JoinedFile, pa.Table]]) -> JoinedHour:
    """Return an hour's manifest as its files are now: what was not counted from rows stays as it was counted."""
    files = tuple(tables[one.file][0] for one in hour.files)
    if files == hour.files:
        return hour
    counts = counts_of(in_order(pa.concat_tables([rows for _, rows in tables.values()])))
    counts = msgspec.structs.replace(
        counts, misfits=hour.counts.misfits, early=min(hour.counts.early, sum(one.rows for one in files))
    )
    return msgspec.structs.replace(hour, files=files, counts=counts)


def _without(listed: tuple[Unknown, ...], subject: Subject) -> tuple[Unknown, ...]:
    return tuple(
        one
        for one in listed
        if hash_of(one.id) not in subject.hashes
        and (one.prediction_id is None or hash_of(one.prediction_id) not in subject.hashes)
    )

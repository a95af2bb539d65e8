"""What waits outside of hours: dead letters whose records can be read, spooled events, and rows that are to be imported."""

import asyncio
import contextlib
import hashlib
import io
from collections import defaultdict
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from shared.blobs import Blobs, Stored
from shared.capture.publishing.spool import FOLDER as SPOOL
from shared.capture.reading import DeadLetter, read_envelope
from shared.capture.records import CONTROL, DEAD_SHELF, Kind, Shelf, dead_folder
from shared.erasing.logs import Taking
from shared.erasing.place import lines
from shared.erasing.subject import Subject
from shared.errors import BlobChanged, BlobMissing, InvalidRecord
from shared.hours import Hour
from shared.sealing.hours.hour import readable
from shared.sealing.tables.logs import is_log

_DEAD: Final = "captures/dead/"
_IMPORTS: Final = "captures/imports/"


@dataclass(slots=True)
class DeadLettersPlace:
    """Records that were set aside and can be read; of others there is no more than length and hash.

    A log of letters is taken as any log is. The letters in it that are of others are put beside it before: they can still
    be sent again.
    """

    blobs: Blobs
    taking: Taking
    name: str = "dead letters"

    async def find(self, subject: Subject, kind: Kind) -> Subject:
        """Return the subject with the ids known of what was set aside."""
        async for log in self.blobs.under(_DEAD):
            async for _, record, shelf in self._letters(log):
                subject = _knowing(subject, record, shelf, kind)
        return subject

    async def erase(self, subject: Subject, *, is_dry: bool) -> int:
        """Delete every log that holds a letter of the subject; one whose hash is not written yet is kept for the next pass."""
        rows = 0
        holding: defaultdict[Hour, list[str]] = defaultdict(list)
        async for log in self.blobs.under(_DEAD):
            own = [record async for _, record, shelf in self._letters(log) if _is_own(subject, record, shelf)]
            rows += len(own)
            if is_dry or not any(map(subject.knows_record, own)):
                continue
            if is_log(log.path):
                await self._keep(await self._closed(log), subject)
                holding[Hour.at_path(log.path)].append(log.path)
            else:
                await self._keep(log, subject)
                await self.blobs.delete(log.path, etag=log.etag)
        for hour, paths in holding.items():
            await self.taking.take(DEAD_SHELF, hour, paths, under=dead_folder(hour))
        return rows

    async def _closed(self, log: Stored) -> Stored:
        """Close a log, and return it as it is from then on: letters of others may have come since it was listed."""
        with contextlib.suppress(BlobMissing):  # retention was faster
            await self.taking.logs.close(log.path)
        return next((one for one in [one async for one in self.blobs.under(log.path)] if one.path == log.path), log)

    async def _keep(self, log: Stored, subject: Subject) -> None:
        """Put letters of others under the name of their content: not as a log, because their events are counted."""
        letters = [
            line
            async for line, record, shelf in self._letters(log)
            if not (_is_own(subject, record, shelf) and subject.knows_record(record))
        ]
        data = b"".join(line + b"\n" for line in letters)
        if data:
            path = f"{log.path.rpartition('/')[0]}/kept-{hashlib.sha256(data).hexdigest()[:32]}.jsonl"
            with contextlib.suppress(BlobChanged):
                await self.blobs.create(path, data)

    async def _letters(self, log: Stored) -> AsyncIterator[tuple[bytes, bytes, Shelf | None]]:
        """Yield each letter with its record, which is empty where it cannot be read, and where that belongs."""
        try:
            async for line in lines(self.blobs, log):
                if line.startswith(CONTROL):
                    continue
                found = _LETTERS.decode(line).record
                record = bytes(found) if isinstance(found, msgspec.Raw) else b""
                yield line, record, _shelf(record) if record else None
        except BlobMissing:
            return


@dataclass(slots=True)
class SpoolPlace:
    """Events that wait for Event Hubs. They are nowhere else, and stay until it has them: sealing drops them after that."""

    blobs: Blobs
    name: str = "spool"

    async def find(self, subject: Subject, kind: Kind) -> Subject:
        """Return the subject with the ids known of what waits."""
        async for stored in self.blobs.under(SPOOL):
            with contextlib.suppress(BlobMissing):
                async for record in lines(self.blobs, stored):
                    subject = _knowing(subject, record, _shelf(record), kind)
        return subject

    async def waiting(self, subject: Subject) -> int:
        """Return how many records of the subject wait."""
        found = 0
        async for stored in self.blobs.under(SPOOL):
            with contextlib.suppress(BlobMissing):
                found += sum([_is_own(subject, record, _shelf(record)) async for record in lines(self.blobs, stored)])
        return found


@dataclass(slots=True)
class ImportsPlace:
    """Rows that an import left behind when it was killed; it can be run again, with a file that does not hold them."""

    blobs: Blobs
    name: str = "imports"

    async def find(self, subject: Subject, kind: Kind) -> Subject:
        """Return the subject with the ids known of what waits."""
        async for stored in self._waiting(subject.model, kind):
            rows = await self._read(stored)
            if rows is not None:
                own = rows.filter(pa.array(subject.rows(rows, Shelf.at_path(stored.path).version)))
                subject = subject.knowing(own.column("_id").to_pylist())
        return subject

    async def erase(self, subject: Subject, *, is_dry: bool) -> int:
        """Delete what holds a row of the subject."""
        found = 0
        for kind in (Kind.PREDICTION, Kind.ACTUAL):
            async for stored in self._waiting(subject.model, kind):
                rows = await self._read(stored)
                own = 0 if rows is None else int(subject.rows(rows, Shelf.at_path(stored.path).version).sum())
                found += own
                if own and not is_dry:
                    with contextlib.suppress(BlobMissing, BlobChanged):
                        await self.blobs.delete(stored.path, etag=stored.etag)
        return found

    async def _waiting(self, model: str, kind: Kind) -> AsyncIterator[Stored]:
        async for stored in self.blobs.under(f"{_IMPORTS}kind={kind}/model={model}/"):
            yield stored

    async def _read(self, stored: Stored) -> pa.Table | None:
        try:
            data = (await self.blobs.read(stored.path)).data
        except BlobMissing:
            return None
        with readable(stored.path):
            return await asyncio.to_thread(lambda: pq.ParquetFile(io.BytesIO(data)).read())


def _shelf(record: bytes) -> Shelf | None:
    try:
        return read_envelope(record)[1]
    except InvalidRecord:
        return None


def _is_own(subject: Subject, record: bytes, shelf: Shelf | None) -> bool:
    """Whether a record is the subject's, of whatever version: of its model, and one that says so."""
    return shelf is not None and shelf.model == subject.model and subject.has(record, None)


def _knowing(subject: Subject, record: bytes, shelf: Shelf | None, kind: Kind) -> Subject:
    if shelf is None or shelf.kind is not kind or not _is_own(subject, record, shelf):
        return subject
    own, external_id = subject.ids_in(record)
    told_by = [external_id] if external_id and kind is Kind.PREDICTION else []
    return subject.knowing([own] if own else [], told_by)


_LETTERS = msgspec.json.Decoder(DeadLetter)

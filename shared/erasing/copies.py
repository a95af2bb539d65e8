"""Copies of rows: what challengers answered, and what trainers were given."""

import asyncio
import contextlib
import io
from dataclasses import dataclass
from typing import Protocol

import pyarrow as pa
import pyarrow.parquet as pq

from shared.blobs import Blobs
from shared.erasing.subject import Subject
from shared.errors import BlobChanged, BlobMissing
from shared.retraining.challenging import CHALLENGES
from shared.retraining.outlived import TRAINING_SETS
from shared.sealing.hours.hour import readable


class Change(Protocol):
    """Returns what becomes of the bytes at a path, and how many rows that took out of them."""

    def __call__(self, data: bytes, path: str, /) -> tuple[bytes, int]: ...


@dataclass(slots=True)
class AnswersPlace:
    """What versions that do not answer were asked, by the ids of the predictions."""

    blobs: Blobs
    name: str = "challengers' answers"

    async def erase(self, subject: Subject, *, is_dry: bool) -> int:
        """Take the rows out."""
        found = 0
        async for stored in self.blobs.under(f"{CHALLENGES}model={subject.model}/"):
            found += await rewrite(self.blobs, stored.path, without_rows(subject), is_dry=is_dry)
        return found


@dataclass(slots=True)
class TrainingSetsPlace:
    """Training sets that somebody else's trainer was given: each is called after its content, and goes as a whole."""

    blobs: Blobs
    name: str = "training sets"

    async def erase(self, subject: Subject, *, is_dry: bool) -> int:
        """Delete those that hold a row of the subject."""
        found = 0
        async for stored in self.blobs.under(f"{TRAINING_SETS}model={subject.model}/"):
            if stored.path.endswith(".parquet"):
                own = await held(self.blobs, stored.path, subject)
                found += own
                if own and not is_dry:
                    with contextlib.suppress(BlobMissing):
                        await self.blobs.delete(stored.path)
        return found


async def rewrite(blobs: Blobs, path: str, change: Change, *, is_dry: bool) -> int:
    """Put what ``change`` makes of a file in its place, and return how many rows it took out; of one that is gone 0."""
    while True:
        try:
            content = await blobs.read(path)
            data, found = await asyncio.to_thread(change, content.data, path)
            if found and not is_dry:
                await blobs.replace(path, data, etag=content.etag)
        except BlobMissing:
            return 0
        except BlobChanged:
            continue
        return found


async def held(blobs: Blobs, path: str, subject: Subject) -> int:
    """Return how many rows of a Parquet file are the subject's; of one that is gone 0."""
    return await rewrite(blobs, path, without_rows(subject), is_dry=True)


def without_rows(subject: Subject, version: str | None = None) -> Change:
    """Return what takes a subject's rows out of a Parquet file."""

    def change(data: bytes, path: str) -> tuple[bytes, int]:
        with readable(path):
            rows = pq.ParquetFile(io.BytesIO(data)).read()
        own = subject.rows(rows, version)
        return (_parquet(rows.filter(pa.array(~own))), int(own.sum())) if own.any() else (data, 0)

    return change


def _parquet(rows: pa.Table) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(rows, buffer, compression="zstd", compression_level=3)
    return buffer.getvalue()

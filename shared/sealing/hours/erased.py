"""Ids whose records were erased: what comes again under one of them is dropped, for as long as the hub may deliver it.

Only SHA-256 of ids are kept. Of an id that nobody knows, whose 74 bits are random, that says nothing.
"""

import contextlib
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from uuid import UUID

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from shared.blobs import Blobs
from shared.bounded import each
from shared.documents import Document, Reader, find
from shared.errors import BlobMissing

ERASED: Final = "captures/erased/"
ERASURES: Final = "captures/erasures/"

_USUAL: Final = r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"


class ErasedRecords(Document, frozen=True, kw_only=True):
    """The SHA-256 of ids, in hexadecimal, of predictions and of actuals of one model; sorted."""

    at: datetime
    hashes: tuple[str, ...]


class Begun(Document, frozen=True, kw_only=True):
    """What of an erasure's document says of which model it is, and whether it is done."""

    model: str
    ended_at: datetime | None = None


async def is_erasing(blobs: Blobs, model: str) -> bool:
    """Whether an erasure of a model's rows was begun and is not done."""
    paths = [stored.path async for stored in blobs.under(ERASURES)]
    found = await each(paths, lambda path: find(blobs, path, Begun))
    return any(one is not None and one.model == model and one.ended_at is None for one in found)


def erased_folder(model: str) -> str:
    """Return where the hashes of a model's erased ids are, ending in a slash; below it are dates, for retention."""
    return f"{ERASED}model={model}/"


def hash_of(record_id: str) -> str:
    """Return what is kept of an id, however it is written; of a text that is no UUID, of the text.

    >>> hash_of("0195A0B0C0D0700080000000000000FF") == hash_of("0195a0b0-c0d0-7000-8000-0000000000ff")
    True
    """
    try:
        usual = str(UUID(record_id))
    except ValueError:
        usual = record_id
    return _hash_of_usual(usual)


def among(ids: pa.ChunkedArray, hashes: frozenset[str]) -> NDArray[np.bool_]:
    """Return of each id whether its hash is among some; False of a missing one; shape (ids,)."""
    if not hashes:
        return np.zeros(len(ids), dtype=bool)
    # Ids that this app has made are in their usual form, and to be told that at once takes a fifth of the time.
    is_usual = pa.types.is_string(ids.type) and pc.all(pc.match_substring_regex(ids, _USUAL)).as_py() is not False
    hashing = _hash_of_usual if is_usual else hash_of
    return np.array([one is not None and hashing(one) in hashes for one in ids.to_pylist()], dtype=bool)


def _hash_of_usual(record_id: str) -> str:
    return hashlib.sha256(record_id.encode()).hexdigest()


@dataclass(slots=True)
class ErasedIds:
    """Reads them; what has not changed is not read again."""

    blobs: Blobs
    _reader: Reader = field(init=False)

    def __post_init__(self) -> None:
        self._reader = Reader(self.blobs)

    async def of(self, model: str) -> frozenset[str]:
        """Return the hashes of all ids of a model that were erased, as long as they are kept.

        Raises:
            InvalidDocument: some cannot be read: a record that was erased might come back.
        """
        while True:
            with contextlib.suppress(BlobMissing):
                return await self._listed(model)

    async def _listed(self, model: str) -> frozenset[str]:
        """Return what a listing names.

        Raises:
            BlobMissing: some of it went since: to be dated anew, it may be, and then it is where nobody had looked.
        """
        found: list[Iterable[str]] = []
        async for stored in self.blobs.under(erased_folder(model)):
            read = await self._reader.read(stored.path, ErasedRecords, etag=stored.etag)
            found.append(read.document.hashes)
        return frozenset().union(*found)

"""JSON documents: decoded once into a type, written once or swapped by ETag.

Every document carries ``format``: 1 today. A reader refuses a higher one, because it cannot know what it would miss.
"""

import contextlib
import hashlib
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, Generic, TypeVar

import msgspec

from shared.blobs import Blobs
from shared.errors import BlobChanged, BlobMissing, InvalidDocument

FORMAT: Final = 1
_SWAPS = 20
_REMEMBERED: Final = 5_000


class Document(msgspec.Struct, frozen=True, kw_only=True):
    """Base of what is stored as one JSON object."""

    format: int = FORMAT


D = TypeVar("D", bound=Document)


@dataclass(frozen=True, slots=True)
class Found(Generic[D]):
    """A document as it was read, with the ETag it had and the SHA-256 of its bytes."""

    document: D
    etag: str
    sha256: str


@dataclass(slots=True)
class Reader:
    """Reads documents; one that has not changed since it was last read is not read again."""

    blobs: Blobs
    _known: OrderedDict[str, Found[Any]] = field(default_factory=OrderedDict)

    async def read(self, path: str, kind: type[D], *, etag: str | None = None) -> Found[D]:
        """Return the document at ``path``.

        Args:
            path: where it is.
            kind: what it is.
            etag: of the newest bytes, as a listing said; None to read them in any case.

        Raises:
            BlobMissing: there is none.
            InvalidDocument: it cannot be read.
        """
        known: Found[D] | None = self._known.get(path)
        if known is None or known.etag != etag or not isinstance(known.document, kind):
            content = await self.blobs.read(path)
            known = Found(decode(content.data, kind, path=path), content.etag, hashlib.sha256(content.data).hexdigest())
            self._known[path] = known
        self._known.move_to_end(path)
        if len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)
        return known


def encode(document: Document) -> bytes:
    """Return the bytes of a document: the same document, the same bytes."""
    return msgspec.json.format(msgspec.json.encode(document), indent=1)


def decode(data: bytes, kind: type[D], *, path: str) -> D:
    """Read a document that was found at ``path``.

    Raises:
        InvalidDocument: it is of a newer format, or not of this kind.
    """
    try:
        newest = msgspec.json.decode(data, type=Document).format
        if newest > FORMAT:
            raise InvalidDocument(path, reason=f"format {newest}, and this app reads up to {FORMAT}: update the app")
        return msgspec.json.decode(data, type=kind)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise InvalidDocument(path, reason=str(error), is_empty=not data) from error


async def read(blobs: Blobs, path: str, kind: type[D]) -> tuple[D, str]:
    """Return the document at ``path`` and its ETag.

    Raises:
        BlobMissing: there is none.
        InvalidDocument: it cannot be read.
    """
    content = await blobs.read(path)
    return decode(content.data, kind, path=path), content.etag


async def find(blobs: Blobs, path: str, kind: type[D]) -> D | None:
    """Return the document at ``path``, or None where there is none."""
    try:
        return (await read(blobs, path, kind))[0]
    except BlobMissing:
        return None


async def swap(blobs: Blobs, path: str, kind: type[D], change: Callable[[D | None], D]) -> D:
    """Replace the document at ``path`` by ``change`` of it (of None, where there is none), and return the new one.

    ``change`` may be called several times, when others write at the same time; it writes nothing when it returns
    what it was given.

    Raises:
        BlobChanged: others were faster twenty times in a row.
    """
    for _ in range(_SWAPS):
        etag = ""
        old: D | None = None
        with contextlib.suppress(BlobMissing):
            old, etag = await read(blobs, path, kind)
        new = change(old)
        if new == old:
            return new
        try:
            if old is None:
                await blobs.create(path, encode(new))
            else:
                await blobs.replace(path, encode(new), etag=etag)
        except BlobChanged:
            continue
        return new
    raise BlobChanged(path)

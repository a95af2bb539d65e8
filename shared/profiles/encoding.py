"""Bins and profiles as bytes: JSON, gzipped, because most digits of a count repeat its neighbours'.

``zcat`` reads them. The same value gives the same bytes on the same build of zlib.
"""

import gzip
import zlib
from typing import Final, TypeVar

import msgspec

from shared.errors import InvalidDocument
from shared.profiles.bins import Bins
from shared.profiles.profile import Profile

FORMAT: Final = 1
_LEVEL = 6

T = TypeVar("T", Bins, Profile)


class _Head(msgspec.Struct):
    format: int


def encode(value: Bins | Profile) -> bytes:
    """Return the bytes of bins or a profile."""
    return gzip.compress(msgspec.json.encode(value), compresslevel=_LEVEL, mtime=0)


def decode(data: bytes, kind: type[T], *, path: str) -> T:
    """Read the bytes found at ``path``.

    Raises:
        InvalidDocument: they are damaged, of another kind, or of a newer format than this app reads.
    """
    try:
        text = gzip.decompress(data)
        newest = msgspec.json.decode(text, type=_Head).format
        if newest > FORMAT:
            raise InvalidDocument(path, reason=f"format {newest}, and this app reads up to {FORMAT}: update the app")
        return msgspec.json.decode(text, type=kind)
    except (OSError, EOFError, zlib.error, msgspec.DecodeError, RecursionError) as error:
        raise InvalidDocument(path, reason=str(error)) from error

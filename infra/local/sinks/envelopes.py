"""What the ingestion endpoint of Application Insights takes. Rules only."""

import zlib
from datetime import datetime
from typing import Any

import msgspec

_BODY_BYTES = 64 << 20
# the type of the data that each kind of item must hold
_BASE_TYPES = frozenset(
    {
        "AvailabilityData",
        "EventData",
        "ExceptionData",
        "MessageData",
        "MetricData",
        "PageViewData",
        "RemoteDependencyData",
        "RequestData",
    }
)


class _Data(msgspec.Struct):
    base_type: str = msgspec.field(name="baseType")
    base_data: dict[str, Any] = msgspec.field(name="baseData")


class _Envelope(msgspec.Struct):
    name: str
    time: datetime
    i_key: str = msgspec.field(name="iKey")
    data: _Data
    tags: dict[str, str] = {}


class UnreadableBatch(ValueError):
    """A body that is neither a JSON array nor lines of JSON, or not the gzip it says."""


def unpacked(body: bytes, *, encoding: str) -> bytes:
    """Return ``body`` without its Content-Encoding.

    Raises:
        UnreadableBatch: it is not gzip, although it should be, or more than 64 MiB.
    """
    if encoding in {"", "identity"}:
        return body
    if encoding != "gzip":
        raise UnreadableBatch(f"Content-Encoding {encoding!r} is not understood")
    inflater = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
    try:
        plain = inflater.decompress(body, _BODY_BYTES)
    except zlib.error as error:
        raise UnreadableBatch(f"not gzip: {error}") from error
    if not inflater.eof:
        raise UnreadableBatch("gzip that ends early, or more than 64 MiB")
    return plain


def split(body: bytes) -> list[Any]:
    """Return the items of a batch: the elements of an array, or one for each line that is not empty.

    Raises:
        UnreadableBatch: the array, or a line, is not JSON.
    """
    try:
        if body.lstrip()[:1] == b"[":
            return msgspec.json.decode(body, type=list[Any])
        return [msgspec.json.decode(line) for line in body.splitlines() if line.strip()]
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UnreadableBatch(f"not JSON: {error}") from error


def flaw(item: object) -> str | None:
    """Say what is wrong with one item, or None if it is an envelope."""
    try:
        envelope = msgspec.convert(item, _Envelope)
    except msgspec.ValidationError as error:
        return str(error)
    if not envelope.i_key:
        return "iKey is empty"
    if envelope.data.base_type not in _BASE_TYPES:
        return f"baseType {envelope.data.base_type!r} is not known"
    return None

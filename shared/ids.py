"""Names and ids: what models, versions, records and alerts are called."""

import os
import re
from datetime import UTC, datetime, timedelta

NONE = "_none"
"""The version of a record that has none: an actual, or a failure before a version was chosen."""
UNKNOWN = "_unknown"
"""The model of failures for models that are not registered."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")


def is_name(text: str) -> bool:
    """Whether ``text`` may name a model or a version.

    Such a name is safe as a part of a path: no slash, no capital, no leading dot.

    >>> is_name("flights"), is_name("../flights"), is_name("Flights")
    (True, False, False)
    """
    return _NAME.fullmatch(text) is not None


def uuid7(at: datetime, random: bytes | None = None) -> str:
    """Return a UUIDv7 (RFC 9562): 48 bits of milliseconds since 1970, then 74 random ones.

    Ids sort by ``at`` to the millisecond, so the ids of an hour form a short range.

    Args:
        at: aware, from 1970 on.
        random: 10 bytes that the 74 bits are taken from, where the same is to have the same id; else the system's.
    """
    milliseconds = (at - _EPOCH) // _MILLISECOND
    bits = int.from_bytes(os.urandom(10) if random is None else random, "big")
    high = (milliseconds << 16) | 0x7000 | (bits >> 68)
    low = (0b10 << 62) | (bits & ((1 << 62) - 1))
    digits = f"{(high << 64) | low:032x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"

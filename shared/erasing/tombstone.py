"""What is written down of an erasure: when, of which model, and how many rows; never whose.

While it is not done, a salted hash says whether a command is the same one again. It takes a twentieth of a second to
try one value, so that nobody tries many; and once the erasure is done it is taken off.
"""

import hashlib
from datetime import datetime
from typing import Final

import msgspec

from shared.documents import Document
from shared.sealing.hours.erased import ERASURES

_SALT_BYTES: Final = 16


class Erasure(Document, frozen=True, kw_only=True):
    """One erasure.

    Attributes:
        model: whose rows went.
        by: ``_external_id``, or the feature whose value it was.
        began_at: when it was first asked for.
        ended_at: when it was done; None while it is not.
        rows: how many rows went, by the kind of place they were in.
        resends_until: until when the hashes of the erased ids stay, at least.
        salt: of ``check``; None once it is done.
        check: what tells whether a command asks for the same subject; likewise.
    """

    model: str
    by: str
    began_at: datetime
    ended_at: datetime | None = None
    rows: dict[str, int] = msgspec.field(default_factory=dict)
    resends_until: datetime | None = None
    salt: str | None = None
    check: str | None = None

    def is_about(self, model: str, by: str, value: str) -> bool:
        """Whether it is not done, and about this subject."""
        if self.ended_at is not None or self.salt is None or (self.model, self.by) != (model, by):
            return False
        return check(model, by, value, salt=bytes.fromhex(self.salt)) == self.check


def erasure_path(name: str) -> str:
    """Return where an erasure is written down; it is called after when it began."""
    return f"{ERASURES}{name}.json"


def check(model: str, by: str, value: str, *, salt: bytes) -> str:
    """Return what tells a subject from others, and is dear to try out.

    Source:
        Percival and Josefsson, "The scrypt password-based key derivation function", RFC 7914 (2016).
    """
    said = f"{model}\0{by}\0{value}".encode()
    return hashlib.scrypt(said, salt=salt, n=2**14, r=8, p=1, dklen=_SALT_BYTES).hex()


def added(rows: dict[str, int], more: dict[str, int]) -> dict[str, int]:
    """Add up rows by place.

    >>> added({"logs": 1}, {"logs": 2, "joins": 1})
    {'logs': 3, 'joins': 1}
    """
    return {name: rows.get(name, 0) + more.get(name, 0) for name in {**rows, **more}}

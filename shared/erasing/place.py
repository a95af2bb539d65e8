"""What every kind of place has in common."""

from collections.abc import AsyncIterator
from typing import Final, Protocol

from shared.blobs import Blobs, Stored
from shared.capture.records import Kind
from shared.erasing.subject import Subject

_STEP_BYTES: Final = 4 * 1024 * 1024


class Place(Protocol):
    """One kind of place that rows are stored in."""

    @property
    def name(self) -> str:
        """Return what it is called in reports."""
        ...

    async def erase(self, subject: Subject, *, is_dry: bool) -> int:
        """Take a subject's rows away, and return how many there were; where it ``is_dry``, only count them.

        Done again, after it was killed at any point, it comes to the same state.
        """
        ...


class Finder(Protocol):
    """A place with whole records, which say by which ids a subject is known everywhere else."""

    async def find(self, subject: Subject, kind: Kind) -> Subject:
        """Return the subject with those ids known that its records of a kind have."""
        ...


class Source(Finder, Place, Protocol):
    """One that rows are taken out of as well."""


async def lines(blobs: Blobs, log: Stored) -> AsyncIterator[bytes]:
    """Yield whole lines up to where a log, or a file of lines, ended when it was listed, without their ends."""
    rest = b""
    for start in range(0, log.size_bytes, _STEP_BYTES):
        end = min(start + _STEP_BYTES, log.size_bytes)
        data = rest + await blobs.read_range(log.path, start=start, end=end)
        *whole, rest = data.split(b"\n")
        for line in whole:
            yield line
    if rest:
        yield rest

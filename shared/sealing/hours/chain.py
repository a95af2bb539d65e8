"""The chain of generations of one kind, model and version: what is being added, written down before it is read.

Whoever adds to an hour first swaps the chain, by its ETag, for one with the intent; whoever finds an intent that is not
carried out does that first. So generations come one after the other over all hours of a shelf, and each is made from
bytes and from generations before it that are fixed: whoever makes it makes the same.
"""

from typing import Final

import msgspec

from shared.documents import Document
from shared.hours import Hour
from shared.sealing.tables.logs import Range

_PREFIX: Final = 13
"""What is kept of an id to tell where it may be: of one of ours, the milliseconds."""


class Intent(msgspec.Struct, frozen=True, kw_only=True):
    """One generation of one hour, and the bytes it is made from; or where the rows wait that are imported instead."""

    hour: str
    generation: int
    ranges: tuple[Range, ...]
    imported: str | None = None

    @property
    def date(self) -> str:
        """Return the day that gains rows."""
        return Hour.parse(self.hour).date


class Chain(Document, frozen=True, kw_only=True):
    """The newest intent of a shelf, carried out or not.

    Attributes:
        intent: what is being added, or was added last.
        ids: between which ids the rows of a day are, by date, those of ``intent`` left out: the beginnings of the lowest
            and the highest. So a record is looked for in the few days that may have it, however many there are.
    """

    intent: Intent
    ids: dict[str, tuple[str, str]]


def widened(ids: dict[str, tuple[str, str]], date: str, ends: tuple[str, str] | None) -> dict[str, tuple[str, str]]:
    """Return the ids of days once a day has those between ``ends`` as well (None: no row was added)."""
    if ends is None:
        return ids
    low, high = (one[:_PREFIX] for one in ends)
    known = ids.get(date, (low, high))
    return dict(sorted({**ids, date: (min(known[0], low), max(known[1], high))}.items()))


def days_with(ids: dict[str, tuple[str, str]], ends: tuple[str, str]) -> list[str]:
    """Return the dates of days that may have an id between ``ends``."""
    low, high = (one[:_PREFIX] for one in ends)
    return [date for date, (lowest, highest) in ids.items() if lowest <= high and low <= highest]

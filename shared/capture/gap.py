"""Gaps: sequence numbers that the hub let go before they were captured. They are lost, and that is written down."""

from datetime import datetime

from shared.documents import Document


class Gap(Document, frozen=True, kw_only=True):
    """Every number from ``first`` to ``last`` of one partition is lost.

    ``accepted_by`` and ``accepted_at`` say who took note of it, once somebody has.
    """

    incarnation: str
    partition: int
    first: int
    last: int
    found_at: datetime
    accepted_by: str | None = None
    accepted_at: datetime | None = None


def gaps_folder(incarnation: str, partition: str) -> str:
    """Return where the gaps of a partition are, ending in a slash."""
    return f"captures/gaps/{incarnation}/p{partition}/"


def gap_path(incarnation: str, partition: str, first: int, last: int) -> str:
    """Return where a gap is written down."""
    return f"{gaps_folder(incarnation, partition)}{first}-{last}.json"

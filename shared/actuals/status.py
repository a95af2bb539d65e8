"""How the join of a model stands, for people: what came, what became of it, and how long it takes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from shared.actuals import delays
from shared.actuals.counting import Counts
from shared.actuals.delays import Delays
from shared.actuals.progress import Unknown

DAYS: Final = 30
QUANTILES: Final = (0.5, 0.95, 0.99)


@dataclass(frozen=True, slots=True)
class VersionStatus:
    """A version over its last days.

    Attributes:
        version: which one.
        predictions: how many are sealed.
        joined: how many of them have an actual.
        delays: how long these took.
    """

    version: str
    predictions: int
    joined: int
    delays: Delays

    @property
    def coverage(self) -> float | None:
        """Return the share of the predictions that have an actual; None where there are none."""
        return self.joined / self.predictions if self.predictions else None

    @property
    def quantiles(self) -> dict[float, timedelta | None]:
        """Return after how long these shares of the actuals that came had come."""
        return {share: delays.quantile(self.delays, share) for share in QUANTILES}


@dataclass(frozen=True, slots=True)
class Status:
    """A model.

    Attributes:
        model: which one.
        received: actuals that were taken out of sealed hours so far.
        unjoined: generations that are sealed and wait to be joined.
        waiting: actuals that stand, and whose prediction was not found yet.
        unknown: actuals whose prediction was never found.
        listed: the last of these.
        counts: what is joined, of the hours that are kept.
        versions: its last days, by version.
    """

    model: str
    received: int
    unjoined: int
    waiting: int
    unknown: int
    listed: Sequence[Unknown]
    counts: Counts
    versions: Sequence[VersionStatus]

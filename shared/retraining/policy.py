"""Weigh what a retrain saves against what it costs.

The rule is that of renting and buying skis: who keeps the champion pays, each period, what the newest challenger would have
saved; once as much has been paid as a retrain costs, one is due. Whatever happens afterwards, that costs no more than twice
the best there was to do. It forecasts nothing, so that it comes late where a shift is large and stays.

Source:
    Karlin, Manasse, Rudolph and Sleator, "Competitive snoopy caching", Algorithmica 3 (1988).
"""

import math
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class History:
    """What is known at the beginning of a period, of the periods before: columns, oldest first.

    Attributes:
        losses: mean loss of each version in each period, shape (versions, periods); NaN where it was not asked or no actual
            is known. The difference of two of one period is that on the same rows.
        rows: rows of each period whose actuals are known, shape (periods,).
        born: the first period that a version did not learn from, shape (versions,); it may lie before the first one here.
        champions: the version that answered in each period, shape (periods,).
        disagreements: the mean loss of a version's answers were the champion's true: of classes how often the two differ;
            shape (versions, periods), NaN where unknown. No actuals are needed for it.
        errors: standard error of the difference between a version and the champion of the period, shape (versions,
            periods); NaN where unknown.
    """

    losses: NDArray[np.float64]
    rows: NDArray[np.int64]
    born: NDArray[np.int64]
    champions: NDArray[np.int64]
    disagreements: NDArray[np.float64]
    errors: NDArray[np.float64]

    @property
    def periods(self) -> int:
        """Return how many periods there are."""
        return len(self.champions)

    def before(self, now: int) -> "History":
        """Return what was known at the beginning of the period ``now``."""
        return History(
            losses=self.losses[:, :now],
            rows=self.rows[:now],
            born=self.born,
            champions=self.champions[:now],
            disagreements=self.disagreements[:, :now],
            errors=self.errors[:, :now],
        )


class Rule(StrEnum):
    """By what it was decided."""

    ACCRUED_REGRET = "accrued regret"
    TOO_LITTLE_HISTORY = "too little history"


@dataclass(frozen=True, slots=True, kw_only=True)
class Weighed:
    """Whether a retrain pays, and the numbers behind it: losses of mean rows, times periods.

    Attributes:
        retrain: whether it does.
        rule: which rule said so.
        benefit: what is held against the cost; None where nothing was measured.
        standard_error: of ``benefit``; None where unknown.
        horizon: of how many periods the benefit is.
        gap: what the newest challenger saved in the newest period it was measured in; below 0 it lost.
        gap_error: its standard error.
        regret: what the newest challenger of each period would have saved since the champion was promoted.
        challenger: the newest challenger of the newest period that any was measured in.
    """

    retrain: bool
    rule: Rule
    benefit: float | None = None
    standard_error: float | None = None
    horizon: int = 0
    gap: float | None = None
    gap_error: float | None = None
    regret: float | None = None
    challenger: int | None = None


def decide(history: History, *, cost: float, champion: int) -> Weighed:
    """Return whether another version should take the champion's place now.

    Args:
        history: of the periods before now.
        cost: of a retrain, in mean losses of a row times periods, > 0.
        champion: the version that answers now.
    """
    return accrued_regret(history, cost=cost, champion=champion)


def accrued_regret(history: History, *, cost: float, champion: int) -> Weighed:
    """Return what the rule of renting and buying skis says; arguments as of ``decide``.

    Another version should answer once the newest challengers would have saved ``cost`` since the champion was promoted, and the last of them
    is better by more than its standard error. Without a single measurement it should not.
    """
    gaps: list[tuple[float, float]] = []
    newest: int | None = None
    for period in range(_promoted(history, champion), history.periods):
        challenger = newest_challenger(history, period, champion)
        if challenger is None:
            continue
        gap = float(history.losses[champion, period] - history.losses[challenger, period])
        gaps.append((gap, float(history.errors[challenger, period])))
        newest = challenger
    if not gaps:
        return Weighed(retrain=False, rule=Rule.TOO_LITTLE_HISTORY)
    regret = math.fsum(gap for gap, _ in gaps)
    error = math.hypot(*(error for _, error in gaps))
    gap, gap_error = gaps[-1]
    # A comparison with what is unknown is False.
    return Weighed(
        retrain=regret >= cost and gap - gap_error > 0,
        rule=Rule.ACCRUED_REGRET,
        benefit=regret,
        standard_error=error if math.isfinite(error) else None,
        horizon=len(gaps),
        gap=gap,
        gap_error=gap_error if math.isfinite(gap_error) else None,
        regret=regret,
        challenger=newest,
    )


def newest_challenger(history: History, period: int, champion: int) -> int | None:
    """Return the version, newer than the champion, that was made last of those measured beside it; None where none was.

    A period that a version learned from does not measure it.
    """
    measured = np.isfinite(history.losses[:, period]) & (history.born <= period)
    if not np.isfinite(history.losses[champion, period]):
        return None
    ages = [(int(history.born[one]), int(one)) for one in np.flatnonzero(measured)]
    newer = [age for age in ages if age > (int(history.born[champion]), champion)]
    return max(newer)[1] if newer else None


def _promoted(history: History, champion: int) -> int:
    """Return the first period of the champion's time, which lasts until now."""
    others = np.flatnonzero(history.champions != champion)
    return int(others[-1]) + 1 if len(others) else 0

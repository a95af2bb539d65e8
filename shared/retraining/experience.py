"""When a retrain pays, from what versions of a model have lost so far on the same rows.

Three things must hold. A swap **would have paid**: since the champion is in use, the newest challengers of the time would
have saved what a retrain costs. That alone never costs much more than twice the best that anybody could have done, however
losses come: it is the rule of ski rental. It is **sure**: what was measured of that saving is too large for chance. And it
**will pay**: a gap as large as the present one has, in the past of this model, led to savings as large as the cost. Where the
champion is behind now and then, and comes back by itself, the first rule alone retrains for nothing, again and again.

A loss is the mean over the rows of a period; a cost is in losses times periods. The newest version of a period is the one
that learned last of those that had not seen the period.

Source of the first rule: Karlin, Manasse, Rudolph and Sleator, "Competitive snoopy caching" (1988). The numbers below were
chosen with ``benchmarks.retrain``, on its development streams.
"""

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]

SURE: Final = 2.0
"""So many standard errors must the measured saving have: looked at each period, a gap of chance comes to that seldom."""

RECENT_PERIODS: Final = 8
"""The present gap is measured over so many."""

HORIZONS: Final = (3, 6, 12, 24, 48)
"""Over so many periods it is learned what a gap comes to; the horizon that promises most counts."""

_USUAL_LIFE: Final = 12.0
"""Before anything was seen a gap is taken to fade with this many periods of mean life."""

_USUAL_GAP: Final = 0.25
"""A gap that is worth learning from, as a share of the loss; ``_BELIEF`` such spells outweigh what was taken before."""

_BELIEF: Final = 0.5


class Rule(StrEnum):
    """Which of the three things decided: the first that does not hold, or that all of them do."""

    NOT_MEASURED = "not measured"
    NOT_PAID = "not paid"
    NOT_SURE = "not sure"
    NOT_LASTING = "not lasting"
    PAYS = "pays"


@dataclass(frozen=True, slots=True, kw_only=True)
class Gaps:
    """What is known at the beginning of a period of how versions compare, in all periods before it.

    Attributes:
        losses: mean loss of each version in each period, shape (versions, periods); NaN where it was not asked, had seen
            the period when it learned, or no actual is known.
        newest: the number of the newest version of each period, shape (periods,); -1 where there was none.
        variances: of the mean difference between a version's loss and the newest's, on the same rows: its sampling
            variance, shape (versions, periods); NaN where one of the two is. It is known of every gap that is.
        disagreements: how far the answers of a version and of the newest are apart on average, on all rows, whether
            their actuals are known or not, shape (versions, periods); NaN where one was not asked.
        delay: how many periods it takes until the actuals of a period are known.
    """

    losses: Floats
    newest: NDArray[np.int64]
    variances: Floats
    disagreements: Floats
    delay: int = 0

    @property
    def periods(self) -> int:
        """Return how many periods there were."""
        return len(self.newest)

    @property
    def known(self) -> int:
        """Return of how many, from the first on, actuals are known."""
        return max(self.periods - self.delay, 0)

    @property
    def gaps(self) -> Floats:
        """Return by how much each version's loss is above the newest's, shape (versions, periods); NaN where unknown."""
        there = np.flatnonzero(self.newest >= 0)
        gaps = np.full(self.losses.shape, np.nan)
        gaps[:, there] = self.losses[:, there] - self.losses[self.newest[there], there]
        gaps[self.newest[there], there] = np.nan
        return gaps


@dataclass(frozen=True, slots=True, kw_only=True)
class Weighed:
    """What speaks for a retrain, in losses times periods unless said otherwise.

    Attributes:
        rule: what decided.
        cost: of a retrain.
        regret: what the newest challengers would have saved since the champion is in use, estimated where actuals are
            not known yet.
        measured: the part of it that was measured.
        standard_error: of ``measured``.
        gap: by how much the champion's loss is above the newest's now: a loss.
        benefit: what a swap is expected to save.
        horizon: over how many periods.
        lasting: what is left of a gap over that horizon on average, from past ones: 1 where it stays, 0 where it closes.
        measured_periods: of how many periods both losses are known.
    """

    rule: Rule
    cost: float
    regret: float = 0.0
    measured: float = 0.0
    standard_error: float = 0.0
    gap: float = 0.0
    benefit: float = 0.0
    horizon: int = 0
    lasting: float = 1.0
    measured_periods: int = 0

    @property
    def retrain(self) -> bool:
        """Whether a retrain pays."""
        return self.rule is Rule.PAYS


@dataclass(frozen=True, slots=True)
class Experience:
    """What past gaps of a model came to, at the beginning of a period; ``lasting`` has one number a horizon."""

    history: Gaps
    lasting: Floats
    _gaps: Floats
    _recent: Floats

    @classmethod
    def of(cls, history: Gaps) -> "Experience":
        """Learn it from all versions and all periods, as if any version had been in use at any time."""
        gaps = history.gaps
        usual = _USUAL_GAP * _usual_loss(history)
        recent = _recent_gaps(gaps, history.variances, usual)
        return cls(history, _lasting(history, recent, usual), gaps, recent)

    def weigh(self, *, champion: int, since: int, cost: float) -> Weighed:
        """Say whether a retrain pays now.

        Args:
            champion: the number of the version in use.
            since: the period it is in use since.
            cost: of a retrain, above 0.
        """
        known = self.history.known
        mine = self._gaps[champion, since:known]
        measured_periods = int(np.isfinite(mine).sum())
        if not measured_periods:
            return Weighed(rule=Rule.NOT_MEASURED, cost=cost)
        measured = float(np.nansum(mine))
        standard_error = float(np.sqrt(np.nansum(self.history.variances[champion, since:known])))
        regret = measured + self._unmeasured(champion, since, measured)
        gap = float(self._recent[champion, known])
        promised = self.lasting * HORIZONS * gap
        best = int(promised.argmax())
        benefit = float(promised[best])
        rule = Rule.PAYS
        if benefit < cost:
            rule = Rule.NOT_LASTING
        if measured < SURE * standard_error:
            rule = Rule.NOT_SURE
        if regret < cost or measured <= 0:
            rule = Rule.NOT_PAID
        return Weighed(
            rule=rule,
            cost=cost,
            regret=regret,
            measured=measured,
            standard_error=standard_error,
            gap=gap,
            benefit=benefit,
            horizon=HORIZONS[best],
            lasting=float(self.lasting[best]),
            measured_periods=measured_periods,
        )

    def _unmeasured(self, champion: int, since: int, measured: float) -> float:
        """Return the likely regret of the periods whose actuals are not known yet.

        A champion's answers that differ from the newest's cost it as much as those did of which actuals are known; one
        usual period in which they cost nothing is added to these.
        """
        differ, known = self.history.disagreements[champion], self.history.known
        mine = differ[since:known]
        if not np.isfinite(mine).any():
            return 0.0
        rate = measured / (np.nansum(mine) + np.nanmean(mine)) if np.nansum(mine) else 0.0
        return float(rate * np.nansum(differ[max(since, known) :]))


def _usual_loss(history: Gaps) -> float:
    """Return the mean loss of the newest versions."""
    there = np.flatnonzero(history.newest[: history.known] >= 0)
    newest = history.losses[history.newest[there], there]
    return float(np.nanmean(newest)) if np.isfinite(newest).any() else 0.0


def _recent_gaps(gaps: Floats, variances: Floats, usual: float) -> Floats:
    """Return each version's gap over the last periods before each period, shape (versions, periods + 1).

    What chance may have added is taken off: the mean is drawn to 0 by as much as its sampling variance outweighs the square
    of a usual gap. Where nothing was measured it is 0.
    """
    measured = np.isfinite(gaps)

    def over_recent(values: Floats) -> Floats:
        sums = np.pad(np.where(measured, values, 0.0), ((0, 0), (1, 0))).cumsum(axis=1)
        begin = np.maximum(np.arange(sums.shape[1]) - RECENT_PERIODS, 0)
        recent: Floats = sums - sums[:, begin]
        return recent

    periods = over_recent(np.ones_like(gaps))
    noise = over_recent(variances) / np.maximum(periods, 1.0)
    return over_recent(gaps) / np.maximum(periods + noise / max(usual**2, 1e-12), 1e-12)


def _lasting(history: Gaps, recent: Floats, usual: float) -> Floats:
    """Return what is left on average of a gap over the periods after it, for each horizon; shape (horizons,).

    The slope, through 0, of what a swap would have saved a period on the gap as it was known then: over all versions and
    all times at which another one could have taken over. One time counts as one spell however many versions there were, and
    overlapping horizons share theirs. What is taken of a horizon before it was seen follows from the shorter one: where
    gaps have closed within six periods, nothing is promised of forty-eight.
    """
    weight = _BELIEF * max(usual**2, 1e-12)
    lasting: list[float] = []
    taken = 1.0
    for horizon in HORIZONS:
        believed = taken * _USUAL_LIFE / horizon * -math.expm1(-horizon / _USUAL_LIFE)
        cross, square = _moments(history, recent, horizon)
        lasting.append((cross + weight * believed) / (square + weight))
        taken *= lasting[-1] / believed
    return np.array(lasting)


def _moments(history: Gaps, recent: Floats, horizon: int) -> tuple[float, float]:
    """Return the sums of gap times saving, and of gap squared, over the swaps whose outcome is known."""
    cross = square = 0.0
    for begin in range(history.delay, history.known - horizon + 1):
        newest = history.newest[begin]
        if newest < 0:
            continue
        span = slice(begin, begin + horizon)
        saved = (history.losses[:, span] - history.losses[newest, span]).mean(axis=1)
        gap = recent[:, begin - history.delay]
        counts = np.isfinite(saved) & (gap != 0.0)
        counts[newest] = False
        if counts.any():
            spells = horizon * counts.sum()
            cross += float((gap[counts] * saved[counts]).sum()) / spells
            square += float((gap[counts] ** 2).sum()) / spells
    return cross, square

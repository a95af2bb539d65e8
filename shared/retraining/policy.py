"""Say from the stored periods of a model whether another version should answer now.

``decide`` is the policy: it puts periods together as ``experience`` weighs them. ``accrued_regret`` is the plain rule of renting
and buying skis, which replays hold it against.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shared.retraining.experience import Experience, Floats, Gaps, Weighed


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class History:
    """What is known at the beginning of a period, of the periods before: columns, oldest first.

    Attributes:
        losses: mean loss of each version in each period, shape (versions, periods); NaN where it was not asked or no actual
            is known. The difference of two of one period is that on the same rows.
        born: the first period that a version was there for and did not learn from, shape (versions,); it may lie before the
            first one here.
        champions: the version that answered in each period, shape (periods,).
        disagreements: the mean loss of a version's answers were the champion's true: of classes how often the two differ;
            shape (versions, periods), NaN where unknown. No actuals are needed for it.
        errors: standard error of the difference between a version and the one that others were asked beside in the period,
            which is the champion in fact: 0 for that one. Shape (versions, periods), NaN where unknown.
        unsettled: of how many periods, the last ones, actuals have not had their time: only disagreements are known of them.
    """

    losses: NDArray[np.float64]
    born: NDArray[np.int64]
    champions: NDArray[np.int64]
    disagreements: NDArray[np.float64]
    errors: NDArray[np.float64]
    unsettled: int = 0

    @property
    def periods(self) -> int:
        """Return how many periods there are."""
        return len(self.champions)

    def before(self, now: int) -> "History":
        """Return what was known at the beginning of the period ``now``."""
        return History(
            losses=self.losses[:, :now],
            born=self.born,
            champions=self.champions[:now],
            disagreements=self.disagreements[:, :now],
            errors=self.errors[:, :now],
            unsettled=max(self.unsettled - (self.periods - now), 0),
        )


def decide(history: History, *, cost: float, champion: int, delay: int = 0) -> Weighed:
    """Weigh what another version would save in the champion's place against what a retrain costs.

    Args:
        history: of the periods before now.
        cost: of a retrain, in mean losses of a row times periods, > 0.
        champion: the version that answers now.
        delay: how many periods there were since the newest settled one, at least those that ``history`` has: so much later
            than it was measured a gap is known, and acted on.
    """
    experience = Experience.of(gaps_of(history, delay=delay))
    return experience.weigh(champion=champion, since=_promoted(history, champion), cost=cost)


def accrued_regret(history: History, *, cost: float, champion: int) -> bool:
    """Return what the rule of renting and buying skis says; arguments as of ``decide``.

    Another version should answer once the newest ones would have saved ``cost`` since the champion was promoted, and the last
    gap is above its standard error. Whatever happens afterwards, that costs little more than twice the best there was to do.

    Source:
        Karlin, Manasse, Rudolph and Sleator, "Competitive snoopy caching", Algorithmica 3 (1988).
    """
    known = gaps_of(history)
    since = _promoted(history, champion)
    gaps, variances = known.gaps[champion, since:], known.variances[champion, since:]
    measured = np.flatnonzero(np.isfinite(gaps))
    if not len(measured):
        return False
    last = measured[-1]
    return bool(gaps[measured].sum() >= cost and gaps[last] > math.sqrt(variances[last]))


def gaps_of(history: History, *, delay: int = 0) -> Gaps:
    """Return by how much versions lost more than the newest, with ``delay`` periods at the end whose losses nobody knows.

    Of those among them that the history has, it is known how far answers differ; of the others, which are not over or were
    not looked at, nothing is.

    The newest version of a period is the one made last of those asked in it, of which the champion is one: while that is the
    newest, there is no gap to measure. A period that a version learned from does not measure it, unless it answered in it; nor
    does one in which its standard error is unknown, since any gap may then be chance.
    """
    versions, periods = history.losses.shape
    answered = np.arange(versions)[:, None] == history.champions
    counts = (history.born[:, None] <= np.arange(periods)) | answered
    asked = counts & (np.isfinite(history.losses) | np.isfinite(history.disagreements))
    newest_first = np.argsort(history.born, kind="stable")[::-1]
    newest = np.where(asked.any(axis=0), newest_first[asked[newest_first].argmax(axis=0)], -1)

    def of_newest(values: Floats) -> Floats:
        return np.where(newest < 0, np.nan, values[newest, np.arange(periods)])

    # Beside itself no version is measured.
    errors = np.where(np.arange(versions)[:, None] == newest, np.nan, history.errors)
    missing = delay - history.unsettled
    later = ((0, 0), (0, missing))
    return Gaps(
        losses=np.pad(
            np.where(counts & np.isfinite(history.errors), history.losses, np.nan), later, constant_values=np.nan
        ),
        newest=np.pad(newest, (0, missing), constant_values=-1),
        variances=np.pad(errors**2 + of_newest(history.errors) ** 2, later, constant_values=np.nan),
        disagreements=np.pad(np.tile(of_newest(history.disagreements), (versions, 1)), later, constant_values=np.nan),
        delay=delay,
    )


def _promoted(history: History, champion: int) -> int:
    """Return the first period of the champion's time, which lasts until now."""
    others = np.flatnonzero(history.champions != champion)
    return int(others[-1]) + 1 if len(others) else 0

"""The policy that Driftline decides by: ``shared.retraining``."""

from typing import Final

import numpy as np

from benchmarks.retraining.games import Rule, Seen
from shared.retraining.experience import Experience, Gaps


def gaps_of(seen: Seen) -> Gaps:
    """Return what the app would know: ``shared.retraining.policy.gaps_of`` makes it of stored periods."""
    periods = np.arange(seen.now)
    return Gaps(
        losses=seen.losses,
        newest=np.where(periods >= seen.start, periods, -1),
        variances=seen.variances,
        disagreements=seen.disagreements,
        delay=seen.now - seen.known_periods,
    )


def _pays(seen: Seen) -> bool:
    return Experience.of(gaps_of(seen)).weigh(champion=seen.champion, since=seen.champion, cost=seen.swap_cost).retrain


OURS: Final = Rule.of("ours", _pays, challengers=1.0, heeds_cost=True)

"""The policy that Driftline decides by: ``shared.retraining``."""

from typing import Final

import numpy as np

from benchmarks.retraining.games import Rule, Seen
from shared.retraining.experience import Experience, Gaps


def _pays(seen: Seen) -> bool:
    periods = np.arange(seen.now)
    gaps = Gaps(
        losses=seen.losses,
        newest=np.where(periods >= seen.start, periods, -1),
        variances=seen.variances,
        disagreements=seen.disagreements,
        delay=seen.now - seen.known_periods,
    )
    return Experience.of(gaps).weigh(champion=seen.champion, since=seen.champion, cost=seen.swap_cost).retrain


OURS: Final = Rule.of("ours", _pays, challengers=1.0, heeds_cost=True)

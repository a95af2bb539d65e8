"""By what the champion loses, measured on actuals."""

from typing import Final

import numpy as np

from benchmarks.retraining.games import Rule, Seen


def _ski_rental(seen: Seen) -> bool:
    """Swap once the newest versions would have saved what a swap costs.

    Of every period since the champion's start whose actuals are known: its loss less the loss of the version made for that
    period. Like one who rents skis until the rent paid would have bought them.

    Source:
        Karlin, Manasse, McGeoch and Owicki, "Competitive randomized algorithms for nonuniform problems" (1994), the
        deterministic rule.
    """
    losses = seen.losses
    regret = losses[seen.champion] - np.diagonal(losses)
    return bool(np.nansum(regret[seen.champion :]) >= seen.swap_cost)


def _avoidable_loss(seen: Seen) -> bool:
    """Swap once the loss beyond what a version has when it is new sums up to what a swap costs.

    What a new version loses is the mean over the versions put to use so far, each in the first period it was used in. No
    period takes anything off the sum. No challengers are needed.

    Source:
        the number of avoidable misclassifications of Modyn (ETH Zurich), docs/pipeline/triggers/PERFORMANCE_TRIGGER.md, in
        hindsight and without reduction; its threshold, a number of rows, is what a swap costs here. It judges a new version
        by the newest interval before it, which would be rows it was trained on here.
    """
    losses = seen.losses
    when_new = np.array([losses[version, version] for version in (seen.start, *seen.swaps)])
    champion = losses[seen.champion, seen.champion :]
    if np.isnan(when_new).all():
        return False
    return bool(np.nansum(np.maximum(champion - np.nanmean(when_new), 0.0)) >= seen.swap_cost)


SKI_RENTAL: Final = Rule.of("ski-rental", _ski_rental, challengers=1.0, heeds_cost=True)
AVOIDABLE_LOSS: Final = Rule.of("avoidable loss", _avoidable_loss, heeds_cost=True)

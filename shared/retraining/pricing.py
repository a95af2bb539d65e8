"""What a retrain costs, in the unit that benefits have: mean losses of a row times periods."""

from collections.abc import Sequence

from shared.registry.manifest import Task
from shared.retrain_config import RetrainCost, Worth
from shared.retraining.losses import pooled
from shared.retraining.period_losses import PeriodLosses


def price(cost: RetrainCost, periods: Sequence[PeriodLosses], task: Task, *, hours: int) -> float | None:
    """Return the cost of a retrain; None where it depends on periods, and they do not say.

    A number is of rows: it is spread over the mean number of predictions a period. Points are hundredths: of a classifier of
    its loss (of accuracy, where that is the share of wrong answers), of a regressor, whose loss has a unit, of its mean loss.

    Args:
        cost: as it is stated.
        periods: the newest ones.
        task: what kind of answer the model gives.
        hours: how long a period is.
    """
    if not isinstance(cost, Worth):
        rows = sum(one.predictions for one in periods)
        return cost * len(periods) / rows if rows else None
    spent = cost.points / 100 * cost.days * 24 / hours
    if task is Task.CLASSIFICATION:
        return spent
    mean = pooled([one for period in periods if (one := period.champion_mean) is not None])
    return spent * mean.value if mean and mean.value > 0 else None

"""Periods and situations of a champion ``2``, which answered after ``1``, with a challenger ``3``."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from shared.hours import Hour
from shared.retrain_config import Loss
from shared.retraining.period_losses import Compared, PeriodLosses
from shared.retraining.policy import Rule, Weighed
from shared.retraining.situation import Situation

FIRST: Final = Hour.parse("2026-03-02T00")


def beside(
    version: str = "3",
    *,
    gap: float | None = 0.1,
    error: float = 0.02,
    asked: int = 1_000,
    rows: int = 1_000,
    disagreement: float | None = 0.2,
) -> Compared:
    """Return a version that was asked beside the champion; measured, unless ``gap`` is None."""
    return Compared(
        version=version,
        asked=asked,
        rows=rows if gap is not None else 0,
        loss=None if gap is None else 0.3 - gap,
        gap=gap,
        gap_error=None if gap is None else error,
        disagreement=disagreement,
    )


def period(
    number: int,
    *compared: Compared,
    mean: float | None = 0.3,
    error: float = 0.01,
    champion: str = "2",
    loss: Loss = Loss.ERROR,
) -> PeriodLosses:
    """Return a day of 10,000 predictions, all with actuals unless ``mean`` is None."""
    first = FIRST.plus(24 * number)
    return PeriodLosses(
        model="flights",
        start=first.key,
        end=first.plus(24).key,
        champion=champion,
        loss=loss,
        most_rows=1_000,
        predictions=10_000,
        rows=0 if mean is None else 10_000,
        mean=mean,
        standard_error=None if mean is None else error,
        compared=compared,
        inputs={"hour": "0"},
    )


def weighed(benefit: float | None, *, error: float = 0.05, retrain: bool = False) -> Weighed:
    """Return what a policy might say."""
    if benefit is None:
        return Weighed(retrain=False, rule=Rule.TOO_LITTLE_HISTORY)
    return Weighed(
        retrain=retrain,
        rule=Rule.ACCRUED_REGRET,
        benefit=benefit,
        standard_error=error,
        horizon=3,
        gap=0.1,
        gap_error=0.02,
        regret=benefit,
        challenger=2,
    )


def situation(periods: Sequence[PeriodLosses], *, benefit: float | None = 0.2, retrain: bool = False) -> Situation:
    """Return a situation in which a retrain costs half of a period's loss."""
    return Situation(
        champion="2",
        periods=periods,
        weighed=weighed(benefit, retrain=retrain),
        cost=0.5,
        is_stated=True,
        newest=[one.beside("3") for one in periods],
        earlier=["1"],
        faults=[],
    )


def unpriced(one: Situation) -> Situation:
    """Return it without a cost."""
    return replace(one, weighed=None, cost=None, is_stated=False)

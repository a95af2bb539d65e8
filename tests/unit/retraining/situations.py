"""Periods and situations of a champion ``2``, which answered after ``1``, with a challenger ``3``."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from shared.hours import Hour
from shared.retrain_config import Loss
from shared.retraining.experience import Rule, Weighed
from shared.retraining.period_losses import Compared, PeriodLosses
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


def weighed(rule: Rule, *, regret: float = 0.2, error: float = 0.05, benefit: float = 0.7) -> Weighed:
    """Return what a policy might say of a retrain that costs half of a period's loss."""
    if rule is Rule.NOT_MEASURED:
        return Weighed(rule=rule, cost=0.5)
    return Weighed(
        rule=rule,
        cost=0.5,
        regret=regret,
        measured=regret,
        standard_error=error,
        gap=0.1,
        benefit=benefit,
        horizon=12,
        lasting=benefit / 1.2,
        measured_periods=3,
    )


PAYS: Final = weighed(Rule.PAYS, regret=0.6)


def situation(periods: Sequence[PeriodLosses], said: Weighed | None = None) -> Situation:
    """Return a situation in which a policy said something: else that a retrain would not have paid yet."""
    return Situation(
        champion="2",
        periods=periods,
        weighed=said or weighed(Rule.NOT_PAID),
        is_stated=True,
        newest=[one.beside("3") for one in periods],
        earlier=["1"],
        retired=[],
        faults=[],
    )


def unpriced(one: Situation) -> Situation:
    """Return it without a cost."""
    return replace(one, weighed=None, is_stated=False)

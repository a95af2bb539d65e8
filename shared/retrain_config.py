"""What a model's ``monitor.yaml`` says of retraining: what it costs, and by what it is decided."""

from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Final

import msgspec

HOUR: Final = timedelta(hours=1)
LONGEST: Final = timedelta(days=366)


class Loss(StrEnum):
    """What a wrong answer costs."""

    ERROR = "error"
    BRIER = "brier"
    LOG_LOSS = "log_loss"
    ABSOLUTE_ERROR = "absolute_error"
    SQUARED_ERROR = "squared_error"


class Worth(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A retrain is worth so many points for so many days: of accuracy, or, of a regressor, hundredths of its mean loss."""

    points: Annotated[float, msgspec.Meta(gt=0, le=1e6)]
    days: Annotated[float, msgspec.Meta(gt=0, le=3660)]


RetrainCost = Annotated[float, msgspec.Meta(gt=0, le=1e18)] | Worth
"""A number is loss times rows: of classes, so many wrong answers."""


class Retraining(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """By what it is decided whether a retrain pays.

    Attributes:
        period: a decision is made once in it; whole hours, counted from a Monday's midnight UTC.
        loss: what a wrong answer costs; None is ``error`` of a class and ``absolute_error`` of a number.
        train_on: how many periods a challenger learns from.
        challengers_kept: how many challengers, the newest, are asked beside the champion.
        rows_a_period: how many rows of a period they are asked.
    """

    period: timedelta = timedelta(days=1)
    loss: Loss | None = None
    train_on: Annotated[int, msgspec.Meta(ge=1, le=1_000)] = 12
    challengers_kept: Annotated[int, msgspec.Meta(ge=1, le=100)] = 12
    rows_a_period: Annotated[int, msgspec.Meta(ge=100, le=100_000)] = 2_000

    def __post_init__(self) -> None:
        if not HOUR <= self.period <= LONGEST or self.period % HOUR:
            raise ValueError("period is a number of whole hours, up to a year, such as P1D or PT6H")

    @property
    def period_hours(self) -> int:
        """Return how long a period is, in hours."""
        return self.period // HOUR

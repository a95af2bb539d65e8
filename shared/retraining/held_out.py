"""Champion and challenger on rows that the challenger did not learn from: who is better, and whether that is established."""

from typing import Final

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from shared.hours import Hour
from shared.registry.inference import WEIGHT
from shared.registry.manifest import Manifest
from shared.retrain_config import Loss
from shared.retraining.asking import CHAMPION_ANSWER, answer_losses, ask, missing, unaskable, unjudged
from shared.retraining.comparison import sureness
from shared.retraining.losses import Floats, Mean, Sums
from shared.retraining.training_set import AT
from shared.scoring.runtime import Runtime

SURE: Final = 0.95
"""So sure that a challenger is better is sure enough to have it answer: a one-sided test at 5 %."""

_WITHIN: Final = 1.959963984540054
"""So many standard errors to each side of a mean are its interval of 95 %."""
_MILLION: Final = 1e6


class HeldOut(msgspec.Struct, frozen=True, kw_only=True):
    """A challenger beside the champion on the test part of the dataset that it learned from.

    Attributes:
        loss: what a wrong answer costs.
        rows: of how many rows.
        champion: the champion's mean loss over them; None where they could not be compared.
        challenger: the challenger's.
        difference: by how much the champion's is above: > 0 is for the challenger.
        interval: of 95 %, of the difference; None where too few rows say how far it strays.
        sureness: how sure it is that the challenger is better, from 0 to 1; None likewise.
        left_out: why they could not be compared; None where they were.
    """

    loss: Loss
    rows: int
    champion: float | None = None
    challenger: float | None = None
    difference: float | None = None
    interval: tuple[float, float] | None = None
    sureness: float | None = None
    left_out: str | None = None

    @property
    def is_established(self) -> bool:
        """Whether the challenger is better, and that is as sure as ``SURE``."""
        return self.sureness is not None and self.sureness >= SURE


def held_out(
    champion: tuple[Manifest, Runtime], challenger: tuple[Manifest, Runtime], rows: pa.Table, *, loss: Loss
) -> HeldOut:
    """Ask both versions the same rows, and return what their answers cost; rows count as the dataset says.

    The standard error is that of hours where there are enough of them, since rows of one hour hang together (``losses``).

    Raises:
        ModelFailed: one of them raised.
    """
    reason = _left_out(champion[0], challenger[0], rows, loss)
    if reason is not None:
        return HeldOut(loss=loss, rows=rows.num_rows, left_out=reason)
    hours = [Hour.containing(at).key for at in rows.column(AT).to_pylist()]
    asked = rows.append_column("_hour", pa.array(hours, pa.string())).append_column(
        CHAMPION_ANSWER, pa.nulls(rows.num_rows)
    )
    weights: Floats = rows.column(WEIGHT).to_numpy().astype(np.float64) / _MILLION
    actuals = rows.column(champion[0].actual).to_pylist()
    ours, theirs = (
        answer_losses(loss, version, ask(runtime, version, asked), actuals)
        for version, runtime in (champion, challenger)
    )
    means = [Sums.of(losses, weights, hours).mean() for losses in (ours, theirs, ours - theirs)]
    return _told(loss, [one for one in means if one is not None], rows.num_rows)


def _left_out(champion: Manifest, challenger: Manifest, rows: pa.Table, loss: Loss) -> str | None:
    """Return why two versions cannot be compared; None where they can."""
    if not rows.num_rows or not pc.any(pc.greater(rows.column(WEIGHT), 0)).as_py():
        return "the dataset holds no rows out"
    return (
        unaskable(challenger, champion)
        or missing(champion, rows)
        or missing(challenger, rows)
        or unjudged(loss, champion)
        or unjudged(loss, challenger)
    )


def _told(loss: Loss, means: list[Mean], rows: int) -> HeldOut:
    ours, theirs, gap = means
    error = gap.standard_error
    return HeldOut(
        loss=loss,
        rows=rows,
        champion=ours.value,
        challenger=theirs.value,
        difference=gap.value,
        interval=None if error is None else (gap.value - _WITHIN * error, gap.value + _WITHIN * error),
        sureness=sureness(gap.value, error),
    )

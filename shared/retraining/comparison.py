"""Champion and challenger beside each other: which is better, and how sure that is."""

from collections.abc import Sequence

import msgspec

from shared.retraining.losses import pooled
from shared.retraining.period_losses import PeriodLosses


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """One version beside the champion, on the same rows of all the periods in which both were measured.

    Attributes:
        champion: the version that answered.
        version: the one beside it.
        periods: how many.
        rows: how many rows with an actual.
        champion_loss: the champion's mean loss, over all of its rows in those periods.
        gap: by how much the champion's mean loss is above the version's: > 0 is for the version.
        gap_error: standard error of ``gap``; None where unknown.
        sureness: how sure it is that the version is better, from 0 to 1: one less the one-sided p-value; None where unknown.
    """

    champion: str
    version: str
    periods: int
    rows: int
    champion_loss: float
    gap: float
    gap_error: float | None
    sureness: float | None


def compared(periods: Sequence[PeriodLosses], champion: str, version: str) -> Comparison | None:
    """Return a version beside the champion; None where it was never measured on the same rows while that answered."""
    pairs = [
        (one.mean, gap)
        for one in periods
        if one.champion == champion and one.mean is not None and (gap := one.gap_of(version)) is not None
    ]
    total = pooled([gap for _, gap in pairs])
    if total is None:
        return None
    lost = sum(mean * gap.rows for mean, gap in pairs) / total.rows
    return Comparison(
        champion=champion,
        version=version,
        periods=len(pairs),
        rows=total.rows,
        champion_loss=lost,
        gap=total.value,
        gap_error=total.standard_error,
        sureness=sureness(total.value, total.standard_error),
    )


def sureness(gap: float, error: float | None) -> float | None:
    """Return how sure it is that a mean is above 0, by its standard error; None where that is unknown."""
    from scipy.special import ndtr

    if error is None:
        return None
    if error == 0:
        return 0.5 if gap == 0 else float(gap > 0)
    return float(ndtr(gap / error))

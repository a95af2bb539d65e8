"""Whether a difference is sure, whichever rule says so."""

import math
from dataclasses import dataclass

from shared.signals.measuring import Difference
from shared.signals.significance import ks_rows, share_rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Sureness:
    """What can be said of one difference.

    Attributes:
        p_value: what chance alone would give as much of it; None where there was nothing to compare.
        is_sure: whether it is too rare for chance.
        needed: rows from which silence means something; None if no number would do.
        never: why none would.
    """

    p_value: float | None
    is_sure: bool
    needed: int | None
    never: str


def by_bonferroni(
    difference: Difference, *, level: float, noticeable: float, design_effect: float, fewest_rows: int
) -> Sureness:
    """Return what a p-value says that holds without any history.

    n rows against m are worth n * m / (n + m), which stays below n however many there are in m.

    Args:
        difference: with its p-value.
        level: the p-value below which it is sure.
        noticeable: a distance that must not pass unheard.
        design_effect: rows that are worth one independent row.
        fewest_rows: on fewer nothing is judged.
    """
    if difference.metric == "ks":
        worth = ks_rows(noticeable, p_value=level)
    else:
        worth = share_rows(noticeable, bins=difference.bins, p_value=level)
    worth *= design_effect
    n = difference.baseline_rows
    return Sureness(
        p_value=difference.p_value,
        is_sure=difference.p_value is not None and difference.p_value < level,
        needed=max(math.ceil(worth * n / (n - worth)), fewest_rows) if n > worth else None,
        never=f"the baseline's {n} rows are too few for any window",
    )

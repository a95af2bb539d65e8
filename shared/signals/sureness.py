"""Whether a difference is sure, whichever rule says so."""

import math
from dataclasses import dataclass

from shared.signals.measuring import Difference
from shared.signals.significance import at_least, effective_rows, ks_rows, share_rows, window_rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Sureness:
    """What can be said of one difference.

    Attributes:
        p_value: what chance alone would give as much of it; None where there was nothing to compare.
        is_sure: whether it is too rare for chance.
        at_least: how large a distance it is, with what chance may have added taken off; a history also takes off what is
            usual at the window's moment of the week.
        needed: rows from which silence means something; None if no number would do.
        never: why none would.
    """

    p_value: float | None
    is_sure: bool
    at_least: float
    needed: int | None
    never: str


def by_bonferroni(
    difference: Difference, *, level: float, comparisons: int, noticeable: float, design_effect: float, fewest_rows: int
) -> Sureness:
    """Return what a p-value says that holds without any history.

    Args:
        difference: with its p-value.
        level: the p-value below which it is sure.
        comparisons: how many there are of its signal.
        noticeable: a distance that must not pass unheard.
        design_effect: rows that are worth one independent row.
        fewest_rows: on fewer nothing is judged.
    """
    n = difference.baseline_rows
    if difference.needed is not None:
        needed = difference.needed(noticeable, level)
    elif difference.metric == "ks":
        needed = window_rows(ks_rows(noticeable, p_value=level) * design_effect, baseline=n)
    else:
        needed = window_rows(share_rows(noticeable, bins=difference.bins, p_value=level) * design_effect, baseline=n)
    return Sureness(
        p_value=difference.p_value,
        is_sure=difference.p_value is not None and difference.p_value < level,
        at_least=_at_least(difference, comparisons=comparisons),
        needed=max(math.ceil(needed), fewest_rows) if math.isfinite(needed) else None,
        never=f"the baseline's {n} rows are too few for any window",
    )


def _at_least(difference: Difference, *, comparisons: int) -> float:
    """Return what a distance is at least, were rows independent; anything else than a distance is what it is."""
    value = difference.value or 0.0
    if difference.metric not in {"ks", "l_infinity"} or not (difference.rows and difference.baseline_rows):
        return value
    rows = effective_rows(difference.baseline_rows, difference.rows, design_effect=1.0)
    return at_least(value, rows=rows, comparisons=comparisons)

"""Shares of rows that are no value, compared."""

import numpy as np

from shared.signals.exact.comparison import Side
from shared.signals.significance import largest_share_p_value


def missing_share_increase(baseline: Side, current: Side, *, design_effect: float) -> tuple[float | None, float | None]:
    """Return by how much missing values have become more common, and its p-value; None where a side has no rows."""
    if not (baseline.rows and current.rows):
        return None, None
    increase = current.missing / current.rows - baseline.missing / baseline.rows
    before, now = (np.array([side.missing, side.rows - side.missing]) for side in (baseline, current))
    return increase, largest_share_p_value(before, now, design_effect=design_effect)

"""Streams to try a policy on while it is made: how they drift is known, and nothing is reported of them.

A row has five normal numbers, and is positive where ``cos(a) x0 + sin(a) x1 + x2 x3 / 2 > 0``. What drifts is the angle a,
in degrees, or where the rows lie. Some actuals are flipped.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.retraining.periods import Periods

_PERIODS: Final = 150
_ROWS: Final = 300
_FEATURES: Final = 5
_NOW: Final = np.arange(_PERIODS, dtype=np.float64)[:, None]
"""The number of each period, to be spread over its rows."""

_Angles = NDArray[np.float64]


def abrupt() -> Periods:
    """Three sudden changes, of 40, 60 and 20 degrees."""
    return _drawn(np.select([_NOW < 40, _NOW < 80, _NOW < 115], [0.0, 40.0, 100.0], 120.0), seed=1)


def gradual() -> Periods:
    """Over 40 periods, ever more rows follow another rule."""
    is_new = np.random.default_rng(102).random((_PERIODS, _ROWS)) < (_NOW - 50) / 40
    return _drawn(np.where(is_new, 60.0, 0.0), seed=2)


def incremental() -> Periods:
    """The rule turns by a degree and a half a period, all the time."""
    return _drawn(1.5 * _NOW, seed=3)


def recurrent() -> Periods:
    """Two rules take turns, 25 periods each."""
    return _drawn(np.where(_NOW // 25 % 2 == 0, 0.0, 50.0), seed=4)


def blip() -> Periods:
    """Another rule for three periods, then the old one again."""
    return _drawn(np.where((_NOW >= 70) & (_NOW < 73), 90.0, 0.0), seed=5)


def moving() -> Periods:
    """The rule stays, and rows move to where a model has seen few."""
    return _drawn(0.0 * _NOW, seed=6, moved=3.0 * _NOW / _PERIODS)


def still() -> Periods:
    """No drift, and few flips."""
    return _drawn(0.0 * _NOW, seed=7, flipped=0.05)


def noisy() -> Periods:
    """No drift, and many flips."""
    return _drawn(0.0 * _NOW, seed=8, flipped=0.25)


def _drawn(angles: _Angles, *, seed: int, flipped: float = 0.1, moved: _Angles | float = 0.0) -> Periods:
    """Draw rows whose rule is turned by ``angles``, and whose third number is larger by ``moved``."""
    rng = np.random.default_rng(seed)
    rows = rng.standard_normal((_PERIODS, _ROWS, _FEATURES))
    rows[..., 2] += moved
    turned = np.radians(angles)
    score = np.cos(turned) * rows[..., 0] + np.sin(turned) * rows[..., 1] + rows[..., 2] * rows[..., 3] / 2
    actuals = (score > 0) != (rng.random((_PERIODS, _ROWS)) < flipped)
    return Periods(rows=rows.astype(np.float32), actuals=actuals)

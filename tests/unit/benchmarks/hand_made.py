"""Tables in which the right decision is obvious."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.retraining.learning import Setting
from benchmarks.retraining.periods import Floats, Periods
from benchmarks.retraining.tables import Tables

ROWS: Final = 40
WINDOW: Final = 2
PROMPT: Final = Setting(name="prompt", delay=0, share=1.0)
LATE: Final = Setting(name="late", delay=3, share=1.0)


def tables(
    losses: NDArray[np.float64],
    *,
    setting: Setting = PROMPT,
    rows: Floats | None = None,
    categorical: tuple[int, ...] = (),
    sure: float = 0.9,
) -> Tables:
    """Return versions that lose as told, at places of chance; they give their answers the probability ``sure``."""
    periods = len(losses)
    rng = np.random.default_rng(1)
    drawn = rng.standard_normal((periods, ROWS, 2)).astype(np.float32) if rows is None else rows
    size = drawn.shape[1]
    actuals = rng.random((periods, size)) < 0.5
    place = rng.permuted(np.tile(np.arange(size), (periods, 1)), axis=1)
    is_wrong = place < np.round(losses[:, :, None] * size)
    predictions = np.where(is_wrong != actuals, sure, 1 - sure).astype(np.float16)
    made = np.arange(periods)
    is_made = (made[:, None] >= setting.first_version(WINDOW)) & (made[:, None] <= made)
    predictions[~is_made] = np.nan
    return Tables(
        periods=Periods(rows=drawn, actuals=actuals, categorical=categorical),
        setting=setting,
        window=WINDOW,
        known=np.ones_like(actuals),
        predictions=predictions,
    )


def turning(at: int, *, periods: int = 30, good: float = 0.1, bad: float = 0.6) -> NDArray[np.float64]:
    """Return losses of a world that changes at the beginning of a period: of versions made by then, and of those after."""
    made, now = np.arange(periods)[:, None], np.arange(periods)
    return np.where((made <= at) & (now >= at), bad, good)


def ageing(*, periods: int = 60, a_period: float = 0.05) -> NDArray[np.float64]:
    """Return losses that grow with a version's age."""
    made, now = np.arange(periods)[:, None], np.arange(periods)
    return np.clip(0.1 + a_period * (now - made), 0.1, 0.9)

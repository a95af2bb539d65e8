"""From the surprises of a history to the surprise that is too large.

Of some ninety blocks, the surprise that one in thirty exceeds is the third largest, which is itself left to chance. So the
upper half of them is taken for an exponential tail, which surprises have where their p-values are right (of scale 1), and
nearly have where not: its scale is that of the history, drawn towards 1 by twenty imagined ones.
"""

import math
from typing import Final

import numpy as np

from shared.signals.calibration.looks import Floats

_UPPER: Final = 0.5
_IMAGINED: Final = 20


def too_large(surprises: Floats, *, rate: float) -> float:
    """Return the surprise that a share ``rate`` of blocks exceeds.

    Args:
        surprises: the largest of each block, shape (blocks,), of ten or more.
        rate: > 0, and below one half.
    """
    falling = np.sort(surprises)[::-1]
    upper = int(len(falling) * _UPPER)
    start = falling[upper]
    scale = (float((falling[:upper] - start).sum()) + _IMAGINED) / (upper + _IMAGINED)
    return float(start) + scale * math.log(_UPPER / rate)

"""From the surprises of a history to the surprise that is too large.

Of some ninety blocks, the surprise that one in thirty exceeds is the third largest, which is itself left to chance. So the
upper half of them is taken for an exponential tail, which surprises have where their p-values are right (of scale 1), and
nearly have where not: its scale is that of the history, drawn towards 1 by twenty imagined ones.
"""

import math
from typing import Final, NamedTuple

import numpy as np

from shared.signals.calibration.looks import Floats

_UPPER: Final = 0.5
_IMAGINED: Final = 20


class Tail(NamedTuple):
    """The upper half of a history's surprises: where it begins, and the scale of the exponential that it is taken for."""

    start: float
    scale: float

    @classmethod
    def of(cls, surprises: Floats) -> "Tail":
        """Fit it to the largest surprise of each block, shape (blocks,), of ten or more."""
        falling = np.sort(surprises)[::-1]
        upper = int(len(falling) * _UPPER)
        start = float(falling[upper])
        return cls(start, (float((falling[:upper] - start).sum()) + _IMAGINED) / (upper + _IMAGINED))

    def beyond(self, rate: float) -> float:
        """Return the surprise that a share ``rate`` of blocks exceeds; > 0 and below one half."""
        return self.start + self.scale * math.log(_UPPER / rate)

    def share_beyond(self, surprise: float) -> float:
        """Return the share of blocks that exceed a surprise; for all below the upper half it is that half."""
        return _UPPER * math.exp(-max(surprise - self.start, 0.0) / self.scale)

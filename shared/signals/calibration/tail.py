"""From the surprises of a history to the surprise that is too large.

Of some ninety blocks, the surprise that one in thirty exceeds is the third largest, which is itself left to chance. So the
upper half of them is taken for an exponential tail, which surprises have where their p-values are right (of scale 1), and
nearly have where not: its scale is that of the history, drawn towards 1 by twenty imagined ones.

A history may hold days on which something was wrong, and nobody has said which: a blizzard in the training data would
otherwise hide the next one. So of the largest twentieth only that they are no smaller than the next one is made use of (the
estimate under censoring, which is right where nothing was wrong as well).

Source:
    Epstein and Sobel, "Life testing", JASA 48 (1953): the exponential scale from a censored sample.
"""

import math
from typing import Final, NamedTuple

import numpy as np

from shared.signals.calibration.looks import Floats

_UPPER: Final = 0.5
_CENSORED: Final = 0.05
_IMAGINED: Final = 20


class Tail(NamedTuple):
    """The upper half of a history's surprises: where it begins, and the scale of the exponential that it is taken for."""

    start: float
    scale: float

    @classmethod
    def of(cls, surprises: Floats, *, left_out: int = 0) -> "Tail":
        """Fit it to the largest surprise of each block, shape (blocks,), of ten or more.

        Args:
            surprises: of blocks of which nothing is known to be wrong.
            left_out: how many blocks there were besides, which alarmed. Some of them did by chance: without those, what is
                left would look quieter than what comes, and each threshold be lower than the one before. They count among
                the largest twentieth, and for no more than that, since in others something was wrong.
        """
        left_out = min(left_out, math.ceil(len(surprises) * _CENSORED))
        falling = np.concatenate([np.full(left_out, np.inf), np.sort(surprises)[::-1]])
        upper = int(len(falling) * _UPPER)
        censored = min(math.ceil(len(falling) * _CENSORED), upper - 1)
        start = float(falling[upper])
        excess = np.minimum(falling[:upper], falling[censored]) - start
        return cls(start, (float(excess.sum()) + _IMAGINED) / (upper - censored + _IMAGINED))

    def beyond(self, rate: float) -> float:
        """Return the surprise that a share ``rate`` of blocks exceeds; > 0 and below one half."""
        return self.start + self.scale * math.log(_UPPER / rate)

    def share_beyond(self, surprise: float) -> float:
        """Return the share of blocks that exceed a surprise; for all below the upper half it is that half."""
        return _UPPER * math.exp(-max(surprise - self.start, 0.0) / self.scale)

"""How much further some columns stray now and then than chance would have it.

A share of flights to a snowed-in airport strays by twenty of its standard deviations once a winter; a temperature never by
four. Held against one threshold, the first would set it, and nothing of the second would ever be news. So a column whose
second furthest block of the history is further out than a normal variable's would be is narrowed by that much. The second,
because something may have been wrong once; and where all is normal hardly any column is touched.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from shared.signals.calibration.looks import Floats
from shared.signals.calibration.usual import Strayed

_FAR: Final = 4.0
"""Where all is normal the second furthest of ninety blocks is hardly ever further out, with a look an hour as well.

Not less: what was narrowed by its own largest values makes the history look quieter than what comes.
"""


@dataclass(frozen=True, slots=True)
class Widths:
    """By what the straying of each column is divided, >= 1."""

    mains: Floats
    shapes: Floats
    shocks: Floats

    @classmethod
    def of(cls, history: Strayed, block: NDArray[np.int64]) -> "Widths":
        """Learn them from how far windows of a history stray; ``block`` counts theirs from 0, shape (looks,)."""
        return cls(*(_widths(part, block) for part in (history.mains, history.shapes, history.shocks)))

    def narrowed(self, strayed: Strayed) -> Strayed:
        """Return how far windows stray, by this measure."""
        return Strayed(
            strayed.mains / self.mains, strayed.shapes / self.shapes, strayed.shocks / self.shocks, strayed.shared
        )


def _widths(strayed: Floats, block: NDArray[np.int64]) -> Floats:
    furthest = np.zeros((int(block.max()) + 1, strayed.shape[1]))
    np.maximum.at(furthest, block, np.abs(strayed))
    second = np.partition(furthest, -2, axis=0)[-2]
    widths: Floats = np.maximum(second / _FAR, 1.0)
    return widths

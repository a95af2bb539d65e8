"""Performance of the rows that share one value, of each of the commonest values."""

from collections.abc import Callable
from typing import Protocol, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from shared.profiles.segments import MOST_VALUES
from shared.signals.performance.estimate import Performance
from shared.signals.performance.rows import Integers


class Rows(Protocol):
    """Rows of which some can be taken: ``Classified``, ``Regressed`` or ``Answers``."""

    def __len__(self) -> int: ...

    def take(self, rows: Integers) -> Self:
        """Return the rows at these places."""
        ...


SomeRows = TypeVar("SomeRows", bound=Rows)


def by_segment(
    rows: SomeRows, values: NDArray[np.str_], measure: Callable[[SomeRows], Performance], *, most: int = MOST_VALUES
) -> dict[str, Performance]:
    """Return the performance of each of the commonest values, the commonest first; of equals, the first by name.

    Args:
        rows: all of them.
        values: of each row, the segment it is in.
        measure: what finds performance, such as ``realised.of_classes``.
        most: how many values at most.

    Raises:
        ValueError: there are not as many values as rows.
    """
    if len(values) != len(rows):
        raise ValueError(f"{len(values)} values of {len(rows)} rows")
    known, places, counts = np.unique(values, return_inverse=True, return_counts=True)
    ranked = np.argsort(-counts, kind="stable")[:most]
    return {str(known[place]): measure(rows.take(np.flatnonzero(places == place))) for place in ranked.tolist()}

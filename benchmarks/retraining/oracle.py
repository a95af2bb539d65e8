"""What a schedule of swaps costs, and the schedule that costs least."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

Losses: TypeAlias = NDArray[np.float64]
"""Mean loss of version s in period t, shape (periods, periods); NaN where there is none: before s, and of no version."""

COSTS: Final = tuple(0.02 * 100 ** (step / 6) for step in range(7))
"""Of a swap, in losses of one period: from 2 points of accuracy in one period to all of it in two."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a schedule came to.

    Attributes:
        swaps: the periods at whose beginning the newest version was put to use, ascending; the first version is free.
        loss: the sum of the mean losses of the periods.
    """

    swaps: tuple[int, ...]
    loss: float

    def cost(self, swap_cost: float) -> float:
        """Return what it costs altogether."""
        return self.loss + swap_cost * len(self.swaps)

    def above(self, best: "Outcome", swap_cost: float) -> float:
        """Return by how many per cent it costs more than the best."""
        least = best.cost(swap_cost)
        return 100 * (self.cost(swap_cost) - least) / least


def play(losses: Losses, swaps: Sequence[int]) -> Outcome:
    """Return what comes of swapping at the beginning of these periods, in ascending order.

    Raises:
        ValueError: a swap is not after the first version's period, or not after the swap before it.
    """
    first = first_version(losses)
    versions = (first, *swaps)
    if any(later <= earlier for earlier, later in zip(versions, swaps, strict=False)):
        raise ValueError(f"not ascending from the first version {first}: {list(swaps)}")
    ends = (*swaps, len(losses))
    loss = sum(float(losses[version, version:end].sum()) for version, end in zip(versions, ends, strict=True))
    return Outcome(swaps=tuple(swaps), loss=loss)


def oracle(losses: Losses, swap_cost: float) -> Outcome:
    """Return the schedule that costs least, found with all losses known: a shortest path over the times of swaps.

    ``least[s]`` is the least cost up to period s of all that swap at its beginning. Of those that cost the same it is the
    one that swaps earliest.
    """
    first, periods = first_version(losses), len(losses)
    # Of version s up to, and not in, period t.
    until = np.zeros((periods, periods + 1))
    until[:, 1:] = np.nancumsum(losses, axis=1)
    least, before = np.zeros(periods), np.full(periods, first)
    for swap in range(first + 1, periods):
        through = least[first:swap] + until[first:swap, swap]
        before[swap] = first + int(through.argmin())
        least[swap] = through.min() + swap_cost
    last = first + int((least[first:] + until[first:, periods]).argmin())
    swaps: list[int] = []
    while last > first:
        swaps.append(last)
        last = int(before[last])
    return play(losses, swaps[::-1])


def first_version(losses: Losses) -> int:
    """Return the period of the first version, with which the game begins."""
    return int(np.isfinite(np.diagonal(losses)).argmax())

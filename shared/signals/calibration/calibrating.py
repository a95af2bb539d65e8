"""Learn what is usual of a version, and from how much surprise on a window is news."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from shared.signals.calibration.looks import Floats, Looks
from shared.signals.calibration.surprise import Respect, Statistics, Surprises
from shared.signals.calibration.tail import Tail
from shared.signals.calibration.usual import Strayed, Usual, variances
from shared.signals.calibration.widths import Widths

FEWEST_BLOCKS: Final = 40
FOLDS: Final = 15
_SAFETY: Final = 0.9
"""The part of the budget that is aimed at: a threshold that is learned is too low as often as too high."""


@dataclass(frozen=True, slots=True)
class Surprise:
    """How surprising one window is.

    Attributes:
        size: in nats: the logarithm of how rare, before the history has said what that is worth.
        threshold: the size from which on it is news.
        by_respect: the size in each respect.
        strayed: how far it strays, of shape (1, …).
    """

    size: float
    threshold: float
    by_respect: dict[Respect, float]
    strayed: Strayed

    @property
    def is_news(self) -> bool:
        """Whether it is too large."""
        return self.size > self.threshold


@dataclass(frozen=True, slots=True)
class Calibration:
    """What was learned of a version from its history.

    Attributes:
        usual: how its windows differ where nothing is wrong.
        widths: how much further some columns stray now and then than chance would have it.
        surprises: what statistics are worth.
        tail: from which surprise on a window is news.
        blocks: how many windows without a common row it was learned from.
        design_effects: how many rows are worth one independent row, by main, its season included; shape (mains,).
    """

    usual: Usual
    widths: Widths
    surprises: Surprises
    tail: Tail
    blocks: int
    design_effects: Floats

    def threshold(self, *, rate: float) -> float:
        """Return the surprise that a share ``rate`` of blocks has, or less than that."""
        return self.tail.beyond(min(rate * _SAFETY, 0.49))

    def strayed(self, looks: Looks) -> Strayed:
        """Return how far windows stray, by the measure of the history."""
        return self.widths.narrowed(self.usual.strayed(looks))

    def sizes(self, looks: Looks) -> Floats:
        """Return how surprising windows are, shape (looks,)."""
        return _sizes(self.surprises, Statistics.of(self.strayed(looks)))

    def look(self, looks: Looks, *, rate: float) -> Surprise:
        """Return how surprising one window is, of which ``looks`` holds nothing else.

        Args:
            looks: the window.
            rate: the share of blocks that may alarm though nothing is wrong.
        """
        strayed = self.strayed(looks)
        by_respect = self.surprises.by_respect(Statistics.of(strayed))
        sizes = {respect: float(some[0]) for respect, some in by_respect.items()}
        return Surprise(max(sizes.values()), self.threshold(rate=rate), sizes, strayed)


def calibrate(history: Looks, *, mains: int, left_out: int = 0) -> Calibration | None:
    """Learn from a history; None where it is of too few blocks.

    Each window of it is compared with what is usual without it and its neighbours (folds of consecutive blocks): a window
    that helped to say what is usual surprises less than one that did not.

    Args:
        history: windows of which nothing is known to be wrong.
        mains: how many of the columns are mains.
        left_out: how many blocks there were besides, which alarmed.
    """
    names, block = np.unique(history.blocks, return_inverse=True)
    if len(names) < FEWEST_BLOCKS or not mains:
        return None
    usual = Usual.of(history, mains=mains)
    shocks = len(usual.directions)
    fold = block * FOLDS // len(names)
    parts = [_without(history, fold == one, mains=mains, shocks=shocks) for one in range(FOLDS)]
    strayed = Strayed(*(np.concatenate(some) for some in zip(*map(_parts, parts), strict=True)))
    widths = Widths.of(strayed, block)
    statistics = Statistics.of(widths.narrowed(strayed))
    surprises = Surprises.of(statistics, mains=mains, shapes=history.values.shape[1] - mains, shocks=shocks)
    largest = np.full(len(names), -np.inf)
    np.maximum.at(largest, block, _sizes(surprises, statistics))
    effects = variances(history.where(history.block_ends()).values[:, :mains]) * usual.typical_rows
    return Calibration(usual, widths, surprises, Tail.of(largest, left_out=left_out), len(names), effects)


def _without(history: Looks, chosen: NDArray[np.bool_], *, mains: int, shocks: int) -> Strayed:
    """Return how far some windows stray from what is usual without them."""
    usual = Usual.of(history.where(~chosen), mains=mains, shocks=shocks)
    return usual.strayed(history.where(chosen))


def _parts(one: Strayed) -> tuple[Floats, Floats, Floats, Floats]:
    return one.mains, one.shapes, one.shocks, one.shared


def _sizes(surprises: Surprises, statistics: Statistics) -> Floats:
    sizes: Floats = np.max(np.array([*surprises.by_respect(statistics).values()]), axis=0)
    return sizes

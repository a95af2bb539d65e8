"""What a version's profiles are counted over: cut once from its baseline, named by their digest."""

import hashlib
from typing import TypeAlias

import msgspec
import numpy as np
from numpy.typing import NDArray

from shared.profiles.counts import Counts
from shared.profiles.joint_bins import JointBins


class NumericBins(msgspec.Struct, frozen=True, kw_only=True, tag="numeric"):
    """Bins of a number: bin ``i`` holds the values in ``(edges[i - 1], edges[i]]``, the first and last reach to infinity.

    A value that is common in the baseline has an edge at itself and at the float before it, hence a bin of its own.

    Attributes:
        edges: finite, strictly increasing; there are ``len(edges) + 1`` bins. Empty if the baseline holds no value.
        deciles: which edges cut the baseline into tenths, by index; fewer than nine where common values coincide.
        minimum: smallest value that is in range, None for no limit. Itself a bin's beginning.
        maximum: largest value that is in range, None for no limit. Itself an edge.
        mean: of the baseline's finite values.
        scale: standard deviation of the baseline (ddof 0), or 1 where that is zero.
    """

    edges: tuple[float, ...]
    deciles: tuple[int, ...]
    minimum: float | None
    maximum: float | None
    mean: float
    scale: float

    def count(self, values: NDArray[np.float64]) -> Counts:
        """Return how many of ``values`` (sorted, finite) fall into each bin."""
        up_to_edge = np.searchsorted(values, self.edges, side="right")
        return np.diff(up_to_edge, prepend=0, append=len(values))

    def tenths(self, counts: Counts) -> Counts:
        """Return counts over all bins as counts over the baseline's tenths, shape (len(deciles) + 1,)."""
        return np.add.reduceat(counts, [0, *(edge + 1 for edge in self.deciles)])

    def out_of_range(self, counts: Counts) -> int:
        """Return how many of the counted values lie below ``minimum`` or above ``maximum``."""
        first = 0 if self.minimum is None else int(np.searchsorted(self.edges, self.minimum))
        last = len(counts) if self.maximum is None else int(np.searchsorted(self.edges, self.maximum)) + 1
        return int(counts[:first].sum() + counts[last:].sum())


class CategoricalBins(msgspec.Struct, frozen=True, kw_only=True, tag="categorical"):
    """Bins of a category or a boolean: one for each known value, and ``unseen`` for all others.

    A ``string`` feature has no known values. Only whether it is missing is judged; nothing is said about its drift.
    """

    categories: tuple[str, ...]


FeatureBins: TypeAlias = NumericBins | CategoricalBins


class Bins(msgspec.Struct, frozen=True, kw_only=True):
    """What a version's rows are counted over.

    Attributes:
        features: the bins of every feature, in the order of the schema.
        outputs: of every output column, likewise.
        joint: what all features are summed over together.
        segments: by features of known values, those values whose rows are profiled by themselves as well.
    """

    format: int = 1
    features: dict[str, FeatureBins]
    outputs: dict[str, FeatureBins]
    joint: JointBins = JointBins()
    segments: dict[str, tuple[str, ...]] = {}


def digest(bins: Bins) -> str:
    """Return the SHA-256 of the bins' JSON, in hexadecimal: profiles name by it what they were counted over."""
    return hashlib.sha256(msgspec.json.encode(bins)).hexdigest()

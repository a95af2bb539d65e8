"""The profile of one category, boolean or string."""

import hashlib
from collections.abc import Mapping
from typing import Annotated, Final, Self

import msgspec
import numpy as np

from shared.profiles.bins import CategoricalBins
from shared.profiles.columns import Words
from shared.profiles.counts import Counts, Packed, add, pack, total, unpack

Rows = Annotated[int, msgspec.Meta(ge=0)]

HASHES: Final = 32
"""So many distinct unseen values are kept apart, however many there are."""


class CategoricalProfile(msgspec.Struct, frozen=True, kw_only=True, tag="categorical"):
    """What is known of one category over a window.

    Attributes:
        missing: rows without a value.
        packed: rows over the version's categories, in the short form of ``counts``.
        unseen: rows with a value that is not among the categories.
        unseen_hashes: rows by BLAKE2b of the value (64 bits, hexadecimal), of the 32 smallest hashes. Those counts are
            exact: a hash that is among the smallest of all is among the smallest of every part it occurs in.
    """

    missing: Rows = 0
    packed: Packed = ()
    unseen: Rows = 0
    unseen_hashes: dict[str, int] = {}

    @classmethod
    def of(cls, column: Words, bins: CategoricalBins) -> Self:
        """Profile one column."""
        known = np.array([column.counts.get(category, 0) for category in bins.categories], dtype=np.int64)
        categories = set(bins.categories)
        unseen = {value: rows for value, rows in column.counts.items() if value not in categories}
        return cls(
            missing=column.missing,
            packed=pack(known),
            unseen=sum(unseen.values()),
            unseen_hashes=_smallest({hash_of_value(value): rows for value, rows in unseen.items()}),
        )

    def merge(self, other: Self) -> Self:
        """Return the profile of both windows together; the bins must be the same, which is for the caller to know."""
        hashes = self.unseen_hashes.keys() | other.unseen_hashes.keys()
        return type(self)(
            missing=self.missing + other.missing,
            packed=add(self.packed, other.packed),
            unseen=self.unseen + other.unseen,
            unseen_hashes=_smallest(
                {name: self.unseen_hashes.get(name, 0) + other.unseen_hashes.get(name, 0) for name in hashes}
            ),
        )

    def counts(self, bins: CategoricalBins) -> Counts:
        """Return rows per category and, last, those unseen: shape (len(bins.categories) + 1,)."""
        known = unpack(self.packed, bins=len(bins.categories))
        return np.append(known, self.unseen)

    @property
    def values(self) -> int:
        """Return how many rows have a value."""
        return total(self.packed) + self.unseen


def hash_of_value(value: str) -> str:
    """Return what is kept of a value that is not among the categories."""
    return hashlib.blake2b(value.encode(), digest_size=8).hexdigest()


def _smallest(rows_by_hash: Mapping[str, int]) -> dict[str, int]:
    return dict(sorted(rows_by_hash.items())[:HASHES])

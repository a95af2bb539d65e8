"""The short form of counts loses nothing."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import IncompatibleProfiles
from shared.profiles.counts import add, pack, total, unpack

lists = st.lists(st.integers(0, 3) | st.integers(0, 2**50), max_size=40)


@given(lists)
def test_unpacking_undoes_packing(counts: list[int]) -> None:
    dense = np.array(counts, dtype=np.int64)

    assert unpack(pack(dense), bins=len(dense)).tolist() == counts
    assert total(pack(dense)) == sum(counts)


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), max_size=40))
def test_adding_adds_bin_by_bin(pairs: list[tuple[int, int]]) -> None:
    a, b = (np.array([pair[side] for pair in pairs], dtype=np.int64) for side in (0, 1))

    assert add(pack(a), pack(b)) == pack(a + b)


def test_few_rows_take_little_room() -> None:
    counts = np.zeros(800, dtype=np.int64)
    counts[[5, 700]] = 1

    assert len(pack(counts)) == 4


def test_counts_over_more_bins_are_refused() -> None:
    """Counts that do not fit belong to other bins, and cutting them off would lose rows without a word."""
    with pytest.raises(IncompatibleProfiles):
        unpack((1, -3, 1), bins=4)

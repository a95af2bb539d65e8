"""Ids and keys are found where they are equal, and nowhere else."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from shared.actuals.matching import equal_ids, equal_keys, has_any

FEW = st.integers(0, 5) | st.integers(2**64 - 3, 2**64 - 1)
KEYS = st.lists(FEW, max_size=12)
IDS = st.lists(st.tuples(FEW, FEW), max_size=12)


@given(KEYS, KEYS)
def test_every_pair_of_equal_keys_is_found_once(left: list[int], right: list[int]) -> None:
    at, there = equal_keys(np.array(left, np.uint64), np.array(right, np.uint64))

    pairs = [(a, b) for a, one in enumerate(left) for b, other in enumerate(right) if one == other]
    assert sorted(zip(at.tolist(), there.tolist(), strict=True)) == pairs


@given(IDS, IDS)
def test_every_pair_of_equal_ids_is_found_once(left: list[tuple[int, int]], right: list[tuple[int, int]]) -> None:
    """However alike their halves are."""
    ids = [np.array(some, np.uint64).reshape(-1, 2) for some in (left, right)]
    at, there = equal_ids(*ids)

    pairs = [(a, b) for a, one in enumerate(left) for b, other in enumerate(right) if one == other]
    assert sorted(zip(at.tolist(), there.tolist(), strict=True)) == pairs


@given(KEYS, FEW, FEW)
def test_a_range_has_a_key_where_one_is_in_it(keys: list[int], one: int, other: int) -> None:
    low, high = sorted((one, other))

    assert has_any(np.sort(np.array(keys, np.uint64)), low, high) == any(low <= key <= high for key in keys)

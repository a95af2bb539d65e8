"""Sums that are exact."""

from fractions import Fraction

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from shared.datasets.totals import Total

finite = st.floats(allow_nan=False, allow_infinity=False)


@given(st.lists(finite, min_size=1, max_size=40), st.integers(0, 40))
def test_a_mean_of_floats_is_the_nearest_to_the_exact_one_in_whatever_pieces_they_come(
    values: list[float], cut: int
) -> None:
    total = Total()

    for piece in (values[:cut], values[cut:]):
        total.add_floats(np.array(piece, dtype=np.float64))

    assert total.mean == float(sum(map(Fraction, values)) / len(values))


@given(st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1, max_size=40))
def test_a_mean_of_integers_is_exact_past_64_bits(values: list[int]) -> None:
    total = Total()

    total.add_integers(np.array(values, dtype=np.int64))

    assert total.mean == float(Fraction(sum(values), len(values)))


def test_small_numbers_are_not_lost_beside_large_ones() -> None:
    total = Total()

    total.add_floats(np.array([1e300, 1.0, -1e300, 5e-324]))

    assert total.mean == float(Fraction(1, 4))


def test_of_nothing_there_is_no_mean() -> None:
    assert Total().mean is None

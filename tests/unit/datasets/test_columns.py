"""Names of columns inside an engine."""

import re

import hypothesis.strategies as st
from hypothesis import given

from shared.datasets.columns import inside, outside

names = st.text(min_size=1).filter(lambda name: not name.startswith("_")) | st.sampled_from(["_id", "_actual_at"])


@given(names)
def test_a_name_comes_out_as_it_went_in(name: str) -> None:
    assert outside(inside(name)) == name


@given(names, names)
def test_two_names_stay_two_where_case_does_not_count(one: str, other: str) -> None:
    assert (inside(one).lower() == inside(other).lower()) == (one == other)


@given(names)
def test_no_name_needs_quotes(name: str) -> None:
    assert re.fullmatch("[a-z0-9_]+", inside(name))

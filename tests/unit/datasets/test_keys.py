"""Texts as 64 bits."""

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.datasets.keys import keys

some_texts = st.lists(st.text(max_size=8), max_size=20)


@given(some_texts, some_texts)
def test_a_key_is_that_of_its_text_whatever_stands_beside_it(before: list[str], texts: list[str]) -> None:
    """Rows come in pieces that depend on the engine: with other keys they would be split otherwise."""
    together = keys(pa.chunked_array([[*before, *texts]], pa.string()))[len(before) :]
    sliced = keys(pa.chunked_array([[*before, *texts]], pa.large_string()).slice(len(before)))
    alone = [int(keys(pa.chunked_array([[text]], pa.string()))[0]) for text in texts]

    assert together.tolist() == sliced.tolist() == alone


@given(some_texts)
def test_equal_texts_alone_have_equal_keys(texts: list[str]) -> None:
    assert len(set(keys(pa.chunked_array([texts], pa.string())).tolist())) == len(set(texts))


@pytest.mark.parametrize(("one", "other"), [("", "\0"), ("a", "a\0"), ("ab", "ba"), ("a" * 2_000, "a" * 2_001)])
def test_neither_lengths_nor_places_are_lost(one: str, other: str) -> None:
    first, second = keys(pa.chunked_array([[one, other]])).tolist()

    assert first != second


def test_keys_of_ids_that_follow_each_other_are_spread_evenly() -> None:
    """Groups are put in order by them: keys that rose with the ids would put the oldest groups into the test."""
    made = keys(pa.chunked_array([[f"{number:08x}-0000-7000-8000-000000000000" for number in range(20_000)]]))

    by_sixteenth = [int(((made >> 60) == part).sum()) for part in range(16)]
    rising = sum(int(a) < int(b) for a, b in zip(made[:-1].tolist(), made[1:].tolist(), strict=True))

    assert all(1_250 - 6 * 34 < count < 1_250 + 6 * 34 for count in by_sixteenth)
    assert 9_600 < rising < 10_400


def test_keys_never_change() -> None:
    """They decide which group goes where, so a dataset's name depends on them."""
    made = keys(pa.chunked_array([["a", "Zürich", "", None]])).tolist()

    assert made == [0x6BD5D9656AF294B8, 0x47DE8B29AF426A3E, 0, 0]

"""Ids that were erased are known again by their hashes, however they are written, and no others are."""

from uuid import UUID

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from shared.sealing.hours.erased import among, hash_of


@given(st.lists(st.uuids(), min_size=1, max_size=8, unique=True), st.integers(0, 7))
def test_an_id_is_known_by_its_hash_and_others_are_not(ids: list[UUID], count: int) -> None:
    erased = frozenset(hash_of(str(one)) for one in ids[:count])
    written = pa.chunked_array([[one.hex.upper() for one in ids] + [None]], pa.string())

    assert among(written, erased).tolist() == [place < count for place in range(len(ids))] + [False]


@given(st.lists(st.tuples(st.uuids(), st.booleans()), min_size=1, max_size=8, unique_by=lambda one: one[0]))
def test_ids_in_their_usual_form_are_known_as_all_others_are(ids: list[tuple[UUID, bool]]) -> None:
    """They are looked up in another way, and so are those that stand in a dictionary, as in files that people hand over."""
    erased = frozenset(hash_of(str(one)) for one, is_erased in ids if is_erased)
    written = pa.chunked_array([[str(one) for one, _ in ids] + [None]], pa.string())
    wanted = [is_erased for _, is_erased in ids] + [False]

    assert among(written, erased).tolist() == wanted
    assert among(written.dictionary_encode(), erased).tolist() == wanted
    assert among(pa.chunked_array([*written.chunks, ["order 1"]]), erased).tolist() == [*wanted, False]


def test_nothing_is_erased_where_no_hash_is_known() -> None:
    assert among(pa.chunked_array([["a", None]]), frozenset()).tolist() == [False, False]


def test_what_is_no_uuid_is_known_as_it_is_written() -> None:
    """An actual may say any text as its prediction's id."""
    assert among(pa.chunked_array([["order 1", "ORDER 1"]]), frozenset([hash_of("order 1")])).tolist() == [True, False]

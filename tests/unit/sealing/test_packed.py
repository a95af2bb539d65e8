"""Ids as numbers."""

from uuid import UUID

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.sealing.packed import Ids, first_ones, pack


def packed(*ids: str) -> Ids:
    return pack(pa.chunked_array([ids], type=pa.string()))


def numbers(ids: Ids) -> list[int]:
    return [upper << 64 | lower for upper, lower in ids.tolist()]


@given(st.lists(st.lists(st.uuids(), max_size=5), max_size=4))
def test_packing_keeps_every_bit_of_every_id(chunks: list[list[UUID]]) -> None:
    ids = pa.chunked_array([[str(one) for one in chunk] for chunk in chunks], type=pa.string())

    assert numbers(pack(ids)) == [one.int for chunk in chunks for one in chunk]
    assert numbers(pack(ids.slice(1))) == [one.int for chunk in chunks for one in chunk][1:]


@pytest.mark.parametrize("other", ["urn:uuid:{}", "{{{}}}", "{}"])
def test_however_a_uuid_is_written_it_is_the_same_id(other: str) -> None:
    """Capture lets in what msgspec reads as a UUID, and a resend may be written otherwise."""
    own = "0195d2b4-7c00-7000-8000-00000000abcd"

    assert numbers(packed(own, other.format(own.upper()), own.replace("-", ""))) == [UUID(own).int] * 3


@given(st.lists(st.text(), unique=True, max_size=10))
def test_texts_that_are_no_uuid_are_kept_apart(texts: list[str]) -> None:
    """An hour must be sealed, whatever stands in it."""
    assert len(set(numbers(packed(*texts)))) == len(texts)


def test_texts_as_long_as_a_uuid_are_kept_apart() -> None:
    ids = ["x" * 36, "x" * 35 + "y", "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx", "0195d2b4-7c00-7000-8000-00000000abcd"]

    assert len(set(numbers(packed(*ids)))) == 4


few = st.builds(lambda upper, lower: UUID(int=upper << 64 | lower), st.integers(0, 2), st.integers(0, 3))


@given(st.lists(few, max_size=20), st.lists(st.lists(few, max_size=5), max_size=3))
def test_first_ones_are_those_a_set_would_let_in(ids: list[UUID], known: list[list[UUID]]) -> None:
    """Halves that are equal are looked at again, because ids that share one are not yet the same."""
    seen = {one for some in known for one in some}
    expected = [one not in seen and not seen.add(one) for one in ids]  # type: ignore[func-returns-value]

    found = first_ones(packed(*map(str, ids)), [packed(*map(str, some)) for some in known])

    assert found.tolist() == expected

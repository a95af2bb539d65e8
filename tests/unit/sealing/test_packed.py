"""Ids as numbers."""

from uuid import UUID

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.sealing.tables.packed import Ids, around, between, ends, first_ones, in_order, pack, usual


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


def test_a_text_that_is_no_uuid_is_refused() -> None:
    """No line with one is read; packed as something else, it would be looked for where it is not."""
    for text in ("x" * 36, "x", "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx"):
        with pytest.raises(ValueError, match=r"hexadecimal|Non-hex|UUID"):
            packed(text)


@given(st.lists(st.uuids(), max_size=9))
def test_in_their_usual_form_ids_sort_as_the_bits_do(ids: list[UUID]) -> None:
    """Parquet says between which texts the ids of some rows are, and they are looked for by that."""
    written = [str(one).upper() if one.int % 2 else one.hex for one in ids]

    column = usual(pa.chunked_array([written], type=pa.string()))

    assert column.to_pylist() == list(map(str, ids))
    assert usual(column) is column
    assert sorted(column.to_pylist()) == list(map(str, sorted(ids)))
    assert ends(pack(column)) == ((str(min(ids)), str(max(ids))) if ids else None)


few = st.builds(lambda upper, lower: UUID(int=upper << 64 | lower), st.integers(0, 2), st.integers(0, 3))


@given(st.lists(few, max_size=20), st.lists(st.lists(few, max_size=5), max_size=3))
def test_first_ones_are_those_a_set_would_let_in(ids: list[UUID], known: list[list[UUID]]) -> None:
    """Halves that are equal are looked at again, because ids that share one are not yet the same."""
    seen = {one for some in known for one in some}
    expected = [one not in seen and not seen.add(one) for one in ids]  # type: ignore[func-returns-value]

    found = first_ones(packed(*map(str, ids)), [packed(*map(str, some)) for some in known])

    assert found.tolist() == expected


@given(st.lists(few, max_size=20), few, few)
def test_ids_between_two_are_found_without_looking_at_the_others(ids: list[UUID], one: UUID, other: UUID) -> None:
    """More may be found, as many as share their upper half with an end; none may be missing."""
    ordered = in_order(packed(*map(str, ids)))
    low, high = min(one, other), max(one, other)

    found = numbers(between(ordered, str(low), str(high)))

    assert set(found) >= {own.int for own in ids if low <= own <= high}
    assert all(low.int >> 64 <= number >> 64 <= high.int >> 64 for number in found)
    if found:
        inside = between(ordered, str(low), str(high))
        assert numbers(around(ordered, inside)) == found

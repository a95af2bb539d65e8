"""A sample is the share that was asked for, and everybody agrees on who is in it."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.capture.publishing.sampling import is_kept
from shared.ids import uuid7

START = datetime(2026, 3, 1, tzinfo=UTC)


@given(st.uuids(version=4), st.integers(1, 1_000))
def test_the_same_id_always_gets_the_same_answer(one: object, one_in: int) -> None:
    assert is_kept(str(one), one_in=one_in) is is_kept(str(one), one_in=one_in)
    assert is_kept(str(one), one_in=1)


@pytest.mark.parametrize("one_in", [2, 3, 10, 16, 100])
def test_the_share_is_right_whatever_the_ids_have_in_common(one_in: int) -> None:
    """Ids of one moment begin alike: a share of their beginnings would be all or nothing."""
    number = 40_000
    ids = [uuid7(START + timedelta(milliseconds=index // 1_000)) for index in range(number)]

    kept = sum(is_kept(one, one_in=one_in) for one in ids)

    expected = number / one_in
    assert abs(kept - expected) < 5.0 * (expected * (1.0 - 1.0 / one_in)) ** 0.5


def test_who_is_kept_follows_from_the_id_on_every_machine() -> None:
    """Written down, because a sample that another release draws otherwise is no sample of both."""
    kept = [number for number in range(40) if is_kept(f"0195d2b4-7c00-7000-8000-{number:012}", one_in=4)]

    assert kept == [1, 7, 8, 10, 11, 14, 15, 18, 25, 29, 34, 38]

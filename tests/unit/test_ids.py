"""Names and ids."""

import uuid
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from shared.ids import NONE, UNKNOWN, is_name, uuid7

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_moments = st.datetimes(datetime(1970, 1, 1), datetime(2500, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - given a zone


@example(datetime(2243, 1, 1, microsecond=50_000, tzinfo=UTC))
@given(_moments)
def test_an_id_is_a_uuid_of_version_7_that_tells_its_time(moment: datetime) -> None:
    text = uuid7(moment)
    made = uuid.UUID(text)

    assert str(made) == text
    assert made.version == 7
    assert made.variant == uuid.RFC_4122
    told = EPOCH + timedelta(milliseconds=made.int >> 80)
    assert timedelta(milliseconds=-1) < told - moment < timedelta(milliseconds=1)


@given(_moments, st.timedeltas(timedelta(milliseconds=1), timedelta(days=1)))
def test_ids_sort_by_time_to_the_millisecond(moment: datetime, later: timedelta) -> None:
    """So the ids of an hour form a short range, and a double is looked for in few hours."""
    assert uuid7(moment) < uuid7(moment + later + timedelta(milliseconds=1))


def test_ids_of_one_moment_differ() -> None:
    made = {uuid7(EPOCH) for _ in range(10_000)}

    assert len(made) == 10_000


@pytest.mark.parametrize("name", ["a", "0", "flights", "flights-2.1_rc", "a" * 63])
def test_a_name_may_stand_in_a_path(name: str) -> None:
    assert is_name(name)


@pytest.mark.parametrize(
    "name", ["", ".", "..", "../x", "a/b", "a\\b", "A", "-a", ".a", "_a", "a" * 64, "a\n", "\u00e9", "a b", "a\x00", "a=b", NONE, UNKNOWN]
)  # fmt: skip
def test_what_could_lead_elsewhere_is_no_name(name: str) -> None:
    assert not is_name(name)

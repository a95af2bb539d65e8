"""Which values an actual may have."""

import re
from datetime import UTC, datetime

import pytest

from shared.capture.actuals import Answer, _read
from shared.capture.records import Actual

NOW = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)


@pytest.mark.parametrize("value", [2**63, -(2**63) - 1, 10**400])
def test_an_integer_that_no_column_can_hold_is_refused(value: int) -> None:
    """Accepted, it would be found out at sealing, when nobody is there any more to be told."""
    answer = _read({"external_id": "AA1", "value": value}, "flights", NOW)

    assert answer == Answer("refused", reason="its value does not fit in 64 bits")


@pytest.mark.parametrize("value", [2**63 - 1, -(2**63), 1.5, True, "late"])
def test_every_other_value_is_taken_as_it_is(value: float | bool | str) -> None:  # noqa: FBT001 - a value
    answer = _read({"external_id": "AA1", "value": value}, "flights", NOW)

    assert isinstance(answer, Actual)
    assert answer.value is value


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"external_id": "", "value": 1}, "a text has 1 to 1024 characters"),
        ({"external_id": "AA1", "value": ""}, "a text has 1 to 1024 characters"),
        ({"external_id": "x" * 1_025, "value": 1}, "a text has 1 to 1024 characters"),
        ({"external_id": "AA1", "value": float("inf")}, "its value is not finite"),
        ({"external_id": "AA1", "value": 1, "at": "2026-03-01T09:30:00"}, "its time has no zone"),
        ({"external_id": "AA1", "value": 1, "at": "0001-01-01T00:00:00+14:00"}, "its time is in no year .*"),
        ({"external_id": "AA1", "value": 1, "at": "9999-12-31T23:59:59-14:00"}, "its time is in no year .*"),
        ({"value": 1}, "it has either a prediction_id or an external_id"),
        ({"external_id": "AA1", "value": 1, "x" * 10_000: 1}, "Object contains unknown field .{1,256}"),
    ],
)
def test_an_actual_that_cannot_be_joined_or_stored_is_refused_with_its_reason(
    given: dict[str, object], reason: str
) -> None:
    answer = _read(given, "flights", NOW)

    assert isinstance(answer, Answer)
    assert answer.status == "refused"
    assert re.fullmatch(reason, answer.reason or "")
    assert len(answer.reason or "") <= 256


def test_the_time_of_an_actual_is_kept_in_utc() -> None:
    answer = _read({"external_id": "AA1", "value": 1, "at": "2026-03-01T09:30:00+02:00"}, "flights", NOW)

    assert isinstance(answer, Actual)
    assert answer.at == "2026-03-01T07:30:00+00:00"

"""Which values an actual may have."""

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

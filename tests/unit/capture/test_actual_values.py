"""Which values an actual may have."""

import math
import re
from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given as drawn
from hypothesis import strategies as st

from shared.capture.actual_values import Numbers, Value, Wanted
from shared.capture.actuals import Answer, Refused, _read
from shared.capture.records import Actual
from shared.registry.manifest import Manifest, Task
from shared.schema import FeatureType, Output, Schema
from tests.integration.models import registered

NOW = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
ANYTHING = Wanted(Numbers.ANY, texts=True)
VALUES = st.one_of(st.floats(allow_nan=False), st.integers(), st.booleans(), st.text())


def version(kind: FeatureType, task: Task = Task.CLASSIFICATION) -> Manifest:
    """Return a version that answers with values of one type."""
    known = registered("flights", "1").manifest
    output = Output(name="label", type=kind, categories=("late", "early") if kind is FeatureType.CATEGORY else None)
    return msgspec.structs.replace(
        known, task=task, schema=Schema(features=known.schema.features, outputs=(output, *known.schema.outputs))
    )


@pytest.mark.parametrize("value", [2**63, -(2**63) - 1, 10**400])
def test_an_integer_that_no_column_can_hold_is_refused(value: int) -> None:
    """Accepted, it would be found out at sealing, when nobody is there any more to be told."""
    answer = _read({"external_id": "AA1", "value": value}, "flights", ANYTHING, NOW)

    assert answer == Answer("refused", code=Refused.UNREADABLE, reason="its value does not fit in 64 bits")


@pytest.mark.parametrize("value", [2**63 - 1, -(2**63), 1.5, True, "late"])
def test_every_other_value_is_taken_as_it_is(value: float | bool | str) -> None:  # noqa: FBT001 - a value
    answer = _read({"external_id": "AA1", "value": value}, "flights", ANYTHING, NOW)

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
    answer = _read(given, "flights", ANYTHING, NOW)

    assert isinstance(answer, Answer)
    assert (answer.status, answer.code) == ("refused", "unreadable")
    assert re.fullmatch(reason, answer.reason or "")
    assert len(answer.reason or "") <= 256


def test_the_time_of_an_actual_is_kept_in_utc() -> None:
    answer = _read({"external_id": "AA1", "value": 1, "at": "2026-03-01T09:30:00+02:00"}, "flights", ANYTHING, NOW)

    assert isinstance(answer, Actual)
    assert answer.at == "2026-03-01T07:30:00+00:00"


@pytest.mark.parametrize(
    ("kind", "fits", "others", "wanted"),
    [
        (FeatureType.INTEGER, [1, 1.0, True, -7], [1.5, "1"], "a whole number"),
        (FeatureType.BOOLEAN, [True, False, 1, 0, 1.0], [2, 0.5, "true"], "true or false"),
        (FeatureType.FLOAT, [1, 1.5, False], ["1.5"], "a number"),
        (FeatureType.STRING, ["late"], [1, 1.5, True], "a text"),
        (FeatureType.CATEGORY, ["late", "never seen in training"], [1, 1.5, True], "a text"),
    ],
)
def test_an_actual_is_of_the_type_that_its_model_answers_with(
    kind: FeatureType, fits: list[Value], others: list[Value], wanted: str
) -> None:
    """One that is not could be compared with no prediction there is, and only now is there somebody to be told."""
    versions = Wanted.by([version(kind)])

    answers = [_read({"external_id": "AA1", "value": value}, "flights", versions, NOW) for value in (*fits, *others)]

    assert all(isinstance(one, Actual) for one in answers[: len(fits)])
    refused = [one for one in answers if isinstance(one, Answer)]
    assert len(refused) == len(others)
    assert {(one.status, one.code) for one in refused} == {("refused", "wrong_type")}
    assert all((one.reason or "").startswith(f"{wanted} is wanted, not a") for one in refused)


def test_what_is_estimated_in_whole_numbers_may_turn_out_between_two() -> None:
    """Only of classes are there none between."""
    counting = Wanted.by([version(FeatureType.INTEGER, Task.REGRESSION)])

    assert counting.fits(1.5)


@drawn(VALUES, st.lists(st.sampled_from(FeatureType), min_size=1))
def test_what_fits_one_version_fits_all_of_them_together_and_nothing_else_does(
    value: Value, kinds: list[FeatureType]
) -> None:
    """An actual by external id counts for every version, and which ones those are is not known before the join."""
    versions = [version(kind) for kind in kinds]

    assert Wanted.by(versions).fits(value) is any(Wanted.by([one]).fits(value) for one in versions)


@drawn(value=st.one_of(VALUES, st.just(math.nan)), numbers=st.sampled_from(Numbers), texts=st.booleans())
def test_a_misfit_is_told_without_its_value(value: Value, numbers: Numbers, *, texts: bool) -> None:
    """What turned out may be private, and reasons stand in logs."""
    marked = f"{value}?!" if isinstance(value, str) else value
    reason = Wanted(numbers, texts).misfit(marked)

    assert re.fullmatch(r"[a-z ]*is wanted, not a (number|fraction|truth value|text)", reason)


def test_a_value_that_cannot_be_stored_is_unreadable_whatever_is_wanted() -> None:
    answer = _read({"external_id": "AA1", "value": math.inf}, "flights", Wanted(Numbers.NONE, texts=True), NOW)

    assert isinstance(answer, Answer)
    assert answer.code == "unreadable"


def test_where_it_is_not_known_what_is_wanted_everything_is_taken() -> None:
    answers = [_read({"external_id": "AA1", "value": value}, "flights", None, NOW) for value in (1.5, "late", True)]

    assert all(isinstance(one, Actual) for one in answers)

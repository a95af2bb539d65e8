"""Lines of hour logs, decoded by kind and schema."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.capture.reading import dead_part
from shared.capture.records import Kind
from shared.errors import InvalidDocument
from shared.schema import Schema
from shared.sealing.tables.lines import Decoded, Line, decode, line_type
from tests.unit.sealing.logs import (
    ENQUEUED_AT,
    INPUTS,
    SCHEMA,
    actual,
    log_name,
    logged,
    prediction,
    predictions,
    record_id,
)

PREDICTIONS = line_type(Kind.PREDICTION, SCHEMA)
ACTUALS = line_type(Kind.ACTUAL, None)
LOG = log_name()


def ids(decoded: Decoded) -> list[str]:
    return [line.id for line in decoded.read if isinstance(line, Line)]


def test_features_need_not_be_names_in_python() -> None:
    """Columns of training data are called what they are called: ``class``, ``the tail-number, if known``."""
    line = predictions(logged(prediction(inputs={**INPUTS, "the tail-number, if known": "N1", "class": "x"})))[0]

    assert (line.inputs.v4, line.inputs.v5) == ("N1", "x")  # type: ignore[attr-defined]
    assert getattr(line.outputs, "v1") == 0.75  # type: ignore[attr-defined]  # noqa: B009 - as rows reads it


def test_what_was_left_out_is_missing() -> None:
    line = predictions(logged(prediction(inputs={}, outputs={"late": None})))[0]

    assert line.inputs.v0 is None  # type: ignore[attr-defined]
    assert line.outputs.v0 is None  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "record",
    [
        prediction(inputs={**INPUTS, "temp": "warm"}),
        prediction(inputs={**INPUTS, "rain": 1}),
        prediction(inputs={**INPUTS, "carrier": 7}),
        prediction(inputs={**INPUTS, "seats": 3.5}),
        prediction(inputs={**INPUTS, "seats": 2**63}),
        prediction(inputs={**INPUTS, "seats": -(2**63) - 1}),
        prediction(inputs=[1, 2]),
        prediction(row=2**31),
        prediction(weight=2**31),
        prediction(at="2026-03-01T09:00:00"),
        prediction(at="yesterday"),
        prediction(latency_ms=None),
        prediction().replace(b'"temp":1.5', b'"temp":1e999'),
        prediction().replace(b'"temp":1.5', b'"temp":1' + b"0" * 400),
        prediction().replace(b'"temp":1.5', b'"temp":[' + b"[" * 5_000 + b"]" * 5_000 + b"]"),
        prediction().replace(b'"AA"', b'"\xff"'),
        prediction().replace(b'"AA"', b'"\\ud800"'),
    ],
    ids=range(17),
)
def test_a_line_that_no_column_can_hold_is_unreadable_and_stops_no_other(record: bytes) -> None:
    """Capture does not look into inputs: what any sender wrote there must not stop an hour, at every try for ever."""
    log = logged(prediction(1), sequence=1) + logged(record, sequence=2) + logged(prediction(3), sequence=3)

    decoded = decode(log, PREDICTIONS, path=LOG)

    assert ids(decoded) == [record_id(1), record_id(3)]
    assert [line for line, _ in decoded.unreadable] == [logged(record, sequence=2).rstrip(b"\n")]
    assert decoded.places == [(1, 0), (2, 0), (3, 0)]


@pytest.mark.parametrize("value", [2**63, -(2**63) - 1, 10**400])
def test_an_actual_that_no_column_can_hold_is_unreadable(value: int) -> None:
    written = actual().replace(b'"value":1', b'"value":%d' % value)

    decoded = decode(logged(written), ACTUALS, path=LOG)

    assert not decoded.read
    assert len(decoded.unreadable) == 1


def test_an_unreadable_line_becomes_a_dead_letter_without_its_bytes() -> None:
    line = logged(prediction(inputs={**INPUTS, "temp": "secret"}), sequence=2, partition=3)
    decoded = decode(line, PREDICTIONS, path=LOG)

    letter = dead_part(*decoded.unreadable[0])

    assert b"secret" not in letter
    assert b'"part":true' in letter
    assert b'"partition":3,"sequence":2' in letter


@pytest.mark.parametrize(
    "line",
    [
        b"garbage\n",
        logged(prediction())[:60],
        b"\0" * 40 + b"\n",
        b'"enqueued_at":"\n',
        logged(prediction(row="x")).replace(b'"sequence":7', b'"sequence":1' + b"0" * 30),
    ],
)
def test_a_line_that_does_not_say_where_it_came_from_names_its_log(line: bytes) -> None:
    """Capture writes none: the log was damaged, and which events are missing in it nobody can say."""
    with pytest.raises(InvalidDocument, match="where it came from") as raised:
        decode(logged(prediction()) + line, PREDICTIONS, path=LOG)

    assert raised.value.path == LOG


def test_a_carriage_return_between_members_parts_no_line() -> None:
    record = prediction(1).replace(b'"row"', b'\r"row"')
    bad = prediction(2, row="x")

    decoded = decode(logged(record, bad), PREDICTIONS, path=LOG)

    assert ids(decoded) == [record_id(1)]
    assert len(decoded.unreadable) == 1


@given(st.lists(st.booleans(), max_size=20))
def test_lines_read_one_by_one_are_those_read_at_once(readable: list[bool]) -> None:
    """One unreadable line sends the whole log down the slow path, which must read the others alike."""
    records = [prediction(number, row=number if good else "x") for number, good in enumerate(readable)]
    good_ones = [record for record, good in zip(records, readable, strict=True) if good]

    mixed = decode(b"".join(logged(one, sequence=number) for number, one in enumerate(records)), PREDICTIONS, path=LOG)
    alone = decode(b"".join(logged(one) for one in good_ones), PREDICTIONS, path=LOG)

    assert ids(mixed) == ids(alone)
    assert [number for number, _ in mixed.places] == list(range(len(readable)))
    assert len(mixed.read) + len(mixed.unreadable) == len(readable)


def test_predictions_are_not_read_without_a_schema() -> None:
    none: Schema | None = None

    with pytest.raises(TypeError, match="schema"):
        line_type(Kind.PREDICTION, none)


def test_lines_about_the_log_itself_are_passed_over() -> None:
    """They are no rows and no dead letters, wherever sealing begins to read."""
    whole = b'{"control":"opened","sequence":1,"enqueued_at":"t"}\n' + logged(prediction())
    closed = b'{"control":"closed","sequence":2,"enqueued_at":"t"}\n'

    for data in (whole + closed, closed, whole):
        decoded = decode(data, PREDICTIONS, path=LOG)
        assert len(decoded.read) == len(decoded.places) == (data != closed)
        assert decoded.unreadable == []


def test_an_id_that_is_no_uuid_makes_a_line_unreadable() -> None:
    """Capture lets none through; one that comes some other way must not stop its hour."""
    dashless, upper = record_id(2).replace("-", ""), record_id(3).upper()
    records = [prediction(1, id=one) for one in ("x", f"{record_id(1)}\n", dashless, upper, f"{{{record_id(4)}}}")]

    decoded = decode(logged(*records), PREDICTIONS, path=LOG)

    assert ids(decoded) == [dashless, upper]
    assert len(decoded.unreadable) == 3


def test_of_dead_letters_those_that_are_part_of_an_event_elsewhere_do_not_count() -> None:
    """Their event is in the account of the log that has its other records."""
    letter = {"partition": 0, "enqueued_at": ENQUEUED_AT, "reason": "why", "size_bytes": 3, "sha256": "ab"}
    letters = [
        {**letter, "sequence": 1, "index": 0, "part": True},
        {**letter, "sequence": 2, "index": 0, "part": True},
        {**letter, "sequence": 2, "index": 1, "record": {"a": 1}},
        {**letter, "sequence": 3, "index": 0},
    ]

    decoded = decode(
        b"".join(msgspec.json.encode(one) + b"\n" for one in letters), line_type(Kind.DEAD, None), path=LOG
    )

    assert len(decoded.read) == 4
    assert decoded.places == [(2, 1), (3, 0)]

"""From logs to a table."""

import json
import random
from datetime import datetime
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.capture.records import Kind
from shared.sealing.tables import lines
from shared.sealing.tables.columns import arrow_schema
from shared.sealing.tables.rows import read, table
from tests.unit.sealing.logs import INPUTS, SCHEMA, actual, log_name, logged, prediction, record_id, table_of


def test_types_come_from_the_schema_and_not_from_the_values() -> None:
    """Read by their values, a float column would be int64 in an hour of whole numbers, and the folder no one table."""
    whole = table_of(logged(prediction(inputs={**INPUTS, "temp": 3})))
    nothing = table_of(logged(prediction(inputs={**INPUTS, "temp": None})))
    empty = table_of(b"")

    assert whole.schema == nothing.schema == empty.schema
    assert whole.schema.field("temp").type == pa.float64()
    assert whole.schema.field("seats").type == pa.int64()
    assert whole.schema.field("rain").type == pa.bool_()
    assert whole.schema.field("the tail-number, if known").type == pa.string()
    assert whole.schema.field("_at").type == pa.timestamp("us", tz="UTC")


def test_the_answer_is_called_prediction_and_other_outputs_after_it() -> None:
    made = table_of(logged(prediction()))

    assert made.column("prediction").to_pylist() == [True]
    assert made.column("prediction.probability of 1").to_pylist() == [0.75]
    assert made.column_names[-2:] == ["prediction", "prediction.probability of 1"]


def test_an_output_that_is_no_number_is_null() -> None:
    made = table_of(logged(prediction(outputs={"late": True, "probability of 1": None})))

    assert made.column("prediction.probability of 1").to_pylist() == [None]


def _or_none(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | values


inputs = st.fixed_dictionaries(
    {},
    optional={
        "temp": _or_none(st.floats(allow_nan=False, allow_infinity=False) | st.just("warm")),
        "seats": _or_none(st.integers(-(2**63) - 1, 2**63)),
        "rain": _or_none(st.booleans()),
        "carrier": _or_none(st.text(max_size=5)),
        "the tail-number, if known": _or_none(st.text(max_size=5)),
        "class": st.text(max_size=5),
    },
)


def _can_be_read(values: dict[str, Any]) -> bool:
    return values.get("temp") != "warm" and -(2**63) <= (values.get("seats") or 0) < 2**63


@given(st.lists(inputs, max_size=40), st.sampled_from([1, 1_000, 5_000, 256 * 1024]))
def test_columns_hold_what_stands_in_the_lines_however_a_log_is_parted(
    of_rows: list[dict[str, Any]], piece_bytes: int
) -> None:
    """Columns are made many lines at a time, and after a bad line one by one: both are held against plain JSON."""
    log = b"".join(logged(prediction(row, inputs=one), sequence=row) for row, one in enumerate(of_rows))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lines, "_PIECE_BYTES", piece_bytes)
        found = read(log, Kind.PREDICTION, SCHEMA, path=log_name())

    records = [json.loads(line) for line in log.splitlines()]
    readable = [record for record in records if _can_be_read(record["inputs"])]
    for name in INPUTS:
        assert found.rows.column(name).to_pylist() == [record["inputs"].get(name) for record in readable]
    for own in ("id", "sequence", "partition", "index", "request_id", "row", "latency_ms", "weight"):
        assert found.rows.column(f"_{own}").to_pylist() == [record[own] for record in readable]
    for time in ("at", "enqueued_at"):
        moments = [datetime.fromisoformat(record[time]) for record in readable]
        assert found.rows.column(f"_{time}").to_pylist() == moments
    assert [line for line, _ in found.unreadable] == [
        line for line, record in zip(log.splitlines(), records, strict=True) if record not in readable
    ]
    assert found.places.tolist() == [[row, 0] for row in range(len(of_rows))]


_NAMES = st.tuples(st.sampled_from(["a", "b"]), st.sampled_from([2, 10]), st.sampled_from([0, 1]))
_PLACES = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 3)), unique=True, max_size=8)


@given(st.dictionaries(_NAMES, _PLACES, min_size=1), st.randoms(use_true_random=False))
def test_rows_stand_in_the_order_of_partition_incarnation_sequence_and_index(
    where: dict[tuple[str, int, int], list[tuple[int, int]]], rng: random.Random
) -> None:
    """The same logs give the same bytes, in whatever order they were read; a partition's rolls are one sequence."""
    rows_by_log = {log_name(*name): _rows_at(name[1], places) for name, places in where.items()}
    shuffled = list(rows_by_log.items())
    rng.shuffle(shuffled)

    made = table(dict(shuffled))

    found = [made.column(name).to_pylist() for name in ("_partition", "_sequence", "_index")]
    expected = sorted(
        (partition, incarnation, *place) for (incarnation, partition, _), places in where.items() for place in places
    )
    assert list(zip(*found, strict=True)) == [(partition, *place) for partition, _, *place in expected]
    assert made.equals(table(rows_by_log))


def _rows_at(partition: int, places: list[tuple[int, int]]) -> pa.Table:
    lines = [
        logged(*[prediction()] * (index + 1), sequence=sequence, partition=partition).splitlines()[-1] + b"\n"
        for sequence, index in places
    ]
    return read(b"".join(lines), Kind.PREDICTION, SCHEMA, path=log_name()).rows


def test_ids_are_written_in_their_usual_form_however_they_came() -> None:
    """Files say between which texts their ids are, and other hours are searched by that."""
    ids = [record_id(10).upper(), record_id(11).replace("-", "")]

    made = table_of(logged(*(prediction(id=one) for one in ids)))

    assert made.column("_id").to_pylist() == [record_id(10), record_id(11)]


def test_actuals_keep_numbers_and_texts_apart() -> None:
    """A column has one type, and an actual may be either."""
    log = logged(*(actual(number, value=value) for number, value in enumerate([True, 2, 3.5, "late"])))

    made = table_of(log, kind=Kind.ACTUAL)

    assert made.column("value").to_pylist() == [1.0, 2.0, 3.5, None]
    assert made.column("value_text").to_pylist() == [None, None, None, "late"]


def refusal(**members: object) -> bytes:
    """Return the record of a request that was refused."""
    about = {"request_id": "r", "status": 422, "code": "invalid_rows", "feature": "temp", **members}
    record = {"format": 1, "id": record_id(1), "kind": "failure", "at": "2026-03-01T09:00:00Z", **about}
    return json.dumps(record).encode()


def test_failures_have_no_feature_values() -> None:
    made = table_of(logged(refusal(rows=1_000)), kind=Kind.FAILURE)

    row = made.to_pylist()[0]
    assert {name: row[name] for name in ("status", "code", "feature", "asked", "rows")} == {
        "status": 422,
        "code": "invalid_rows",
        "feature": "temp",
        "asked": None,
        "rows": 1_000,
    }


def test_a_failure_need_not_say_how_many_rows_it_had() -> None:
    """Those that were captured before it was counted do not."""
    made = table_of(logged(refusal()), kind=Kind.FAILURE)

    assert made.column("rows").to_pylist() == [None]
    assert made.schema.field("rows").type == pa.int64()


@pytest.mark.parametrize("rows", [0, -5, 2**31, 2**63, 1.5, "ten"])
def test_a_failure_with_more_rows_than_can_be_added_up_is_unreadable(rows: object) -> None:
    """One of 2**63 - 1 makes a sum beyond 64 bits, and no window that it is in could be judged."""
    found = read(logged(refusal(rows=rows)), Kind.FAILURE, None, path=log_name())

    assert (found.rows.num_rows, len(found.unreadable)) == (0, 1)


def test_system_columns_begin_with_an_underscore_so_that_no_feature_can_be_one() -> None:
    features = {feature.name for feature in SCHEMA.features}
    own = [name for name in arrow_schema(Kind.PREDICTION, SCHEMA).names if name not in features]

    assert all(name.startswith(("_", "prediction")) for name in own)

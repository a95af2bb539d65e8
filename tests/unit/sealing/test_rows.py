"""From lines to a table."""

import random

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from shared.capture.records import Kind
from shared.sealing.lines import Line, decode, line_type
from shared.sealing.rows import columns, table
from tests.unit.sealing.logs import INPUTS, SCHEMA, actual, logged, prediction, predictions, record_id

NONE: frozenset[str] = frozenset()


def rows(lines: list[Line], *, known: frozenset[str] = NONE) -> tuple[pa.Table, int]:
    return table(lines, Kind.PREDICTION, SCHEMA, known=known)


def test_types_come_from_the_schema_and_not_from_the_values() -> None:
    """Read by their values, a float column would be int64 in an hour of whole numbers, and the folder no one table."""
    whole = rows(predictions(logged(prediction(inputs={**INPUTS, "temp": 3}))))[0]
    nothing = rows(predictions(logged(prediction(inputs={**INPUTS, "temp": None}))))[0]
    empty = rows([])[0]

    assert whole.schema == nothing.schema == empty.schema
    assert whole.schema.field("temp").type == pa.float64()
    assert whole.schema.field("seats").type == pa.int64()
    assert whole.schema.field("rain").type == pa.bool_()
    assert whole.schema.field("the tail-number, if known").type == pa.string()
    assert whole.schema.field("_at").type == pa.timestamp("us", tz="UTC")


def test_the_answer_is_called_prediction_and_other_outputs_after_it() -> None:
    made = rows(predictions(logged(prediction())))[0]

    assert made.column("prediction").to_pylist() == [True]
    assert made.column("prediction.probability of 1").to_pylist() == [0.75]
    assert made.column_names[-2:] == ["prediction", "prediction.probability of 1"]


def test_an_output_that_is_no_number_is_null() -> None:
    made = rows(predictions(logged(prediction(outputs={"late": True, "probability of 1": None}))))[0]

    assert made.column("prediction.probability of 1").to_pylist() == [None]


places = st.tuples(st.integers(0, 3), st.integers(0, 50), st.integers(0, 5))


@given(st.lists(places, unique=True, max_size=30), st.randoms(use_true_random=False))
def test_rows_stand_in_the_order_of_partition_sequence_and_index(
    where: list[tuple[int, int, int]], rng: random.Random
) -> None:
    """The same logs give the same bytes, in whatever order they were read."""
    lines = [
        made
        for number, (partition, sequence, index) in enumerate(where)
        for made in predictions(logged(*[prediction(number)] * (index + 1), sequence=sequence, partition=partition))[
            -1:
        ]
    ]
    shuffled = list(lines)
    rng.shuffle(shuffled)

    made, doubles = rows(shuffled)

    assert doubles == 0
    found = [made.column(name).to_pylist() for name in ("_partition", "_sequence", "_index")]
    assert list(zip(*found, strict=True)) == sorted(where)
    assert made.equals(rows(lines)[0])


@given(st.lists(st.integers(0, 9), max_size=30), st.frozensets(st.integers(0, 9), max_size=5))
def test_every_id_stands_once_and_the_first_one_stays(numbers: list[int], known: frozenset[int]) -> None:
    lines = [predictions(logged(prediction(one), sequence=at))[0] for at, one in enumerate(numbers)]

    made, doubles = rows(lines, known=frozenset(map(record_id, known)))

    firsts = {one: numbers.index(one) for one in numbers if one not in known}
    assert dict(zip(made.column("_id").to_pylist(), made.column("_sequence").to_pylist(), strict=True)) == {
        record_id(one): at for one, at in firsts.items()
    }
    assert made.num_rows + doubles == len(numbers)


def test_actuals_keep_numbers_and_texts_apart() -> None:
    """A column has one type, and an actual may be either."""
    log = logged(*(actual(number, value=value) for number, value in enumerate([True, 2, 3.5, "late"])))
    lines = decode(log, line_type(Kind.ACTUAL, None)).read

    made, _ = table(lines, Kind.ACTUAL, None, known=NONE)

    assert made.column("value").to_pylist() == [1.0, 2.0, 3.5, None]
    assert made.column("value_text").to_pylist() == [None, None, None, "late"]


def test_system_columns_begin_with_an_underscore_so_that_no_feature_can_be_one() -> None:
    features = {feature.name for feature in SCHEMA.features}
    own = [name for name, _, _ in columns(Kind.PREDICTION, SCHEMA) if name not in features]

    assert all(name.startswith(("_", "prediction")) for name in own)

"""The digest that names a dataset: what it depends on, and what it does not."""

import hashlib
import math
import struct
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from shared.datasets.canonical import Digest, canonical, dataset_schema
from shared.sealing.tables.columns import TIME
from tests.unit.datasets.chosen import SCHEMA

EVERY_TYPE = pa.schema(
    [("x", pa.float64()), ("n", pa.int64()), ("is", pa.bool_()), ("at", TIME), ("text", pa.string())]
)
BLOCK = 65_536
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

texts = st.text(max_size=6)
times = st.datetimes(datetime(1700, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - made aware
values = st.tuples(
    st.none() | st.floats(), st.none() | st.integers(-(2**63), 2**63 - 1), st.none() | st.booleans(), st.none() | times,
    st.none() | texts,
)  # fmt: skip
row_lists = st.lists(values, max_size=12)


def of_rows(rows: list[tuple[Any, ...]], schema: pa.Schema = EVERY_TYPE) -> pa.Table:
    return pa.table([pa.array(column, kind) for column, kind in zip(columns(rows), schema.types, strict=True)], schema)


def columns(rows: list[tuple[Any, ...]]) -> list[list[Any]]:
    return [[row[at] for row in rows] for at in range(len(EVERY_TYPE))]


def digest(*pieces: pa.Table, schema: pa.Schema = EVERY_TYPE) -> str:
    made = Digest(schema)
    for piece in pieces:
        made.add(canonical(piece, schema))
    return made.hexdigest()


def written_out(rows: list[tuple[Any, ...]], schema: pa.Schema, *, block: int = BLOCK) -> str:
    """The same digest as the module's text says it, value by value."""
    formats = {"double": "<d", "int64": "<q", "bool": "<B", "timestamp[us, tz=UTC]": "<q"}
    letters = {"double": b"f", "int64": b"i", "bool": b"b", "timestamp[us, tz=UTC]": b"t", "string": b"s"}
    told = [b"driftline dataset 1\n", struct.pack("<q", len(schema))]
    for one in schema:
        told += [struct.pack("<q", len(one.name.encode())), one.name.encode(), letters[str(one.type)]]
    for start in range(0, len(rows), block):
        some = rows[start : start + block]
        told.append(struct.pack("<q", len(some)))
        for at, one in enumerate(schema):
            column = [row[at] for row in some]
            told += [struct.pack("<B", value is not None) for value in column]
            if str(one.type) == "string":
                told += [struct.pack("<q", len((value or "").encode())) for value in column]
                told += [(value or "").encode() for value in column]
            else:
                told += [struct.pack(formats[str(one.type)], plain(value)) for value in column]
    return hashlib.sha256(b"".join(told)).hexdigest()


def plain(value: object) -> object:
    if isinstance(value, datetime):
        return (value - EPOCH) // timedelta(microseconds=1)
    if isinstance(value, float) and math.isnan(value):
        return struct.unpack("<d", bytes.fromhex("000000000000f87f"))[0]
    return 0 if value is None else value + 0.0 if isinstance(value, float) else value


def test_the_digest_of_known_rows_is_the_one_that_was_published() -> None:
    """It names what is stored: if it changed, no dataset would ever be built again under its name."""
    rows = [
        (1.5, 1, True, datetime(2026, 3, 1, 9, 0, 0, 1, tzinfo=UTC), "a"),
        (None, None, None, None, None),
        (-0.0, -(2**63), False, EPOCH - timedelta(days=1), ""),
        (math.nan, 2**63 - 1, True, EPOCH, "Zürich"),
    ]

    assert digest(of_rows(rows)) == "462c62322e6d38218eeb556fa6a9885df8ccf0fca28158790657417a82ad363d"
    assert digest() == "d45d2a3158cb3557109610e2bb8206f8032c6a079b42147363b59779046111fa"


@given(row_lists)
def test_it_is_what_its_description_says(rows: list[tuple[Any, ...]]) -> None:
    assert digest(of_rows(rows)) == written_out(rows, EVERY_TYPE)


@pytest.mark.parametrize("count", [BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK + 1])
def test_blocks_end_after_as_many_rows_however_they_come(count: int) -> None:
    schema = pa.schema([("text", pa.string())])
    rows = [(str(number) if number % 5 else None,) for number in range(count)]
    whole = pa.table({"text": [text for (text,) in rows]}, schema)

    pieces = [whole.slice(0, 1), whole.slice(1, BLOCK), whole.slice(BLOCK + 1)]

    assert digest(*pieces, schema=schema) == digest(whole, schema=schema) == written_out(rows, schema)


@given(row_lists, st.lists(st.integers(0, 12), max_size=5))
def test_where_rows_are_cut_does_not_matter(rows: list[tuple[Any, ...]], cuts: list[int]) -> None:
    whole = of_rows(rows)
    ends = sorted([0, *(min(cut, len(rows)) for cut in cuts), len(rows)])
    pieces = [whole.slice(start, end - start) for start, end in pairwise(ends)]

    assert digest(*pieces) == digest(whole)
    assert digest(pa.concat_tables([whole.slice(0, 0), *pieces])) == digest(whole)


@given(st.lists(values, min_size=1, max_size=12), values, st.data())
def test_another_value_anywhere_is_another_digest(
    rows: list[tuple[Any, ...]], others: tuple[Any, ...], data: st.DataObject
) -> None:
    at, column = data.draw(st.integers(0, len(rows) - 1)), data.draw(st.integers(0, 4))
    before, after = rows[at][column], others[column]
    assume(written_out([(before,)], column_alone(column)) != written_out([(after,)], column_alone(column)))
    changed = [*rows]
    changed[at] = (*rows[at][:column], after, *rows[at][column + 1 :])

    assert digest(of_rows(changed)) != digest(of_rows(rows))


def column_alone(at: int) -> pa.Schema:
    return pa.schema([EVERY_TYPE.field(at)])


@pytest.mark.parametrize("column", range(5))
def test_nothing_is_told_from_zero(column: int) -> None:
    """Where there is no value, zero is digested: without what says so the two would be one dataset."""
    zeros = (0.0, 0, False, EPOCH, "")
    nothing = tuple(None if at == column else zero for at, zero in enumerate(zeros))

    assert digest(of_rows([zeros])) != digest(of_rows([nothing]))


def test_names_order_and_types_of_columns_are_in_it() -> None:
    rows = pa.table({"a": [1, 0], "b": [0, 1]})
    schemas = [
        pa.schema([("a", pa.int64()), ("b", pa.int64())]),
        pa.schema([("b", pa.int64()), ("a", pa.int64())]),
        pa.schema([("a", pa.int64()), ("b", TIME)]),
        pa.schema([("a", pa.int64())]),
    ]
    named = rows.rename_columns(["a", "c"])

    digests = {digest(rows, schema=schema) for schema in schemas}
    digests.add(digest(named, schema=named.schema))

    assert len(digests) == 5


def test_texts_are_told_apart_where_they_end() -> None:
    schema = pa.schema([("text", pa.string())])

    assert digest(pa.table({"text": ["ab", "c"]}), schema=schema) != digest(
        pa.table({"text": ["a", "bc"]}), schema=schema
    )


def test_the_order_of_rows_is_in_it() -> None:
    rows = [(1.0, 1, True, EPOCH, "a"), (2.0, 1, True, EPOCH, "a")]

    assert digest(of_rows(rows)) != digest(of_rows(rows[::-1]))


@given(st.integers(1, 2**51 - 1), st.booleans())
def test_every_nan_is_the_same(payload: int, is_negative: bool) -> None:  # noqa: FBT001 - drawn
    bits = 0x7FF8 << 48 | payload | is_negative << 63
    odd = pa.table({"x": pa.array(np.array([bits], dtype=np.uint64).view(np.float64))})
    schema = pa.schema([("x", pa.float64())])

    assert digest(odd, schema=schema) == digest(pa.table({"x": [math.nan]}), schema=schema)
    assert canonical(odd, schema).column("x").to_numpy().view(np.uint64).tolist() == [0x7FF8 << 48]


def test_negative_zero_is_stored_as_zero() -> None:
    schema = pa.schema([("x", pa.float64())])

    (stored,) = canonical(pa.table({"x": [-0.0]}), schema).column("x").to_pylist()

    assert math.copysign(1, stored) == 1


@given(st.lists(values, min_size=1, max_size=12))
def test_the_forms_in_which_engines_hand_rows_over_do_not_matter(rows: list[tuple[Any, ...]]) -> None:
    x, n, truths, at, text = of_rows(rows).columns
    handed = [
        pa.table({"x": x, "n": n, "is": truths, "at": at.cast(pa.timestamp("ns", "Europe/Zurich")), "text": text.dictionary_encode()}),
        pa.table({"text": text.cast(pa.large_string()), "at": at.cast(pa.timestamp("us")), "more": n, "is": truths, "n": n, "x": x}),
    ]  # fmt: skip

    assert {digest(one) for one in handed} == {digest(of_rows(rows))}


def test_what_lies_under_missing_values_does_not_matter() -> None:
    held = pa.py_buffer(bytes([0b101]))
    numbers = pa.py_buffer(struct.pack("<3q", 1, 77, 3))
    letters, ends = pa.py_buffer(b"abXXc"), pa.py_buffer(struct.pack("<4i", 0, 2, 4, 5))
    dirty = pa.table(
        {
            "x": pa.Array.from_buffers(pa.float64(), 3, [held, pa.py_buffer(struct.pack("<3d", 1.0, math.nan, 3.0))]),
            "n": pa.Array.from_buffers(pa.int64(), 3, [held, numbers]),
            "is": pa.Array.from_buffers(pa.bool_(), 3, [held, pa.py_buffer(bytes([0b111]))]),
            "at": pa.Array.from_buffers(TIME, 3, [held, numbers]),
            "text": pa.Array.from_buffers(pa.string(), 3, [held, ends, letters]),
        }
    )
    first, last = EPOCH + timedelta(microseconds=1), EPOCH + timedelta(microseconds=3)

    clean = of_rows([(1.0, 1, True, first, "ab"), (None,) * 5, (3.0, 3, True, last, "c")])

    assert digest(dirty) == digest(clean)


def test_a_value_that_has_no_place_in_its_type_is_refused() -> None:
    with pytest.raises(pa.ArrowInvalid):
        canonical(pa.table({"n": [0.5]}), pa.schema([("n", pa.int64())]))


def test_a_dataset_has_what_it_is_made_of_first_then_features_actual_and_outputs() -> None:
    system = ["_id", "_external_id", "_request_id", "_at", "_split", "_weight"]
    features = ["distance", "seats", "carrier", "night"]

    assert dataset_schema(SCHEMA, "late", outputs=False).names == [*system, *features, "late"]
    assert dataset_schema(SCHEMA, "late", outputs=True).names[11:] == ["prediction", "prediction.probability"]
    assert dataset_schema(SCHEMA, "late", outputs=False).field("late").type == pa.int64()

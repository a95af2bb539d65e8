"""Every format says the same table, and every request that is in none of them says why."""

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import Fault, InvalidRows, RequestTooLarge, UnreadableRequest
from shared.scoring import formats
from shared.scoring.formats import Table

FEATURES = ("hour", "carrier", "distance")
ROWS = [[9, "AA", 1.5], [23, "UA", None]]
RECORDS = [dict(zip(FEATURES, row, strict=True)) for row in ROWS]
MOST = 5

scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5)
tables = st.integers(1, 4).flatmap(
    lambda width: st.tuples(
        st.lists(st.text(min_size=1, max_size=4), min_size=width, max_size=width, unique=True).filter(
            lambda names: "external_id" not in names
        ),
        st.lists(st.lists(scalars, min_size=width, max_size=width), min_size=1, max_size=4),
        st.randoms(use_true_random=False),
    )
)
json_values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
)
members = st.sampled_from(
    [
        "data",
        "columns",
        "index",
        "dataframe_split",
        "dataframe_records",
        "inputs",
        "instances",
        "input_data",
        "external_ids",
        "external_id",
        "hour",
    ]
)
nearly = st.dictionaries(
    members, json_values | st.dictionaries(members, json_values, max_size=3) | st.just(RECORDS), max_size=3
)


def read(request: object, features: tuple[str, ...] = FEATURES, optional: frozenset[str] = frozenset()) -> Table:
    return formats.read(copy.deepcopy(request), features, max_rows=MOST, optional=optional)


def every_format(features: list[str], rows: list[list[Any]], order: list[str]) -> list[dict[str, Any]]:
    """Say the same rows in every way there is; where features are named, in another order."""
    moved = [[row[features.index(name)] for name in order] for row in rows]
    records = [dict(zip(order, row, strict=True)) for row in moved]
    split = {"columns": order, "index": list(range(len(rows))), "data": moved}
    return [
        {"data": rows},
        {"data": records},
        {"dataframe_split": split},
        {"dataframe_split": {"columns": order, "data": moved}},
        {"dataframe_records": records},
        {"inputs": rows},
        {"inputs": records},
        {"inputs": {name: [row[at] for row in moved] for at, name in enumerate(order)}},
        {"instances": rows},
        {"instances": records},
        {"input_data": split},
    ]


@given(tables)
def test_the_same_rows_are_the_same_table_in_every_format(given_table: tuple[list[str], list[list[Any]], Any]) -> None:
    """Features that are named may come in any order: the table has the schema's."""
    features, rows, rng = given_table
    order = rng.sample(features, len(features))

    for request in every_format(features, rows, order):
        assert read(request, tuple(features)) == Table(rows, [None] * len(rows))


@given(json_values | nearly)
def test_any_request_is_a_whole_table_or_a_fault_of_the_caller(request: object) -> None:
    try:
        table = read(request)
    except Fault as fault:
        assert 400 <= fault.status < 500  # noqa: PT017 - both ends are right
        return
    assert 0 < len(table.rows) == len(table.external_ids) <= MOST
    assert all(len(row) == len(FEATURES) for row in table.rows)


@pytest.mark.parametrize(
    ("request_", "reason"),
    [
        ([], "an object with one of"),
        ({}, "exactly one of .* has 0"),
        ({"rows": ROWS}, "has 0 of them"),
        ({"data": ROWS, "instances": ROWS}, "has 2 of them"),
        ({"data": ROWS, "params": {}}, "no place for 'params' beside 'data'"),
        ({"data": {}}, "'data' is an array"),
        ({"data": []}, "no rows"),
        ({"dataframe_records": []}, "no rows"),
        ({"inputs": []}, "no rows"),
        ({"inputs": {}}, "arrays of one length"),
        ({"inputs": {"hour": []}}, "no rows"),
        ({"inputs": {"hour": [1], "carrier": ["AA", "UA"]}}, "arrays of one length"),
        ({"inputs": {"hour": 1}}, "the feature 'hour' is an array"),
        ({"dataframe_split": ROWS}, "an object with 'columns', 'data'"),
        ({"dataframe_split": {"columns": list(FEATURES)}}, "an object with 'columns', 'data'"),
        ({"dataframe_split": {"columns": [], "data": [], "names": []}}, "an object with 'columns', 'data'"),
        ({"dataframe_split": {"columns": list(FEATURES), "data": []}}, "no rows"),
        ({"input_data": {"columns": ["hour", "hour", "x"], "data": ROWS}}, "names, each once"),
        ({"input_data": {"columns": [1, 2, 3], "data": ROWS}}, "names, each once"),
        ({"input_data": {"columns": list(FEATURES), "index": [0], "data": ROWS}}, "one entry a row"),
        ({"data": ROWS, "external_ids": ["a"]}, "1 entries for 2 rows"),
        ({"data": ROWS, "external_ids": "ab"}, "'external_ids' is an array"),
        (
            {"data": [RECORDS[0] | {"external_id": "a"}, RECORDS[1]], "external_ids": [None, None]},
            "rows with an 'external_id' of their own",
        ),
    ],
)
def test_a_request_in_no_format_says_what_is_wrong_with_it(request_: object, reason: str) -> None:
    with pytest.raises(UnreadableRequest, match=reason):
        read(request_)


@pytest.mark.parametrize(
    ("request_", "row", "feature", "reason"),
    [
        ({"data": [ROWS[0], [1, "AA"]]}, 1, None, "2 values for 3 features"),
        ({"data": [ROWS[0], RECORDS[0]]}, 1, None, "not an array"),
        ({"data": [RECORDS[0], ROWS[0]]}, 1, None, "not an object"),
        ({"data": [None]}, 0, None, "not an array"),
        ({"dataframe_records": [RECORDS[0], {"hour": 1, "carrier": "AA"}]}, 1, "distance", "missing"),
        ({"dataframe_records": [RECORDS[0] | {"weather": 1}]}, 0, "weather", "no such feature"),
        ({"dataframe_split": {"columns": ["hour", "carrier"], "data": [[1, "AA"]]}}, 0, "distance", "missing"),
        ({"dataframe_split": {"columns": [*FEATURES, "weather"], "data": [[*ROWS[0], 1]]}}, 0, "weather", "no such"),
        ({"dataframe_split": {"columns": list(FEATURES), "data": [ROWS[0], [1]]}}, 1, None, "1 values for 3 features"),
        ({"inputs": {"hour": [1, 2], "carrier": ["AA", "UA"]}}, 0, "distance", "missing"),
        ({"data": [RECORDS[0], RECORDS[0] | {"external_id": 7}]}, 1, "external_id", "1 to 256 characters"),
        ({"data": ROWS, "external_ids": ["a", ""]}, 1, "external_id", "1 to 256 characters"),
        ({"data": ROWS, "external_ids": ["x" * 257, "a"]}, 0, "external_id", "1 to 256 characters"),
    ],
)
def test_a_row_that_is_none_is_named_with_its_feature(
    request_: object, row: int, feature: str | None, reason: str
) -> None:
    with pytest.raises(InvalidRows, match=reason) as refused:
        read(request_)

    assert (refused.value.misfits[0].row, refused.value.misfits[0].feature) == (row, feature)


@pytest.mark.parametrize(
    "request_",
    [
        {"data": [[], ROWS[0], ROWS[1]]},
        {"data": [RECORDS[0], [], {}]},
        {"dataframe_records": [{}, {}, {}]},
        {"dataframe_split": {"columns": list(FEATURES), "data": [[], [], ROWS[0]]}},
        {"dataframe_split": {"columns": ["hour", "carrier"], "data": [[1, "AA"]] * 3}},
        {"inputs": {"hour": [1, 2, 3], "carrier": ["AA", "UA", "AA"]}},
        {"data": [RECORDS[0] | {"external_id": 7}, *RECORDS]},
        {"data": [*ROWS, ROWS[0]], "external_ids": ["", "a", "b"]},
    ],
)
def test_a_refusal_says_how_many_rows_were_given(request_: object) -> None:
    """All of them are refused, those that fit and those that come after the first that does not."""
    with pytest.raises(InvalidRows) as refused:
        read(request_)

    assert refused.value.rows == 3


def test_at_most_twenty_rows_are_named() -> None:
    with pytest.raises(InvalidRows) as refused:
        formats.read({"data": [[]] * 100}, FEATURES, max_rows=100)

    assert [misfit.row for misfit in refused.value.misfits] == list(range(20))


@pytest.mark.parametrize("member", ["data", "dataframe_records", "instances", "inputs"])
def test_one_row_too_many_is_too_many(member: str) -> None:
    assert len(read({member: RECORDS[:1] * MOST}).rows) == MOST

    with pytest.raises(RequestTooLarge, match="6, and 5 is the limit"):
        read({member: RECORDS[:1] * (MOST + 1)})


def test_one_row_too_many_is_too_many_by_column_too() -> None:
    with pytest.raises(RequestTooLarge):
        read({"inputs": {name: [1] * (MOST + 1) for name in FEATURES}})
    with pytest.raises(RequestTooLarge):
        read({"dataframe_split": {"columns": list(FEATURES), "data": ROWS[:1] * (MOST + 1)}})


@pytest.mark.parametrize(
    "request_",
    [
        {"data": [RECORDS[0] | {"external_id": "a"}, RECORDS[1]]},
        {"dataframe_records": [RECORDS[0] | {"external_id": "a"}, RECORDS[1] | {"external_id": None}]},
        {"dataframe_split": {"columns": ["external_id", *FEATURES], "data": [["a", *ROWS[0]], [None, *ROWS[1]]]}},
        {"inputs": {"external_id": ["a", None]} | {name: [row[name] for row in RECORDS] for name in FEATURES}},
        {"data": ROWS, "external_ids": ["a", None]},
        {"instances": RECORDS, "external_ids": ["a", None]},
    ],
)
def test_a_callers_own_key_comes_with_its_row_or_beside_the_rows(request_: object) -> None:
    assert read(request_) == Table(ROWS, ["a", None])


def test_a_feature_may_have_the_name_of_the_key() -> None:
    table = formats.read({"data": [{"external_id": 7}]}, ("external_id",), max_rows=1)

    assert table == Table([[7]], [None])


@pytest.mark.parametrize(
    "request_",
    [
        {"data": [{"hour": 9, "carrier": "AA"}]},
        {"dataframe_split": {"columns": ["carrier", "hour"], "data": [["AA", 9]]}},
        {"inputs": {"carrier": ["AA"], "hour": [9]}},
    ],
)
def test_a_feature_that_may_be_missing_may_be_left_out(request_: object) -> None:
    """A row that says nothing of it says the same as one with null."""
    assert read(request_, optional=frozenset({"distance"})).rows == [[9, "AA", None]]


def test_leaving_one_out_makes_no_room_for_another() -> None:
    with pytest.raises(InvalidRows) as refused:
        read({"data": [{"hour": 9, "carrier": "AA", "distanse": 1}]}, optional=frozenset({"distance"}))

    assert refused.value.misfits[0].feature == "distanse"

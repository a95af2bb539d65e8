"""What training data says about its features."""

from datetime import UTC, datetime

import pyarrow as pa
import pytest

from shared.errors import InvalidSchema
from shared.registry.inference import infer
from shared.schema import Feature, FeatureType


def one(column: pa.Array) -> Feature:
    """Infer the only feature of a table."""
    table = pa.table({"x": column, "late": pa.array([True] * len(column))})
    (feature,) = infer(table, "late")
    return feature


def test_features_keep_the_order_of_the_columns_and_leave_out_actual_and_time() -> None:
    """The order is the order in which the model takes them."""
    moment = datetime(2013, 1, 1, tzinfo=UTC)
    table = pa.table({"b": [1], "late": [True], "at": [moment], "a": [1.5]})

    assert [feature.name for feature in infer(table, "late", time="at")] == ["b", "a"]


def test_integers_with_few_distinct_values_stay_integers() -> None:
    assert one(pa.array([1, 2, 1, 2] * 50)) == Feature(name="x", type=FeatureType.INTEGER, minimum=1, maximum=2)


def test_the_range_is_that_of_the_finite_values_and_nan_is_a_null() -> None:
    column = pa.array([0.5, float("inf"), float("nan"), -2.0])

    assert one(column) == Feature(name="x", type=FeatureType.FLOAT, nullable=True, minimum=-2.0, maximum=0.5)


def test_a_column_without_finite_values_has_no_range() -> None:
    assert one(pa.array([float("inf")])) == Feature(name="x", type=FeatureType.FLOAT)


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string(), pa.dictionary(pa.int8(), pa.string())])
def test_strings_that_repeat_are_a_category(kind: pa.DataType) -> None:
    column = pa.array(["UA", "AA", None, "AA"] * 10).cast(kind)

    assert one(column) == Feature(name="x", type=FeatureType.CATEGORY, nullable=True, categories=("AA", "UA"))


@pytest.mark.parametrize(
    "values",
    [
        [f"tail {number}" for number in range(50)] * 9,
        [f"tail {number}" for number in range(1001)] * 10,
    ],
    ids=["seldom repeated", "too many"],
)
def test_strings_that_are_rather_names_stay_strings(values: list[str]) -> None:
    assert one(pa.array(values)) == Feature(name="x", type=FeatureType.STRING)


def test_booleans_are_booleans() -> None:
    assert one(pa.array([True, None])) == Feature(name="x", type=FeatureType.BOOLEAN, nullable=True)


@pytest.mark.parametrize(
    ("column", "reason"),
    [
        (pa.array([None, None], pa.float64()), "no value"),
        (pa.array([None, None]), "no value"),
        (pa.array([float("nan")]), "no value"),
        (pa.array([datetime(2013, 1, 1, tzinfo=UTC)]), "name it as the time"),
        (pa.array([[1]]), "takes no list"),
    ],
)
def test_what_no_model_takes_is_refused_by_name(column: pa.Array, reason: str) -> None:
    with pytest.raises(InvalidSchema, match=reason) as refused:
        one(column)

    assert refused.value.feature == "x"


@pytest.mark.parametrize("names", [("late", None), ("x", "at")])
def test_a_column_that_is_not_there_is_named(names: tuple[str, str | None]) -> None:
    actual, time = names

    with pytest.raises(InvalidSchema, match="no such column"):
        infer(pa.table({"x": [1]}), actual, time=time)

"""What a challenger is called, and what it has to be."""

from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import InvalidModel, InvalidSchema
from shared.ids import is_name
from shared.registry.inference import MOST_CATEGORIES
from shared.registry.manifest import Task
from shared.retraining.challengers import next_version, refuse_incomparable, schema_to_learn
from shared.retraining.training_set import TrainingSet
from shared.schema import Feature, FeatureType
from tests.unit.retraining.training_sets import parent_of, rows_of, schema_of, set_of

AT = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
CARRIER = Feature(name="carrier", type=FeatureType.CATEGORY, categories=("AA", "DL"))
DISTANCE = Feature(name="distance", type=FeatureType.FLOAT, nullable=True, minimum=0.0, maximum=1.0)
PARENT = parent_of(schema_of(DISTANCE, CARRIER))

names = st.one_of(
    st.integers(0, 99).map(str), st.sampled_from(["007", "v1", "spring", "20260301-093000", "20260301-093001"])
)


@given(st.sets(names))
def test_a_new_version_has_a_name_that_is_one_and_that_no_other_has(versions: set[str]) -> None:
    found = next_version(versions, at=AT)

    assert is_name(found)
    assert found not in versions


@pytest.mark.parametrize(
    ("versions", "name"),
    [
        ([], "1"),
        (["1", "10", "9"], "11"),
        (["007"], "8"),
        (["1", "2-rc"], "20260301-093000"),
        (["²"], "20260301-093000"),
        (["spring", "20260301-093000"], "20260301-093001"),
    ],
)
def test_it_goes_on_counting_where_versions_are_numbers(versions: list[str], name: str) -> None:
    assert next_version(versions, at=AT) == name


def drawn(distances: list[float | None], carriers: list[str]) -> TrainingSet:
    return set_of(PARENT, rows_of(PARENT, {"distance": distances, "carrier": carriers}, [1] * len(carriers)))


def test_a_challenger_takes_what_the_champion_takes_and_knows_what_is_new() -> None:
    """A range that is not of its training data, or a category that it learned, would be told as drift."""
    distance, carrier = schema_to_learn(drawn([5.0, 7.0], ["UA", "AA"])).features

    assert (distance.minimum, distance.maximum, distance.nullable) == (5.0, 7.0, True)
    assert carrier.categories == ("AA", "DL", "UA")


def test_a_flood_of_categories_is_not_taken_for_known() -> None:
    carriers = [f"c{row}" for row in range(MOST_CATEGORIES)]

    assert schema_to_learn(drawn([1.0] * len(carriers), carriers)).features[1] == CARRIER


def test_a_feature_without_a_value_is_named() -> None:
    with pytest.raises(InvalidSchema, match="'distance': none of the 2 rows has a value of it"):
        schema_to_learn(drawn([None, None], ["AA", "AA"]))


@pytest.mark.parametrize(
    ("task", "answer"),
    [
        (Task.REGRESSION, FeatureType.FLOAT),
        (Task.CLASSIFICATION, FeatureType.CATEGORY),
        (Task.CLASSIFICATION, FeatureType.STRING),
    ],
)
def test_a_challenger_that_answers_another_question_is_refused(task: Task, answer: FeatureType) -> None:
    outputs = schema_of(CARRIER, answer=FeatureType.STRING).outputs
    if answer is FeatureType.CATEGORY:
        outputs = (msgspec.structs.replace(outputs[0], type=answer, categories=("AA",)),)
    elif answer is FeatureType.FLOAT:
        outputs = schema_of(CARRIER, answer=answer).outputs
    schema = msgspec.structs.replace(PARENT.schema, outputs=outputs)
    other = msgspec.structs.replace(PARENT, task=task, schema=schema)

    with pytest.raises(InvalidModel, match="they cannot be compared"):
        refuse_incomparable(PARENT, other)


def test_whether_a_class_is_a_number_or_a_boolean_makes_no_difference() -> None:
    """Converters write booleans as integers."""
    other = msgspec.structs.replace(PARENT, schema=schema_of(DISTANCE, CARRIER, answer=FeatureType.BOOLEAN))

    refuse_incomparable(PARENT, other)

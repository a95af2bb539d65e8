"""How far stored answers are from the champion's."""

import pyarrow as pa
import pytest

from shared.registry.manifest import Task
from shared.retraining.challenged import disagreement


def answered(champion: list[object], other: list[object]) -> pa.Table:
    return pa.table({"_champion": pa.array(champion), "prediction": pa.array(other)})


def test_another_class_is_as_far_as_can_be_and_a_missing_answer_is_none() -> None:
    found = disagreement(answered(["late", "late", None], ["late", "on time", "late"]), Task.CLASSIFICATION)

    assert found.tolist() == [0, 9, 0]


@pytest.mark.parametrize(
    ("apart", "far"), [(0.0, 0), (0.19, 0), (0.21, 1), (-1.01, 5), (1.79, 8), (1.81, 9), (50.0, 9)]
)
def test_numbers_are_as_far_apart_as_tenths_of_the_deviation(apart: float, far: int) -> None:
    """The champion answers 0 and 4: two is one standard deviation."""
    found = disagreement(answered([0.0, 4.0], [apart, 4.0]), Task.REGRESSION)

    assert found.tolist() == [far, 0]


def test_of_numbers_that_are_none_nothing_is_said() -> None:
    found = disagreement(answered([None, float("nan"), 1.0, 3.0], [1.0, 2.0, float("inf"), 3.0]), Task.REGRESSION)

    assert found.tolist() == [0, 0, 0, 0]


def test_where_the_champion_answers_all_alike_any_other_answer_is_far() -> None:
    assert disagreement(answered([1.0, 1.0], [1.0, 1.5]), Task.REGRESSION).tolist() == [0, 9]


def test_no_answers_are_no_disagreement() -> None:
    nothing = pa.schema([("_champion", pa.float64()), ("prediction", pa.float64())]).empty_table()

    assert disagreement(nothing, Task.REGRESSION).tolist() == []

"""Columns hold what they may, and whoever reads that they do not is told which rows."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from shared.datasets.checks import shape
from shared.datasets.checks.judgement import MOST_IDS
from shared.datasets.manifest import TEST, TRAIN, Check, Outcome
from shared.datasets.recipe import Recipe, Split, WantedActuals
from shared.schema import Feature, FeatureType
from tests.unit.datasets.finished_datasets import RECIPE, made, parts, rows, sound


def _with(folder: Path, columns: dict[str, Any], *, recipe: Recipe = RECIPE) -> Check:
    test = rows(TEST, 100, **columns)
    files = parts(folder, {TRAIN: rows(TRAIN, 100).cast(test.schema), TEST: test})
    return shape.check_values(files, made(recipe=recipe))


def _but(name: str, value: object, *places: int) -> list[object]:
    values: list[object] = rows(TEST, 100)[name].to_pylist()
    for place in places:
        values[place] = value
    return values


@pytest.mark.parametrize(
    ("name", "value", "what"),
    [
        ("distance", None, "nothing, and it may not be missing, in 'distance'"),
        ("distance", float("nan"), "nothing, and it may not be missing, in 'distance'"),
        ("distance", float("-inf"), "an infinity in 'distance'"),
        ("carrier", None, "nothing, and it may not be missing, in 'carrier'"),
        ("late", None, "no actual, and it is required, in 'late'"),
        ("_weight", None, "nothing in '_weight'"),
    ],
)
def test_what_may_not_be_there_is_refused_with_its_rows(tmp_path: Path, name: str, value: object, what: str) -> None:
    found = _with(tmp_path, {name: _but(name, value, 3, 80)})

    assert found.outcome is Outcome.FAILED
    assert f"2 rows have {what}" in found.reason
    assert found.rows == ("test-000003", "test-000080")


def test_what_is_nullable_may_be_missing(tmp_path: Path) -> None:
    found = _with(tmp_path, {"stops": _but("stops", None, 1, 2, 3)})

    assert found.outcome is Outcome.OK


def test_an_actual_may_be_missing_where_none_is_required(tmp_path: Path) -> None:
    recipe = Recipe(model="flights", actuals=WantedActuals(required=False))

    assert _with(tmp_path, {"late": _but("late", None, 1)}, recipe=recipe).outcome is Outcome.OK


def test_a_category_that_the_schema_does_not_know_is_told(tmp_path: Path) -> None:
    """It was counted when it was scored, and not refused; a trainer may well learn from it."""
    found = _with(tmp_path, {"carrier": _but("carrier", "ZZ", 5)})

    assert found.outcome is Outcome.WARNED
    assert found.rows == ("test-000005",)


@pytest.mark.parametrize(
    ("value", "what"),
    [
        (-1.5, "less than the training data has, -1,"),
        (1.5, "more than the training data has, 1,"),
    ],
)
def test_what_the_training_data_did_not_reach_is_told(tmp_path: Path, value: float, what: str) -> None:
    """Scoring counts it and answers, so it may be what has to be learned."""
    test = rows(TEST, 100, reach=[value, *np.linspace(-1, 1, 98), None])
    reach = Feature(name="reach", type=FeatureType.FLOAT, nullable=True, minimum=-1.0, maximum=1.0)

    found = shape.check_values(parts(tmp_path, {TEST: test}), made(reach))

    assert found.outcome is Outcome.WARNED
    assert f"1 rows have {what} in 'reach'" in found.reason
    assert found.rows == ("test-000000",)


def test_a_text_that_scoring_would_refuse_is_refused(tmp_path: Path) -> None:
    """By its characters: an accent takes two bytes."""
    test = rows(TEST, 3, gate=["ééé", "éééé", None])
    gate = Feature(name="gate", type=FeatureType.STRING, nullable=True, max_length=3)

    found = shape.check_values(parts(tmp_path, {TEST: test}), made(gate))

    assert (found.outcome, found.acceptable, found.rows) == (Outcome.FAILED, False, ("test-000001",))
    assert "1 rows have a text of more than 3 characters in 'gate'" in found.reason


def test_twenty_rows_are_named_at_most(tmp_path: Path) -> None:
    found = _with(tmp_path, {"distance": np.full(100, np.inf)})

    assert found.rows == tuple(f"test-{number:06}" for number in range(MOST_IDS))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda table: table.drop_columns(["stops"]), "'stops' is not there and should be int64"),
        (lambda table: table.append_column("more", table["stops"]), "'more' should not be there"),
        (
            lambda table: table.set_column(6, "distance", table["distance"].cast(pa.float32())),
            "'distance' is float and should be double",
        ),
        (
            lambda table: table.set_column(9, "late", table["late"].cast(pa.float64())),
            "'late' is double and should be int64",
        ),
    ],
)
def test_columns_that_are_not_those_of_the_manifest_are_refused(tmp_path: Path, change: Any, said: str) -> None:  # noqa: ANN401 - lambdas
    found = shape.check_types(parts(tmp_path, {TRAIN: change(rows(TRAIN, 10))}), made())

    assert found is not None
    assert found.outcome is Outcome.FAILED
    assert said in found.reason


def test_outputs_are_wanted_where_the_recipe_says_so(tmp_path: Path) -> None:
    recipe = Recipe(model="flights", outputs=True)
    table = rows(TRAIN, 10)
    answered = parts(tmp_path, {TRAIN: table.append_column("prediction", table["late"])})

    assert shape.check_types(answered, made(recipe=recipe)) is None
    assert shape.check_types(answered, made()) is not None


@pytest.mark.parametrize(
    ("split", "empty"), [(Split(), None), (Split(validation=0.1), "validation"), (Split(test=0), None)]
)
def test_a_part_that_was_asked_for_has_rows(tmp_path: Path, split: Split, empty: str | None) -> None:
    found = shape.check_parts(sound(tmp_path), made(recipe=Recipe(model="flights", split=split)))

    assert found.outcome is (Outcome.FAILED if empty else Outcome.OK)
    assert empty is None or f"no rows for {empty}" in found.reason

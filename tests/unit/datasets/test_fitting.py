"""A recipe that does not fit its model says which key it is, before anything is read."""

import msgspec
import pytest

from shared.datasets.fitting import problem
from shared.datasets.recipe import Recipe, Sample, Sampling, Split
from shared.registry.manifest import Task
from tests.unit.datasets.sealed_rows import SMALL_A, A, recipe, schema


@pytest.mark.parametrize("by", list(Sampling))
def test_a_recipe_that_fits_has_no_problem(by: Sampling) -> None:
    assert problem(recipe(by), schema(), Task.CLASSIFICATION) is None


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({"features": (A, "gone")}, "features"),
        ({"segments": {"gone": ("x",)}}, "segments"),
        ({"segments": {A: ("1.5",)}}, "segments"),
        ({"sample": Sample(rows=1, by=Sampling.STRATIFIED, strata=(A,))}, "sample.strata"),
        ({"sample": Sample(rows=1, by=Sampling.STRATIFIED, strata=(SMALL_A, "gone"))}, "sample.strata"),
        ({"split": Split(group="gone")}, "split.group"),
        ({"split": Split(group=A)}, "split.group"),
    ],
)
def test_a_feature_that_is_not_there_or_is_a_float_is_named(change: dict[str, object], key: str) -> None:
    """Engines write floats as texts of their own, and would not take the same rows."""
    wanted: Recipe = msgspec.structs.replace(recipe(), **change)

    assert (problem(wanted, schema(), Task.CLASSIFICATION) or "").startswith(f"{key} names ")


@pytest.mark.parametrize(("task", "probabilities"), [(Task.REGRESSION, ("probability",)), (Task.CLASSIFICATION, ())])
def test_certainty_needs_probabilities(task: Task, probabilities: tuple[str, ...]) -> None:
    found = problem(recipe(Sampling.UNCERTAINTY_FIRST), schema(probabilities=probabilities), task)

    assert (found or "").startswith("sample.by uncertainty_first needs the probabilities")


def test_external_ids_may_be_groups() -> None:
    assert problem(recipe(split=Split(group="_external_id")), schema(), Task.CLASSIFICATION) is None

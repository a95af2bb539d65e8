"""Whether a recipe fits a model: what it names is there, and of a kind that it can be done with."""

from shared.datasets.columns import types
from shared.datasets.recipe import Recipe, Sampling
from shared.registry.manifest import Task
from shared.schema import FeatureType, Schema

_EXTERNAL_ID = "_external_id"


def problem(recipe: Recipe, schema: Schema, task: Task) -> str | None:
    """Return what of a recipe does not fit, beginning with its key; None where all does.

    Args:
        recipe: what is wanted.
        schema: what is captured of the model's.
        task: the model's.
    """
    kinds = types(schema)
    for name in recipe.features:
        if name not in kinds:
            return f"features names {name!r}, which is no feature that is captured"
    sample, group = recipe.sample, recipe.split.group
    groups = () if group in {None, _EXTERNAL_ID} else (group,)
    for key, names in (
        ("segments", tuple(recipe.segments)),
        ("sample.strata", () if sample is None else sample.strata),
        ("split.group", groups),
    ):
        for name in names:
            if name not in kinds:
                return f"{key} names {name!r}, which is no feature that is captured"
            if kinds[name] is FeatureType.FLOAT:
                return f"{key} names {name!r}, a float: rows are told apart by texts, booleans and integers"
    if sample is not None and sample.by is Sampling.UNCERTAINTY_FIRST:
        return _problem_of_certainty(schema, task)
    return None


def _problem_of_certainty(schema: Schema, task: Task) -> str | None:
    if task is not Task.CLASSIFICATION:
        return "sample.by uncertainty_first needs the probabilities of classes, and the model answers with a number"
    if not schema.probability_columns:
        return "sample.by uncertainty_first needs the probabilities of classes, and the model gives none"
    return None

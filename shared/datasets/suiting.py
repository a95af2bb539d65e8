"""Whether a recipe suits the versions that it is about, and what of their rows it keeps."""

from collections.abc import Sequence

from shared.datasets.fitting import problem
from shared.datasets.manifest import SYSTEM_COLUMNS
from shared.datasets.recipe import Recipe, Sampling
from shared.errors import InvalidRecipe
from shared.registry.alike import alike
from shared.registry.manifest import Manifest, Task
from shared.schema import Drop, FeatureType, Hash, Schema


def captured(parent: Manifest) -> Schema:
    """Return what there is of the rows of a version and of those alike.

    Raises:
        InvalidRecipe: no feature is captured.
    """
    whole = parent.schema.captured
    if not whole.features:
        raise InvalidRecipe(f"model: nothing of the features of {parent.model} leaves the scorer")
    return Schema(features=whole.features, outputs=whole.outputs)


def kept(recipe: Recipe, parent: Manifest) -> tuple[str, ...]:
    """Return the names of the features that a dataset keeps, in the model's order."""
    names = tuple(feature.name for feature in captured(parent).features)
    return tuple(name for name in names if not recipe.features or name in recipe.features)


def masked(parent: Manifest) -> dict[str, str]:
    """Return what is done to features before they leave the scorer, in a word each, by name; dropped ones are not there."""
    return {
        feature.name: "hashed" if isinstance(feature.privacy, Hash) else "coarsened"
        for feature in parent.schema.features
        if feature.privacy is not None and not isinstance(feature.privacy, Drop)
    }


def refuse_unsuitable(recipe: Recipe, parent: Manifest, versions: Sequence[Manifest]) -> None:
    """See that a recipe asks for nothing that the rows of some versions cannot give.

    Args:
        recipe: that is asked for.
        parent: the version whose features the rows have.
        versions: those that answered the rows.

    Raises:
        InvalidRecipe: beginning with the key that would have to be another.
    """
    reason = (
        _problem_of_versions(parent, versions)
        or problem(recipe, captured(parent), parent.task)
        or _problem_of_segments(recipe, parent)
        or _problem_of_weights(recipe, parent)
        or _problem_of_outputs(recipe, parent, versions)
    )
    if reason:
        raise InvalidRecipe(reason)


def _problem_of_versions(parent: Manifest, versions: Sequence[Manifest]) -> str | None:
    strange = sorted({one.version for one in versions} - {one.version for one in alike(parent, versions)})
    return f"versions: {', '.join(strange)} take other features than {parent.version}" if strange else None


def _problem_of_segments(recipe: Recipe, parent: Manifest) -> str | None:
    types = {feature.name: feature.type for feature in captured(parent).features}
    for name, values in recipe.segments.items():
        wanted = bool if types[name] is FeatureType.BOOLEAN else str
        if not values:
            return f"segments.{name} names no value"
        if not all(isinstance(value, wanted) for value in values):
            return f"segments.{name}: its values are {'true and false' if wanted is bool else 'texts'}"
    return None


def _problem_of_weights(recipe: Recipe, parent: Manifest) -> str | None:
    if (recipe.weights.balanced or recipe.weights.classes) and parent.task is not Task.CLASSIFICATION:
        return f"weights: {parent.model} answers with numbers, and those have no classes"
    known = parent.schema.outputs[0].categories
    strange = sorted(set(recipe.weights.classes) - set(known)) if known else []
    if known and strange:
        return f"weights.classes: {strange[0]!r} is none of the classes, which are {', '.join(known)}"
    return None


def _problem_of_outputs(recipe: Recipe, parent: Manifest, versions: Sequence[Manifest]) -> str | None:
    if parent.actual in SYSTEM_COLUMNS or (recipe.outputs and parent.actual in parent.schema.output_columns):
        return f"outputs: the actual is called {parent.actual}, as another column is"
    if recipe.outputs:
        key = "outputs"
    elif recipe.sample is not None and recipe.sample.by is Sampling.UNCERTAINTY_FIRST:
        key = "sample.by"
    else:
        return None
    for one in versions:
        if _outputs(one) != _outputs(parent):
            return f"{key}: {one.version} answers with other outputs than {parent.version}: name versions that agree"
    return None


def _outputs(version: Manifest) -> list[tuple[str, FeatureType]]:
    return [(one.name, one.type) for one in version.schema.outputs]

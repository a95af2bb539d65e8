"""A recipe that asks for what rows cannot give is refused by the key that would have to be another."""

from typing import Any

import msgspec
import pytest

from shared.datasets.recipe import Recipe
from shared.datasets.suiting import captured, kept, masked, refuse_unsuitable
from shared.errors import InvalidRecipe
from shared.registry.manifest import Manifest, Task
from shared.schema import Coarsen, Drop, Feature, FeatureType, Hash, Output, Schema
from tests.unit.retraining.training_sets import parent_of

FEATURES = (
    Feature(name="distance", type=FeatureType.FLOAT, privacy=Coarsen(step=10)),
    Feature(name="carrier", type=FeatureType.CATEGORY, categories=("0" * 32,), privacy=Hash(key="k")),
    Feature(name="night", type=FeatureType.BOOLEAN),
    Feature(name="name", type=FeatureType.STRING, privacy=Drop()),
)


def version(name: str = "1", *outputs: Output, task: Task = Task.CLASSIFICATION, **changes: Any) -> Manifest:  # noqa: ANN401 - any field
    answer = Output(name="late", type=FeatureType.CATEGORY, categories=("no", "yes"))
    made = parent_of(Schema(features=FEATURES, outputs=(answer, *outputs)), version=name)
    return msgspec.structs.replace(made, task=task, **changes)


def recipe(**said: Any) -> Recipe:  # noqa: ANN401 - whatever a recipe takes
    return msgspec.convert({"model": "flights", **said}, Recipe)


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ({"features": ["name"]}, "features names 'name'"),
        ({"segments": {"night": ["true"]}}, "segments.night: its values are true and false"),
        ({"segments": {"carrier": [True]}}, "segments.carrier: its values are texts"),
        ({"segments": {"carrier": []}}, "segments.carrier names no value"),
        ({"weights": {"classes": {"maybe": 2}}}, "weights.classes: 'maybe' is none of the classes, which are no, yes"),
        ({"split": {"group": "airport"}}, "split.group names 'airport'"),
    ],
)
def test_what_is_not_there_is_refused_by_its_key(said: dict[str, Any], reason: str) -> None:
    with pytest.raises(InvalidRecipe) as refused:
        refuse_unsuitable(recipe(**said), version(), [version()])

    assert str(refused.value).startswith(reason)


def test_numbers_have_no_classes() -> None:
    number = version(task=Task.REGRESSION)

    with pytest.raises(InvalidRecipe, match=r"^weights: "):
        refuse_unsuitable(recipe(weights={"balanced": True}), number, [number])


def test_outputs_are_kept_of_versions_that_give_the_same() -> None:
    other = version("2", Output(name="probability", type=FeatureType.FLOAT))

    refuse_unsuitable(recipe(), version(), [version(), other])
    with pytest.raises(InvalidRecipe, match=r"^outputs: 2 answers with other outputs than 1"):
        refuse_unsuitable(recipe(outputs=True), version(), [version(), other])


@pytest.mark.parametrize(("actual", "said"), [("_id", {}), ("prediction", {"outputs": True})])
def test_an_actual_has_a_name_of_its_own(actual: str, said: dict[str, Any]) -> None:
    odd = version(actual=actual)

    with pytest.raises(InvalidRecipe, match=f"the actual is called {actual}"):
        refuse_unsuitable(recipe(**said), odd, [odd])


def test_what_is_kept_is_what_is_captured_in_the_order_of_the_model() -> None:
    assert kept(recipe(features=["night", "distance"]), version()) == ("distance", "night")
    assert [feature.name for feature in captured(version()).features] == ["distance", "carrier", "night"]
    assert masked(version()) == {"distance": "coarsened", "carrier": "hashed"}


def test_of_a_model_of_which_nothing_is_captured_there_is_no_dataset() -> None:
    schema = Schema(features=(FEATURES[3],), outputs=(Output(name="late", type=FeatureType.INTEGER),))

    with pytest.raises(InvalidRecipe, match=r"^model: nothing of the features of flights leaves the scorer"):
        captured(parent_of(schema))

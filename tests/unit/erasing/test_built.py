"""What a recipe says of a subject is struck out of it, and nothing else."""

from shared.datasets.recipe import Recipe, Weights
from shared.erasing.built import is_named, struck
from shared.erasing.subject import Subject

ZOE = Subject(model="m", feature="name", stored={"1": "7f3a", "": "zoe"})


def test_the_value_goes_in_any_form_and_the_others_stay() -> None:
    said = Recipe(model="m", segments={"name": ("zoe", "adam", "7f3a"), "of": ("zoe",)})

    assert struck(said, ZOE).segments == {"name": ("adam",), "of": ("zoe",)}
    assert is_named(said, ZOE)


def test_a_segment_of_nobody_else_stays_empty() -> None:
    """Without it the recipe would ask for everybody."""
    assert struck(Recipe(model="m", segments={"name": ("zoe",)}), ZOE).segments == {"name": ()}


def test_a_class_that_is_called_so_goes() -> None:
    said = Recipe(model="m", weights=Weights(classes={"zoe": 2.0, "adam": 3.0}))

    assert struck(said, ZOE).weights.classes == {"adam": 3.0}
    assert is_named(said, ZOE)


def test_a_recipe_that_names_nobody_stays_as_it_is() -> None:
    said = Recipe(model="m", segments={"name": ("adam",), "is_new": (True,)}, weights=Weights(classes={"1": 2.0}))

    assert struck(said, ZOE) == said
    assert not is_named(said, ZOE)
    assert not is_named(said, Subject(model="m", external_id="zoe", stored={}))
    assert not is_named(said, Subject(model="m", feature="name", stored={"1": 1}))

"""What is sent to ask for a dataset: a recipe as JSON, and in the same object which checks may fail."""

from dataclasses import dataclass
from typing import Any

import msgspec

from shared.datasets.accepting import refuse_unacceptable
from shared.datasets.recipe import Recipe
from shared.errors import InvalidRecipe, UnreadableRequest
from shared.scoring import strict_json


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """What was sent; ``accept`` are names of checks, in their order, each once."""

    recipe: Recipe
    accept: tuple[str, ...] = ()


def parse_body(body: bytes, *, model: str, max_depth: int) -> Body:
    """Read what was sent to ask for a dataset of a model; the recipe may leave the model out.

    Raises:
        UnreadableRequest: it is not JSON, or no object.
        InvalidRecipe: it says something that does not hold, another model, or accepts what cannot be accepted; the message
            names the key.
    """
    said = strict_json.decode(body, max_depth=max_depth)
    if type(said) is not dict:
        raise UnreadableRequest("a recipe is an object")
    accept = _accepted(said.pop("accept", []))
    if said.setdefault("model", model) != model:
        raise InvalidRecipe(f"model is another one than {model!r}, which was asked")
    try:
        return Body(recipe=msgspec.convert(said, Recipe), accept=accept)
    except msgspec.ValidationError as error:
        raise InvalidRecipe(str(error)) from error


def _accepted(said: Any) -> tuple[str, ...]:  # noqa: ANN401 - whatever JSON can say
    try:
        names = msgspec.convert(said, list[str])
    except msgspec.ValidationError as error:
        raise InvalidRecipe(f"accept: {error}") from error
    refuse_unacceptable(names)
    return tuple(sorted(set(names)))

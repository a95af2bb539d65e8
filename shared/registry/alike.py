"""Which versions of a model answer the same question, so that one can learn from what another was asked."""

from collections.abc import Iterable

from shared.registry.manifest import Manifest
from shared.schema import TEXT, Schema


def alike(parent: Manifest, versions: Iterable[Manifest]) -> list[Manifest]:
    """Return the versions whose captured rows a successor of ``parent`` can learn from.

    What was asked and what turned out do not depend on who answered: the rows of all versions do that have the same
    features as they are, by names and types, and answer with the same kind of thing. Otherwise nothing could be learned
    in the first days after a promotion.
    """
    return [one for one in versions if _kind(one.schema) == _kind(parent.schema)]


def _kind(schema: Schema) -> object:
    features = {feature.name: (feature.type in TEXT or feature.type, feature.privacy) for feature in schema.features}
    return features, schema.outputs[0].type in TEXT

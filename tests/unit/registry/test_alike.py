"""What a version can learn from is whatever was asked with its features, whoever answered."""

from shared.registry.alike import alike
from shared.schema import Coarsen, Feature, FeatureType
from tests.unit.retraining.training_sets import parent_of, schema_of

DISTANCE = Feature(name="distance", type=FeatureType.FLOAT, nullable=True)


def test_rows_of_versions_with_the_same_features_serve_as_well() -> None:
    """Otherwise nothing could be learned in the first days after a promotion."""
    carrier = Feature(name="carrier", type=FeatureType.CATEGORY, categories=("AA",))
    looser = Feature(name="carrier", type=FeatureType.STRING)
    whole = Feature(name="distance", type=FeatureType.INTEGER)
    masked = Feature(name="distance", type=FeatureType.FLOAT, privacy=Coarsen(step=5))
    parent = parent_of(schema_of(DISTANCE, carrier))
    others = {
        "order": schema_of(looser, DISTANCE),
        "more": schema_of(DISTANCE, carrier, Feature(name="x", type=FeatureType.FLOAT)),
        "fewer": schema_of(DISTANCE),
        "type": schema_of(whole, carrier),
        "masked": schema_of(masked, carrier),
        "text": schema_of(DISTANCE, carrier, answer=FeatureType.STRING),
    }

    versions = [parent, *(parent_of(schema, version=name) for name, schema in others.items())]

    assert [one.version for one in alike(parent, versions)] == ["1", "order"]

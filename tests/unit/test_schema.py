"""A schema that exists holds."""

import msgspec
import pytest

from shared.errors import InvalidSchema
from shared.schema import Feature, FeatureType, Output, Schema

LATE = Output(name="late", type=FeatureType.BOOLEAN)
HOUR = Feature(name="hour", type=FeatureType.INTEGER, minimum=0, maximum=23)
CARRIER = Feature(name="carrier", type=FeatureType.CATEGORY, categories=("AA", "UA"), unseen="reject")


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"name": ""}, "empty"),
        ({"name": "_id"}, "system"),
        ({"name": "prediction"}, "outputs"),
        ({"name": "prediction.score"}, "outputs"),
        ({"name": "x" * 129}, "129 characters"),
        ({"name": "a\nb"}, "printed"),
        ({"minimum": 2.0, "maximum": 1.0}, "above its maximum"),
        ({"minimum": float("nan")}, "finite"),
        ({"type": FeatureType.BOOLEAN, "minimum": 0.0}, "no range"),
        ({"type": FeatureType.CATEGORY}, "needs its categories"),
        ({"type": FeatureType.CATEGORY, "categories": ()}, "needs its categories"),
        ({"type": FeatureType.CATEGORY, "categories": ("a", "a")}, "twice"),
        ({"type": FeatureType.CATEGORY, "categories": ("abc",), "max_length": 2}, "longer"),
        ({"type": FeatureType.STRING, "categories": ("a",)}, "no categories"),
        ({"max_length": 0}, "0 characters"),
    ],
)
def test_a_feature_that_cannot_be_is_refused_with_its_name_and_reason(fields: dict[str, object], reason: str) -> None:
    wanted = {"name": "distance", "type": FeatureType.FLOAT} | fields

    with pytest.raises(InvalidSchema, match=reason) as refused:
        msgspec.convert(wanted, Feature)

    assert refused.value.feature == wanted["name"]


def test_names_that_only_resemble_an_output_are_features() -> None:
    assert Feature(name="predictions", type=FeatureType.FLOAT).name == "predictions"


@pytest.mark.parametrize(
    ("features", "outputs", "reason"),
    [
        ((), (LATE,), "no features"),
        ((HOUR,), (), "no outputs"),
        ((HOUR, HOUR), (LATE,), "twice"),
        ((HOUR,), (LATE, LATE), "twice"),
    ],
)
def test_a_schema_has_features_and_outputs_with_names_of_their_own(
    features: tuple[Feature, ...], outputs: tuple[Output, ...], reason: str
) -> None:
    with pytest.raises(InvalidSchema, match=reason):
        Schema(features=features, outputs=outputs)


def test_decoding_undoes_encoding() -> None:
    schema = Schema(features=(HOUR, CARRIER), outputs=(LATE,))

    assert msgspec.json.decode(msgspec.json.encode(schema), type=Schema) == schema


def test_what_is_decoded_is_checked_like_what_is_built() -> None:
    with pytest.raises(InvalidSchema, match="no features"):
        msgspec.json.decode(b'{"features":[],"outputs":[{"name":"late","type":"boolean"}]}', type=Schema)


def test_a_mistyped_field_is_refused() -> None:
    """A word that is silently ignored would leave its author believing in a rule that does not exist."""
    with pytest.raises(msgspec.ValidationError, match="minimun"):
        msgspec.json.decode(b'{"name":"hour","type":"integer","minimun":0}', type=Feature)


def test_the_first_output_is_the_answer() -> None:
    score = Output(name="probability", type=FeatureType.FLOAT)

    assert Schema(features=(HOUR,), outputs=(LATE, score)).output_columns == ("prediction", "prediction.probability")

"""A schema that exists holds."""

import msgspec
import pytest

from shared.errors import InvalidSchema
from shared.schema import Coarsen, Drop, Feature, FeatureType, Hash, Output, Schema

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
        ({"privacy": Coarsen(step=0)}, "a step is above 0"),
        ({"privacy": Coarsen(step=-10.0)}, "a step is above 0"),
        ({"privacy": Coarsen(step=float("inf"))}, "a step is above 0"),
        ({"privacy": Coarsen(step=float("nan"))}, "a step is above 0"),
        ({"type": FeatureType.INTEGER, "privacy": Coarsen(step=2.5)}, "not a whole number, and its type is integer"),
        ({"type": FeatureType.INTEGER, "privacy": Coarsen(step=1)}, "leaves an integer as it is"),
        ({"type": FeatureType.STRING, "privacy": Coarsen(step=0.5)}, "not a whole number, and its type is string"),
        ({"type": FeatureType.BOOLEAN, "privacy": Coarsen(step=2)}, "boolean cannot be coarsened"),
        (
            {"type": FeatureType.CATEGORY, "categories": ("a",), "unseen": "reject", "privacy": Drop()},
            "it cannot refuse others",
        ),
        ({"type": FeatureType.CATEGORY, "privacy": Hash(key="0" * 16)}, "needs its categories"),
        (
            {"type": FeatureType.CATEGORY, "categories": ("0" * 32, "UA"), "privacy": Hash(key="0" * 16)},
            "not all of its categories are hashes",
        ),
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


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ({"how": "drop"}, Drop()),
        ({"how": "hash"}, Hash()),
        ({"how": "coarsen", "step": 10}, Coarsen(step=10)),
        ({"how": "coarsen", "step": 0.5}, Coarsen(step=0.5)),
    ],
)
def test_privacy_is_written_as_a_person_would(written: dict[str, object], meant: object) -> None:
    feature = msgspec.convert({"name": "distance", "type": "float", "privacy": written}, Feature)

    assert feature.privacy == meant
    assert msgspec.to_builtins(feature)["privacy"] == written


@pytest.mark.parametrize(
    "written",
    [{"how": "hide"}, {"how": "coarsen"}, {"how": "drop", "step": 1}, {"how": "coarsen", "step": True}, {}, "drop"],
)
def test_privacy_that_means_nothing_is_refused(written: object) -> None:
    """Its author would believe that something is hidden."""
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"name": "distance", "type": "float", "privacy": written}, Feature)


def test_what_is_captured_has_the_types_that_leave_the_scorer() -> None:
    """Hours are sealed by it: a column of another type than its values would turn every line into a dead letter."""
    hashed = Hash(key="0" * 16)
    schema = Schema(
        features=(
            HOUR,
            Feature(name="dropped", type=FeatureType.CATEGORY, privacy=Drop()),
            Feature(name="number", type=FeatureType.INTEGER, nullable=True, privacy=hashed),
            Feature(
                name="word",
                type=FeatureType.CATEGORY,
                categories=("a" * 32,),
                max_length=8,
                unseen="reject",
                privacy=hashed,
            ),
            Feature(name="age", type=FeatureType.INTEGER, minimum=10, maximum=90, privacy=Coarsen(step=10)),
        ),
        outputs=(LATE,),
    )

    assert schema.captured.features == (
        HOUR,
        Feature(name="number", type=FeatureType.STRING, nullable=True),
        Feature(name="word", type=FeatureType.CATEGORY, categories=("a" * 32,)),
        Feature(name="age", type=FeatureType.INTEGER, minimum=10, maximum=90),
    )
    assert schema.captured.outputs == schema.outputs


def test_of_a_schema_without_privacy_everything_is_captured() -> None:
    schema = Schema(features=(HOUR, CARRIER), outputs=(LATE,))

    assert schema.captured is schema


def test_of_a_schema_that_drops_everything_the_outputs_are_captured() -> None:
    schema = Schema(features=(msgspec.structs.replace(HOUR, privacy=Drop()),), outputs=(LATE,))

    assert (schema.captured.features, schema.captured.outputs) == ((), (LATE,))


def test_plain_categories_are_never_captured_as_hashes() -> None:
    """Bins would hold them in plain text."""
    word = Feature(name="word", type=FeatureType.CATEGORY, categories=("plain",), privacy=Hash())

    with pytest.raises(InvalidSchema, match="no key has been named"):
        _ = Schema(features=(word,), outputs=(LATE,)).captured

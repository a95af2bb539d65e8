"""What comes out has the schema's types; what does not fit is named, and never quoted."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import InvalidRows
from shared.schema import Feature, FeatureType, Output, Schema
from shared.scoring.validation import Validator

OUTPUTS = (Output(name="late", type=FeatureType.BOOLEAN),)
PYTHON_TYPES = {
    FeatureType.FLOAT: float,
    FeatureType.INTEGER: int,
    FeatureType.BOOLEAN: bool,
    FeatureType.CATEGORY: str,
    FeatureType.STRING: str,
}
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)


def validator(kind: FeatureType, **fields: Any) -> Validator:  # noqa: ANN401 - any field of a feature
    if kind is FeatureType.CATEGORY:
        fields.setdefault("categories", ("AA", "UA"))
    return Validator(Schema(features=(Feature(name="own", type=kind, **fields),), outputs=OUTPUTS))


def problem(kind: FeatureType, value: object, **fields: Any) -> str:  # noqa: ANN401 - any field of a feature
    """Return the reason for which a value is refused."""
    with pytest.raises(InvalidRows) as refused:
        validator(kind, **fields).read([[value]])
    (misfit,) = refused.value.misfits
    assert (misfit.row, misfit.feature) == (0, "own")
    return misfit.reason


@given(st.sampled_from(list(FeatureType)), st.booleans(), json_values)
def test_a_value_comes_out_in_its_features_type_or_is_refused(
    kind: FeatureType,
    nullable: bool,  # noqa: FBT001 - drawn
    value: object,
) -> None:
    try:
        ((read,),) = validator(kind, nullable=nullable).read([[value]])
    except InvalidRows:
        return
    assert (read is None and nullable) or type(read) is PYTHON_TYPES[kind]
    assert read == value


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        (FeatureType.FLOAT, 1.5, 1.5),
        (FeatureType.FLOAT, 3, 3.0),
        (FeatureType.FLOAT, 2**63 - 1, float(2**63)),
        (FeatureType.INTEGER, 3, 3),
        (FeatureType.INTEGER, 3.0, 3),
        (FeatureType.INTEGER, 2**63 - 1, 2**63 - 1),
        (FeatureType.INTEGER, -(2**63), -(2**63)),
        (FeatureType.BOOLEAN, False, False),
        (FeatureType.CATEGORY, "AA", "AA"),
        (FeatureType.STRING, "", ""),
    ],
)
def test_values_that_fit(kind: FeatureType, value: object, expected: object) -> None:
    assert validator(kind).read([[value]]) == [[expected]]


@pytest.mark.parametrize(
    ("kind", "value", "reason"),
    [
        (FeatureType.FLOAT, True, "a number is wanted, not a truth value"),
        (FeatureType.FLOAT, "1.5", "a number is wanted, not a text"),
        (FeatureType.FLOAT, None, "a number is wanted, not null"),
        (FeatureType.FLOAT, [1.5], "a number is wanted, not an array"),
        (FeatureType.FLOAT, {}, "a number is wanted, not an object"),
        (FeatureType.FLOAT, float("inf"), "it is larger than a float holds"),
        (FeatureType.FLOAT, 2**63, "it does not fit in 64 bits"),
        (FeatureType.FLOAT, 10**4_000, "it does not fit in 64 bits"),
        (FeatureType.INTEGER, 1.5, "a whole number is wanted, not a fraction"),
        (FeatureType.INTEGER, True, "a whole number is wanted, not a truth value"),
        (FeatureType.INTEGER, float("inf"), "a whole number is wanted, not a fraction"),
        (FeatureType.INTEGER, 2**63, "it does not fit in 64 bits"),
        (FeatureType.INTEGER, -(2**63) - 1, "it does not fit in 64 bits"),
        (FeatureType.INTEGER, 2.0**63, "it does not fit in 64 bits"),
        (FeatureType.BOOLEAN, 1, "true or false is wanted, not a number"),
        (FeatureType.BOOLEAN, 1.5, "true or false is wanted, not a fraction"),
        (FeatureType.BOOLEAN, None, "true or false is wanted, not null"),
        (FeatureType.CATEGORY, 1, "a text is wanted, not a number"),
        (FeatureType.STRING, False, "a text is wanted, not a truth value"),
        (FeatureType.STRING, None, "a text is wanted, not null"),
        (FeatureType.STRING, "x" * 1_025, "it has 1025 characters, and 1024 is the most"),
    ],
)
def test_values_that_do_not_fit_say_what_is_wanted(kind: FeatureType, value: object, reason: str) -> None:
    """A truth value is no number: in JSON, unlike in Python, they are two things."""
    assert problem(kind, value) == reason


@pytest.mark.parametrize("kind", list(FeatureType))
def test_null_is_taken_only_where_a_value_may_be_missing(kind: FeatureType) -> None:
    assert validator(kind, nullable=True).read([[None]]) == [[None]]
    assert problem(kind, None).endswith("not null")


@pytest.mark.parametrize("nullable", [True, False])
def test_a_category_that_training_never_saw_is_taken_or_refused_as_the_schema_says(
    nullable: bool,  # noqa: FBT001 - a case
) -> None:
    taking = validator(FeatureType.CATEGORY, unseen="accept", nullable=nullable)

    assert taking.read([["ZZ"]]) == [["ZZ"]]
    reason = problem(FeatureType.CATEGORY, "ZZ", unseen="reject", nullable=nullable)
    assert reason == "it is not one of the categories of the schema"


@pytest.mark.parametrize("unseen", ["accept", "reject"])
def test_a_category_is_no_longer_than_its_schema_allows(unseen: str) -> None:
    reason = problem(FeatureType.CATEGORY, "x" * 9, unseen=unseen, max_length=8)

    assert reason == "it has 9 characters, and 8 is the most"


def test_every_misfit_is_named_up_to_twenty() -> None:
    features = tuple(Feature(name=name, type=FeatureType.INTEGER) for name in ("a", "b"))
    both = Validator(Schema(features=features, outputs=OUTPUTS))

    with pytest.raises(InvalidRows, match="row 1, feature 'b'") as refused:
        both.read([[1, 2], [1, "x"], ["x", None]])
    assert [(one.row, one.feature) for one in refused.value.misfits] == [(1, "b"), (2, "a"), (2, "b")]

    with pytest.raises(InvalidRows) as refused:
        both.read([["x", "x"]] * 1_000)
    assert len(refused.value.misfits) == 20
    assert refused.value.rows == 1_000


@given(st.sampled_from(list(FeatureType)), st.sampled_from(["a secret text", ["a secret text"], {"a secret text": 1}]))
def test_a_value_is_never_quoted(kind: FeatureType, value: object) -> None:
    """Problem documents, logs and telemetry may be read by more people than the values."""
    try:
        validator(kind, unseen="reject", max_length=5).read([[value]])
    except InvalidRows as refused:
        assert "secret" not in str(refused)  # noqa: PT017 - a refusal is one of two right ends

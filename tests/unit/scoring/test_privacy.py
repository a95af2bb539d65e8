"""What leaves the scorer is the same on every path, says no more than it should, and cannot be undone."""

import hashlib
import hmac
import math
from decimal import Decimal
from typing import Any

import msgspec
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from shared.errors import InvalidRows, InvalidSchema, UnfitPrivacyKey
from shared.schema import Coarsen, Drop, Feature, FeatureType, Hash, Output, Privacy, Schema
from shared.scoring.privacy import Masks
from shared.scoring.validation import Scalar, Validator

KEY = b"k" * 32
OUTPUTS = (Output(name="late", type=FeatureType.BOOLEAN),)
INT64 = st.integers(-(2**63), 2**63 - 1)
FLOATS = st.floats(allow_nan=False, allow_infinity=False)
VALUES: dict[FeatureType, st.SearchStrategy[Scalar]] = {
    FeatureType.FLOAT: FLOATS,
    FeatureType.INTEGER: INT64,
    FeatureType.BOOLEAN: st.booleans(),
    FeatureType.CATEGORY: st.text(max_size=8),
    FeatureType.STRING: st.text(max_size=8),
}
ARROW = {
    FeatureType.FLOAT: pa.float64(),
    FeatureType.INTEGER: pa.int64(),
    FeatureType.BOOLEAN: pa.bool_(),
    FeatureType.CATEGORY: pa.string(),
    FeatureType.STRING: pa.string(),
}


def feature(kind: FeatureType, privacy: Privacy | None, *, name: str = "own", **fields: Any) -> Feature:  # noqa: ANN401 - any field
    if kind is FeatureType.CATEGORY:
        fields.setdefault("categories", ("AA", "UA"))
    return Feature(name=name, type=kind, nullable=True, privacy=privacy, **fields)


def masks(*features: Feature, model: str = "flights", key: bytes = KEY) -> Masks:
    return Masks(Schema(features=features, outputs=OUTPUTS), model=model, key=key)


def recorded(kind: FeatureType, privacy: Privacy, value: Scalar, **options: Any) -> Scalar:  # noqa: ANN401 - of masks
    ((only,),) = masks(feature(kind, privacy), **options).rows([[value]])
    return only


@pytest.mark.parametrize(
    ("kind", "step", "value", "expected"),
    [
        (FeatureType.FLOAT, 0.1, 0.3, 0.3),
        (FeatureType.FLOAT, 0.1, 0.7, 0.7),
        (FeatureType.FLOAT, 0.1, 0.35, 0.3),
        (FeatureType.FLOAT, 0.1, -0.05, -0.1),
        (FeatureType.FLOAT, 0.01, 1.15, 1.15),
        (FeatureType.FLOAT, 2.5, 71.6, 70.0),
        (FeatureType.FLOAT, 10, -0.0, 0.0),
        (FeatureType.FLOAT, 1e308, -1.7e308, -1e308),
        (FeatureType.FLOAT, 1e-320, 5e-324, 0.0),
        (FeatureType.INTEGER, 10, 37, 30),
        (FeatureType.INTEGER, 10, -1, -10),
        (FeatureType.INTEGER, 10, 2**63 - 1, 9223372036854775800),
        (FeatureType.INTEGER, 10, -(2**63), -9223372036854775800),
        (FeatureType.STRING, 3, "SW1A 1AA", "SW1"),
        (FeatureType.STRING, 3, "é", "é"),
        (FeatureType.CATEGORY, 1, "UA", "U"),
    ],
)
def test_coarsened_as_a_person_would_on_paper(kind: FeatureType, step: float, value: Scalar, expected: Scalar) -> None:
    """0.3 is no multiple of 0.1 as floats go, and 3 * 0.1 is 0.30000000000000004: neither must show."""
    made = recorded(kind, Coarsen(step=step), value)

    assert (repr(made), type(made)) == (repr(expected), type(expected))


@given(st.decimals(-(10**8), 10**8, places=3), st.sampled_from([0.001, 0.05, 0.1, 0.25, 0.3, 1, 2.5, 7, 10, 1000]))
def test_a_coarsened_number_is_the_multiple_below_it(value: Decimal, step: float) -> None:
    made = recorded(FeatureType.FLOAT, Coarsen(step=step), float(value))

    assert isinstance(made, float)
    multiples, rest = divmod(Decimal(repr(made)), Decimal(str(step)))
    assert rest == 0, "no dust"
    assert multiples * Decimal(str(step)) <= value < (multiples + 1) * Decimal(str(step))
    assert recorded(FeatureType.FLOAT, Coarsen(step=step), made) == made


@given(FLOATS, st.floats(min_value=0, exclude_min=True, allow_infinity=False))
@example(-1.7976931348623157e308, 1e308)
def test_every_finite_number_stays_finite_and_none_grows(value: float, step: float) -> None:
    """JSON says nothing else, and a record that does is a dead letter."""
    made = recorded(FeatureType.FLOAT, Coarsen(step=step), value)

    assert isinstance(made, float)
    assert math.isfinite(made)
    assert made <= value or made < -1e307


@given(INT64, st.integers(2, 2**63))
def test_every_integer_stays_in_64_bits(value: int, step: int) -> None:
    """A column holds no other, and a line with one is a dead letter."""
    made = recorded(FeatureType.INTEGER, Coarsen(step=step), value)

    assert isinstance(made, int)
    assert -(2**63) <= made < 2**63
    assert made % step == 0
    assert made <= value < made + step or value < made < value + step


def test_a_hash_is_what_anybody_with_the_key_can_compute() -> None:
    """Those who may need to find a person's rows again, with the key and nothing of ours."""
    own = hmac.new(KEY, b"driftline feature\0flights\0own", hashlib.sha256).digest()

    examples: list[tuple[FeatureType, Scalar, bytes]] = [
        (FeatureType.STRING, "é", b"text\0\xc3\xa9"),
        (FeatureType.INTEGER, 94107, b"number\x0094107"),
        (FeatureType.FLOAT, 0.5, b"number\x000.5"),
        (FeatureType.BOOLEAN, True, b"boolean\0true"),
    ]
    for kind, value, written in examples:
        assert recorded(kind, Hash(), value) == hmac.new(own, written, hashlib.sha256).hexdigest()[:32]


def test_the_same_value_is_known_again_in_every_version_of_a_model_and_nowhere_else() -> None:
    """Versions are compared with each other; who joins two features or two models by their values must not succeed."""
    here = recorded(FeatureType.STRING, Hash(), "x")

    assert recorded(FeatureType.CATEGORY, Hash(), "x") == here
    assert recorded(FeatureType.STRING, Hash(), "x", model="trains") != here
    assert recorded(FeatureType.STRING, Hash(), "x", key=b"K" * 32) != here
    ((elsewhere,),) = masks(feature(FeatureType.STRING, Hash(), name="other")).rows([["x"]])
    assert elsewhere != here


def test_a_number_is_the_same_whether_its_column_had_gaps_or_not() -> None:
    """Integers with missing values are floats to many a tool, so one version's schema may say integer and the next float."""
    assert recorded(FeatureType.INTEGER, Hash(), 7) == recorded(FeatureType.FLOAT, Hash(), 7.0)


def test_values_of_other_types_have_other_hashes() -> None:
    values: list[tuple[FeatureType, Scalar]] = [
        (FeatureType.INTEGER, 1),
        (FeatureType.STRING, "1"),
        (FeatureType.BOOLEAN, True),
        (FeatureType.STRING, "true"),
    ]

    assert len({recorded(kind, Hash(), value) for kind, value in values}) == len(values)


@pytest.mark.parametrize("privacy", [Hash(), Coarsen(step=2)])
def test_a_missing_value_stays_missing(privacy: Privacy) -> None:
    """Whether it is missing is what quality is judged by."""
    assert recorded(FeatureType.STRING, privacy, None) is None


def test_rows_without_privacy_are_not_touched() -> None:
    rows: list[list[Scalar]] = [["x"]]

    assert masks(feature(FeatureType.STRING, None), key=b"").rows(rows) is rows


def test_what_is_dropped_is_gone_and_the_rest_keeps_its_order() -> None:
    some = masks(
        feature(FeatureType.STRING, None, name="a"),
        feature(FeatureType.STRING, Drop(), name="b"),
        feature(FeatureType.STRING, Coarsen(step=1), name="c"),
    )

    assert (some.names, some.rows([["aa", "bb", "cc"]])) == (("a", "c"), [["aa", "c"]])
    everything = masks(feature(FeatureType.STRING, Drop()))
    assert (everything.names, everything.rows([["x"], ["y"]])) == ((), [[], []])


HOW: dict[FeatureType, st.SearchStrategy[Privacy | None]] = {
    kind: st.sampled_from([None, Drop(), Hash()])
    if kind is FeatureType.BOOLEAN
    else st.sampled_from([None, Drop(), Hash(), Coarsen(step=2), Coarsen(step=0.1 if kind is FeatureType.FLOAT else 3)])
    for kind in FeatureType
}


@settings(deadline=None)  # the first example waits for pyarrow's functions to be imported
@given(st.data())
def test_rows_and_tables_become_the_same_to_the_bit(data: st.DataObject) -> None:
    """A baseline made otherwise than what is compared with it would be drift from the first hour on."""
    kinds = data.draw(st.lists(st.sampled_from(list(FeatureType)), min_size=1, max_size=4))
    features = tuple(feature(kind, data.draw(HOW[kind]), name=f"f{index}") for index, kind in enumerate(kinds))
    rows = data.draw(st.lists(st.tuples(*(st.none() | VALUES[kind] for kind in kinds)), max_size=5))
    some = masks(*features)
    arrays = [pa.array([row[index] for row in rows], ARROW[kind]) for index, kind in enumerate(kinds)]
    table = pa.table([*arrays, pa.array(range(len(rows)))], names=[*(one.name for one in features), "beside"])

    captured = some.table(table)

    one_by_one = some.rows([list(row) for row in rows])
    by_name = [dict(zip(some.names, row, strict=True)) | {"beside": index} for index, row in enumerate(one_by_one)]
    assert msgspec.json.encode(captured.to_pylist()) == msgspec.json.encode(by_name)
    types = {one.name: ARROW[one.type] for one in some.schema.captured.features}
    assert {name: captured.schema.field(name).type for name in types} == types


def test_a_column_is_read_as_its_features_type_however_it_is_stored() -> None:
    """Training data comes as tools write it, requests as JSON says it."""
    table = pa.table(
        {
            "whole": pa.array([7.0, math.nan, None]),
            "word": pa.array(["x", None, "x"]).dictionary_encode(),
            "half": pa.array([math.inf, 0.75, math.nan], pa.float32()),
        }
    )
    some = masks(
        feature(FeatureType.INTEGER, Hash(), name="whole"),
        feature(FeatureType.STRING, Hash(), name="word"),
        feature(FeatureType.FLOAT, Coarsen(step=0.5), name="half"),
    )

    ((whole, word, _),) = some.rows([[7, "x", None]])
    assert some.table(table).to_pydict() == {
        "whole": [whole, None, None],
        "word": [word, None, word],
        "half": [math.inf, 0.5, None],
    }


def test_a_column_that_is_not_what_the_schema_says_is_named_and_not_quoted() -> None:
    with pytest.raises(InvalidSchema, match="'own': a column of double is no integer"):
        masks(feature(FeatureType.INTEGER, Hash())).table(pa.table({"own": [7.25]}))


def test_a_table_may_lack_features() -> None:
    """A history that is imported may."""
    table = pa.table({"beside": [1]})

    assert (
        masks(feature(FeatureType.STRING, Hash()), feature(FeatureType.STRING, Drop(), name="b")).table(table) == table
    )


def test_the_stored_schema_holds_no_plain_value() -> None:
    some = masks(
        feature(FeatureType.CATEGORY, Drop(), name="dropped", categories=("secret",)),
        feature(FeatureType.FLOAT, Drop(), name="gone", minimum=4711.5, maximum=4711.5),
        feature(FeatureType.CATEGORY, Hash(), name="hashed", categories=("secret", "secrets")),
        feature(FeatureType.INTEGER, Hash(), name="number", minimum=4711, maximum=4711),
        feature(FeatureType.FLOAT, Coarsen(step=1000), name="rounded", minimum=-4711.5, maximum=4711.5),
        feature(FeatureType.CATEGORY, Coarsen(step=2), name="cut", categories=("secret", "secrets", "other")),
    )

    stored = msgspec.json.encode(some.schema)

    assert b"secret" not in stored
    assert b"4711" not in stored
    dropped, gone, hashed, number, rounded, cut = some.schema.features
    assert (dropped.categories, gone.minimum, gone.maximum, number.minimum, number.maximum) == (None,) * 5
    assert (rounded.minimum, rounded.maximum) == (-5000.0, 4000.0), "as what is captured of the extremes"
    assert cut.categories == ("ot", "se")
    assert hashed.categories is not None
    assert list(hashed.categories) == sorted(hashed.categories), "the plain ones' order would say something of them"


@given(st.sampled_from(list(FeatureType)), st.data())
def test_masks_of_the_stored_schema_are_those_it_was_made_with(kind: FeatureType, data: st.DataObject) -> None:
    """It comes back from storage, and from whoever corrects the schema that a dry run printed."""
    fields: dict[str, Any] = (
        {"minimum": -3.7, "maximum": 12} if kind in {FeatureType.FLOAT, FeatureType.INTEGER} else {}
    )
    first = masks(feature(kind, data.draw(HOW[kind]), **fields))
    value = data.draw(VALUES[kind])

    again = Masks(msgspec.json.decode(msgspec.json.encode(first.schema), type=Schema), model="flights", key=KEY)

    assert again.schema == first.schema
    assert again.rows([[value]]) == first.rows([[value]])


@pytest.mark.parametrize("privacy", [Hash(), Coarsen(step=1)])
def test_a_category_is_held_against_what_is_stored_of_the_known_ones(privacy: Privacy) -> None:
    some = masks(feature(FeatureType.CATEGORY, privacy, unseen="reject"))
    validator = Validator(some.schema, some.by_name)

    assert validator.read([["AA"], [None]]) == [["AA"], [None]], "the model is asked with what came"
    with pytest.raises(InvalidRows, match="not one of the categories"):
        validator.read([["ZZ"]])


@pytest.mark.parametrize(
    ("key", "reason"), [(b"", "PRIVACY_KEY is not set"), (b"K" * 32, "PRIVACY_KEY is not the one that")]
)
def test_a_version_that_hashes_needs_the_key_it_was_registered_with(key: bytes, reason: str) -> None:
    """Hashes of another key would be unseen values, every one, and could never be linked with the old ones."""
    stored = masks(feature(FeatureType.STRING, Hash())).schema

    with pytest.raises(UnfitPrivacyKey, match=reason) as refused:
        Masks(stored, model="flights", key=key)

    assert (refused.value.status, refused.value.feature) == (503, "own")


def test_a_version_that_hashes_nothing_needs_no_key() -> None:
    some = masks(feature(FeatureType.STRING, Coarsen(step=1)), feature(FeatureType.STRING, Drop(), name="b"), key=b"")

    assert some.rows([["xy", "z"]]) == [["x"]]

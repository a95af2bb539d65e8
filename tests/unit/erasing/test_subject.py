"""Which rows are a subject's, and which are not."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.erasing.subject import Subject, Value, equal, forms, is_same, parsed
from shared.errors import Inseparable, InvalidSchema, UnfitPrivacyKey
from shared.ids import uuid7
from shared.schema import Coarsen, Drop, Feature, FeatureType, Hash
from shared.scoring.privacy import Masks
from tests.integration.models import registered

AT = datetime(2026, 3, 1, 9, tzinfo=UTC)
KEY = b"k" * 32
BY_ID = Subject(model="flights", external_id="zoe", stored={})
BY_VALUE = Subject(model="flights", feature="carrier", stored={"1": "zoe", "2": "hash of zoe"})

VALUES: st.SearchStrategy[Value] = st.one_of(
    st.booleans(), st.integers(-(2**40), 2**40), st.floats(allow_nan=False), st.text(max_size=5)
)
TYPES = {bool: pa.bool_(), int: pa.int64(), float: pa.float64(), str: pa.string()}


def line(**members: Any) -> bytes:  # noqa: ANN401 - of a record
    whole = {"partition": 0, "kind": "prediction", "id": uuid7(AT), "external_id": None, "inputs": {"carrier": "AA"}}
    return msgspec.json.encode({**whole, **members})


def test_rows_are_known_by_the_external_id_and_by_ids_that_were_found() -> None:
    own, other = uuid7(AT), uuid7(AT)
    rows = pa.table({"_id": [own, other, uuid7(AT)], "_external_id": [None, "zoe", "zoe "]})

    assert BY_ID.knowing([own.upper()]).rows(rows).tolist() == [True, True, False]


def test_predictions_are_not_known_by_an_external_id_that_others_carry_as_well() -> None:
    """One who is erased by a value may share an external id: actuals come by it, and other predictions stay."""
    subject = BY_VALUE.knowing([], ["order 1"])
    predictions = pa.table({"_external_id": ["order 1"], "carrier": ["AA"]})
    actuals = pa.table({"_external_id": ["order 1"], "_prediction_id": pa.array([None], pa.string())})

    assert not subject.rows(predictions, "1").any()
    assert subject.rows(actuals).all()
    assert not subject.has(line(external_id="order 1"), "1")
    assert subject.has(line(kind="actual", external_id="order 1"), None)


def test_each_version_has_a_value_in_a_form_of_its_own() -> None:
    rows = pa.table({"carrier": ["zoe", "hash of zoe", None]})

    assert BY_VALUE.rows(rows, "1").tolist() == [True, False, False]
    assert BY_VALUE.rows(rows, "2").tolist() == [False, True, False]
    assert BY_VALUE.rows(rows, "3").tolist() == [False, False, False]
    assert BY_VALUE.rows(rows).tolist() == [True, True, False]


@given(VALUES, VALUES)
def test_a_column_and_a_record_say_the_same_of_a_value(wanted: Value, value: Value) -> None:
    """Or else a row would be found in its log and not in its hour."""
    column = pa.chunked_array([pa.array([value, None], TYPES[type(value)])])
    said = line(inputs={"carrier": value})
    subject = Subject(model="flights", feature="carrier", stored={"1": wanted})

    in_column = equal(column, wanted)

    assert in_column.tolist() == [is_same(value, wanted), False]
    is_finite = not isinstance(value, float) or np.isfinite(value)
    assert subject.has(said, "1") == (is_same(value, wanted) and is_finite)


def test_a_value_is_found_in_a_column_with_a_dictionary() -> None:
    """As pandas writes categories."""
    column = pa.chunked_array([pa.array(["ann", "zoe", None]).dictionary_encode()])

    assert equal(column, "zoe").tolist() == [False, True, False]


def test_a_number_beyond_all_whole_numbers_is_none_of_them() -> None:
    assert equal(pa.chunked_array([[1, 2]]), 10**20).tolist() == [False, False]


def test_a_line_that_cannot_be_read_is_the_subjects_where_it_holds_the_text() -> None:
    assert BY_ID.has(b'{"external_id": "zoe", ', None)
    assert not BY_ID.has(b'{"external_id": "', None)


def test_ids_that_are_known_are_not_new_and_others_are() -> None:
    own = uuid7(AT)
    known = Subject(model="flights", stored={}).knowing([own])

    assert known.is_new
    assert not replace(known, is_new=False).knowing([own]).is_new


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [("float", "1.5", 1.5), ("integer", "-3", -3), ("boolean", "True", True), ("string", "1", "1")],
)
def test_a_value_is_read_as_its_features_type(kind: str, text: str, value: Value) -> None:
    assert parsed(Feature(name="age", type=FeatureType(kind)), text) == value


@pytest.mark.parametrize(("kind", "text"), [("float", "zoe"), ("integer", "1.5"), ("boolean", "1")])
def test_a_value_that_is_none_of_the_feature_is_refused_and_not_repeated(kind: str, text: str) -> None:
    with pytest.raises(InvalidSchema) as refused:
        parsed(Feature(name="age", type=FeatureType(kind)), text)

    assert text not in str(refused.value)


def test_a_hashed_value_is_looked_for_as_its_hash() -> None:
    version = registered("flights", "1", privacy=(("carrier", Hash()),), privacy_key=KEY).manifest

    found = forms([version], "carrier", "AA", key=KEY)

    mask = Masks(version.schema, model="flights", key=KEY).by_name["carrier"]
    assert found.stored == {"1": mask("AA"), "": "AA"}
    with pytest.raises(UnfitPrivacyKey):
        forms([version], "carrier", "AA", key=b"o" * 32)


@pytest.mark.parametrize("privacy", [Drop(), Coarsen(step=1)])
def test_what_is_dropped_or_coarsened_does_not_tell_rows_apart(privacy: Drop | Coarsen) -> None:
    masked = registered("flights", "1", privacy=(("carrier", privacy),)).manifest
    plain = registered("flights", "2").manifest

    with pytest.raises(Inseparable):
        forms([masked], "carrier", "AA", key=b"")
    found = forms([masked, plain], "carrier", "AA", key=b"")
    assert found.stored == {"2": "AA", "": "AA"}
    assert list(found.untold) == ["1"]


def test_a_feature_that_no_version_has_is_refused() -> None:
    with pytest.raises(InvalidSchema):
        forms([registered("flights", "1").manifest], "name", "zoe", key=b"")

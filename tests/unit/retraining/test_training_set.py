"""What a challenger learns from is what was captured, as one file that is the same wherever it is made."""

import io
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import Untrainable
from shared.hours import Hour
from shared.registry.manifest import Manifest
from shared.retraining.training_set import TrainingSet, answerable, matched, refuse_masked, training_set
from shared.schema import Coarsen, Drop, Feature, FeatureType, Hash, Privacy
from tests.unit.retraining.training_sets import FIRST, matched_rows, parent_of, schema_of

DISTANCE = Feature(name="distance", type=FeatureType.FLOAT, nullable=True)
PARENT = parent_of(schema_of(DISTANCE))
END = Hour.parse("2026-03-02T09")


def rows(*actuals: float | None) -> pa.Table:
    distances = [float(row) for row in range(len(actuals))]
    return matched_rows(PARENT, {"distance": distances}, pa.array(actuals, pa.float64()))


def drawn(*parts: pa.Table, predictions: int = 10, parent: Manifest = PARENT) -> TrainingSet:
    return training_set(parent, FIRST, END, parts, predictions=predictions)


@given(st.permutations(range(12)), st.integers(0, 12))
def test_the_same_rows_in_any_order_and_parts_are_the_same_file(order: list[int], cut: int) -> None:
    """Its SHA-256 says whether two challengers learned from the same."""
    whole = rows(*[float(row % 2) for row in range(12)])
    mixed = whole.take(pa.array(order))

    assert drawn(mixed.slice(0, cut), mixed.slice(cut)).sha256 == drawn(whole).sha256


def test_the_file_has_the_features_the_actual_by_its_name_and_where_rows_are_from() -> None:
    made = drawn(rows(1.0, 0.0))

    read = pq.ParquetFile(io.BytesIO(made.file)).read()
    assert read.equals(made.rows)
    assert read.drop_columns(["_at"]).to_pydict() == {
        "_id": ["000000", "000001"],
        "distance": [0.0, 1.0],
        "late": [1, 0],
    }
    assert made.coverage == 0.2


def test_without_a_row_it_is_empty_and_nothing_is_covered() -> None:
    assert drawn().rows.schema.equals(drawn(rows(1.0)).rows.schema)
    assert (drawn().coverage, drawn(predictions=0).coverage) == (0.0, None)


def test_what_the_model_could_not_answer_is_left_out_and_counted() -> None:
    """Half a class would be a class of its own."""
    made = drawn(rows(1.0, 0.5, 0.0, float("nan"), float("inf")))

    assert (made.rows.column("late").to_pylist(), made.misfits) == ([1, 0], 3)


@pytest.mark.parametrize(
    ("answer", "said", "learned"),
    [
        (FeatureType.INTEGER, [2.0, -1.0, 1e300, None], [2, -1, None, None]),
        (FeatureType.BOOLEAN, [1.0, 0.0, 2.0, None], [True, False, None, None]),
        (FeatureType.FLOAT, [1.5, float("-inf"), None], [1.5, None, None]),
        (FeatureType.CATEGORY, ["late", None], ["late", None]),
    ],
)
def test_actuals_have_the_type_of_the_answer(answer: FeatureType, said: list[Any], learned: list[Any]) -> None:
    """A model that learned classes as floats answers with floats, and passes for a regression."""
    kind = pa.string() if answer is FeatureType.CATEGORY else pa.float64()

    assert answerable(pa.chunked_array([pa.array(said, kind)]), answer).to_pylist() == learned


def test_rows_go_with_their_own_actual_and_others_are_left_out() -> None:
    """A feature may be called as the joined column is."""
    sealed = pa.table({"_id": ["a", "b", "c"], "actual": [1.0, 2.0, 3.0]})
    joined = pa.table({"_id": ["c", "elsewhere", "a"], "_at": [3, 9, 1], "actual": [30.0, 90.0, 10.0]})

    found = matched(sealed, joined).to_pylist()

    assert found == [
        {"_id": "c", "actual": 3.0, "_at": 3, "_actual": 30.0},
        {"_id": "a", "actual": 1.0, "_at": 1, "_actual": 10.0},
    ]


@pytest.mark.parametrize(
    ("privacy", "done"), [(Drop(), "dropped"), (Hash(key="k"), "hashed"), (Coarsen(step=5), "coarsened")]
)
def test_nothing_learns_from_masked_features(privacy: Privacy, done: str) -> None:
    """It would be asked with values that it never saw."""
    masked = Feature(name="distance", type=FeatureType.FLOAT, privacy=privacy)

    refuse_masked(PARENT)
    with pytest.raises(Untrainable, match=f"'distance' of flights 1 is {done} before it leaves the scorer"):
        refuse_masked(parent_of(schema_of(masked)))

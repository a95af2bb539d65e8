"""What a challenger learns from is a dataset's training part, as one file that is the same wherever it is made."""

import io
from datetime import timedelta

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.datasets.recipe import Weights
from shared.errors import Untrainable
from shared.retraining.training_set import refuse_masked, refuse_unfit, standing
from shared.schema import Coarsen, Drop, Feature, FeatureType, Hash, Privacy
from tests.unit.retraining.training_sets import dataset_of, parent_of, rows_of, schema_of, set_of

DISTANCE = Feature(name="distance", type=FeatureType.FLOAT, nullable=True)
PARENT = parent_of(schema_of(DISTANCE))


def rows(*actuals: int | None) -> pa.Table:
    return rows_of(PARENT, {"distance": [float(row) for row in range(len(actuals))]}, actuals)


@given(st.permutations(range(12)))
def test_the_same_rows_in_any_order_are_the_same_file(order: list[int]) -> None:
    """Its SHA-256 says whether two challengers learned from the same."""
    whole = rows(*[row % 2 for row in range(12)])

    assert set_of(PARENT, whole.take(pa.array(order))).sha256 == set_of(PARENT, whole).sha256


def test_the_file_has_the_features_the_actual_by_its_name_weights_and_where_rows_are_from() -> None:
    held_out = rows(0, 1, 1).slice(2)
    told = set_of(PARENT, rows(1, 0).append_column("_split", pa.array(["train"] * 2)), held_out)

    read = pq.ParquetFile(io.BytesIO(told.file)).read()
    assert read.equals(told.rows)
    assert read.drop_columns(["_at"]).to_pydict() == {
        "_id": ["000000", "000001"],
        "distance": [0.0, 1.0],
        "late": [1, 0],
        "_weight": [1_000_000, 1_000_000],
    }
    assert told.held_out.column("_id").to_pylist() == ["000002"]


def test_rows_without_an_actual_teach_nothing_and_try_nothing() -> None:
    """A dataset that is not to have actuals holds such."""
    told = set_of(PARENT, rows(1, None, 0), rows(None, 1))

    assert told.rows.column("_id").to_pylist() == ["000000", "000002"]
    assert told.held_out.column("_id").to_pylist() == ["000001"]


@pytest.mark.parametrize(
    ("privacy", "done"), [(Drop(), "dropped"), (Hash(key="k"), "hashed"), (Coarsen(step=5), "coarsened")]
)
def test_nothing_learns_from_masked_features(privacy: Privacy, done: str) -> None:
    """It would be asked with values that it never saw."""
    masked = Feature(name="distance", type=FeatureType.FLOAT, privacy=privacy)

    refuse_masked(PARENT)
    with pytest.raises(Untrainable, match=f"'distance' of flights 1 is {done} before it leaves the scorer"):
        refuse_masked(parent_of(schema_of(masked)))


def test_a_dataset_has_to_have_what_the_champion_is_asked_with() -> None:
    made = dataset_of(PARENT)
    other = parent_of(schema_of(msgspec.structs.replace(DISTANCE, type=FeatureType.STRING)))

    refuse_unfit(PARENT, made)
    for unfit, reason in (
        (msgspec.structs.replace(made, recipe=msgspec.structs.replace(made.recipe, features=())), "is not in dataset"),
        (dataset_of(PARENT, masked={"distance": "coarsened"}), "is coarsened in dataset abababababab"),
        (dataset_of(other), "is a string in dataset abababababab, and a float to the model"),
    ):
        with pytest.raises(Untrainable, match=f"'distance' of flights 1 {reason}"):
            refuse_unfit(PARENT, unfit)


@pytest.mark.parametrize(
    ("weights", "stands"),
    [
        (Weights(), True),
        (Weights(balanced=True), False),
        (Weights(classes={"1": 2.0}), False),
        (Weights(half_life=timedelta(days=7)), False),
    ],
)
def test_what_says_how_to_learn_does_not_say_what_rows_stand_for(weights: Weights, *, stands: bool) -> None:
    """A baseline in which all classes are equally frequent is of no world, and the first window would be in breach of it."""
    recipe = msgspec.structs.replace(dataset_of(PARENT).recipe, weights=weights)
    told, bare = rows(1, 0), rows(1, 0).drop_columns(["_weight"])

    assert standing(told, recipe).equals(told if stands else bare)
    assert standing(bare, recipe).equals(bare)

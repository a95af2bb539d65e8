"""Training data and model go together, or the version is refused with the reason."""

import io
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from skl2onnx import to_onnx
from skl2onnx.common.data_types import DoubleTensorType
from sklearn.linear_model import LogisticRegression

from shared.errors import InvalidModel, InvalidSchema, ModelFailed, UnfitPrivacyKey
from shared.hours import Hour
from shared.profiles import encoding
from shared.profiles.bins import Bins, CategoricalBins, NumericBins
from shared.profiles.hourly import Hours
from shared.profiles.profile import Profile, profile
from shared.registry.manifest import Task
from shared.schema import Coarsen, Drop, FeatureType, Hash, Output, Privacy, Schema
from shared.scoring.privacy import Masks
from shared.scoring.registration import Draft, TrainingData, draft
from tests.unit.scoring.models import FLOAT, INT64, echo, features, lookup, words

KEY = b"k" * 32


def drafted(model: bytes, **columns: list[Any]) -> Draft:
    rows = len(next(iter(columns.values())))
    training = TrainingData(rows=pa.table({**columns, "late": [0.5] * rows}), actual="late", time=None, sha256="0" * 64)
    return draft(model, training, model="flights", version="1", schema=None, at=datetime(2026, 1, 1, tzinfo=UTC))


def test_a_version_says_what_its_model_takes_and_answers() -> None:
    manifest = drafted(lookup(4), index=[0, 1, 2, 3] * 25).manifest

    assert [(one.name, one.type) for one in manifest.schema.features] == [("index", FeatureType.INTEGER)]
    assert [(one.name, one.type) for one in manifest.schema.outputs] == [("prediction", FeatureType.FLOAT)]
    assert (manifest.task, manifest.training_rows) == (Task.REGRESSION, 100)
    assert manifest.trained_until is None


@pytest.mark.parametrize(
    ("learned", "told", "classes"),
    [
        ([1, 2, 3], [1, 2, 3], (1, 2, 3)),
        ([1, 2, 3], [1.0, 2.0, 3.0], (1, 2, 3)),
        ([9, 10, 11], [11, 10, 9], (9, 10, 11)),
        ([5, 7], [7, 5], (5, 7)),
        (["yes", "no", "maybe"], ["yes", "no", "maybe"], ("maybe", "no", "yes")),
        ([1, 2, 3], [1, 2], None),
        ([0, 1, 2], [1, 2, 3], None),
        ([0, 1, 2], ["a", "b", "c"], None),
    ],
)
def test_the_training_data_says_what_probabilities_are_of(
    learned: list[Any], told: list[Any], classes: tuple[int | str, ...] | None
) -> None:
    """The model's own order, unless what it learned is something else than what is told of its training data."""
    numbers = np.arange(120, dtype=np.float64).reshape(-1, 1)
    fitted = LogisticRegression().fit(numbers, np.resize(learned, 120))
    model = to_onnx(fitted, initial_types=[("distance", DoubleTensorType([None, 1]))], options={"zipmap": False})
    rows = pa.table({"distance": numbers[:, 0], "class": [told[row % len(told)] for row in range(120)]})
    training = TrainingData(rows=rows, actual="class", time=None, sha256="0" * 64)

    made = draft(
        model.SerializeToString(), training, model="m", version="1", schema=None, at=datetime(2026, 1, 1, tzinfo=UTC)
    )

    assert made.manifest.classes == classes
    assert classes is None or [*classes] == fitted.classes_.tolist()


def test_numbers_have_no_classes() -> None:
    assert drafted(lookup(4), index=[0, 1, 2, 3] * 25).manifest.classes is None


@pytest.mark.parametrize(
    ("model", "columns", "reason"),
    [
        (echo(FLOAT), {"a": ["x", "y"] * 50, "b": [1.0] * 100}, "'a' is a .*, and the model takes it as float32"),
        (echo(INT64), {"a": [1, None] * 50, "b": [1] * 100}, "'a' may be missing"),
        (echo(INT64), {"a": [1.5, 2.5] * 50, "b": [1] * 100}, "'a' is a float, and the model takes it as int64"),
        (echo(FLOAT), {"a": [1.0] * 100}, "takes 2 features, and there are 1"),
        (lookup(4), {"other": [1] * 100}, "takes index, which the training data does not have"),
        (lookup(4), {"index": [400] * 100}, "raised when it was asked"),
        (b"no model", {"index": [1] * 100}, "not an ONNX model"),
    ],
)
def test_training_data_that_the_model_cannot_take_is_refused_with_the_reason(
    model: bytes, columns: dict[str, list[Any]], reason: str
) -> None:
    with pytest.raises(InvalidModel, match=reason):
        drafted(model, **columns)


def test_a_model_that_fails_on_its_own_training_data_is_no_version() -> None:
    """The first hundred rows are looked at to find the outputs; the rest must be answered too."""
    with pytest.raises(ModelFailed):
        drafted(lookup(4), index=[1] * 200 + [400])


@pytest.mark.parametrize(("actual", "time"), [("prediction", None), ("late", "prediction")])
def test_a_column_called_as_an_output_is_refused(actual: str, time: str | None) -> None:
    """The baseline's rows would have two columns of one name, which no reader takes, in a version that never changes."""
    columns = {name: [0.5] * 100 for name in (actual, time) if name}
    training = TrainingData(
        rows=pa.table({"index": [0, 1, 2, 3] * 25, **columns}), actual=actual, time=time, sha256="0" * 64
    )

    with pytest.raises(InvalidSchema, match="'prediction': "):
        draft(lookup(4), training, model="flights", version="1", schema=None, at=datetime(2026, 1, 1, tzinfo=UTC))


def private(privacy: Mapping[str, Privacy], *, schema: Schema | None = None, key: bytes = KEY) -> Draft:
    """Register a model that takes two words and a number, and answers with the number."""
    rows = pa.table(
        {
            "name": ["Ada", "Bob"] * 50,
            "town": ["London", "Leeds"] * 50,
            "age": [37.5, 42.25] * 50,
            "when": [float(row) for row in range(100)],
            "late": [0.5] * 100,
        }
    )
    return draft(
        words("name", "town", number="age"),
        TrainingData(rows=rows, actual="late", time="when", sha256="0" * 64),
        model="people",
        version="1",
        schema=schema,
        at=datetime(2026, 1, 1, tzinfo=UTC),
        privacy=privacy,
        privacy_key=key,
    )


def sample(made: Draft) -> pa.Table:
    return pq.read_table(io.BytesIO(made.files["baselines/1/rows.parquet"]))


def test_everything_made_of_the_training_data_is_made_of_what_would_be_captured() -> None:
    """Hour by hour it is compared with what is captured; and it must not say more than that."""
    made = private({"name": Drop(), "town": Hash(), "age": Coarsen(step=5)})

    masks = Masks(made.manifest.schema, model="people", key=KEY)
    ((london, forty), (leeds, thirty_five)) = masks.rows([["Ada", "London", 42.25], ["Bob", "Leeds", 37.5]])
    rows = sample(made)
    assert rows.column_names == ["town", "age", "prediction", "late", "when"]
    assert set(rows.column("town").to_pylist()) == {london, leeds}
    assert set(rows.column("age").to_pylist()) == {thirty_five, forty} == {35.0, 40.0}
    bins = encoding.decode(made.files["baselines/1/_bins"], Bins, path="_bins")
    town, age = bins.features.values()
    assert list(bins.features) == ["town", "age"]
    assert isinstance(town, CategoricalBins)
    assert set(town.categories) == {london, leeds}
    assert isinstance(age, NumericBins)
    assert (age.minimum, age.maximum) == (35.0, 40.0)
    assert encoding.decode(made.files["baselines/1/_profile"], Profile, path="_profile") == profile(rows, bins)


def test_training_data_with_times_is_profiled_hour_by_hour_as_it_would_be_captured() -> None:
    """What chance and season do between two hours is learned from it."""
    start = datetime(2026, 1, 1, 9, tzinfo=UTC)
    rows = pa.table(
        {
            "name": ["Ada", "Bob"] * 50,
            "town": ["London", "Leeds"] * 50,
            "age": [37.5, 42.25] * 50,
            "when": [start + timedelta(minutes=row) for row in range(100)],
            "late": [0.5] * 100,
        }
    )
    training = TrainingData(rows=rows, actual="late", time="when", sha256="0" * 64)
    made = draft(
        words("name", "town", number="age"),
        training,
        model="people",
        version="1",
        schema=None,
        at=start,
        privacy={"name": Drop(), "age": Coarsen(step=5)},
    )

    hours = dict(Hours(made.files["baselines/1/_hours.parquet"], "_hours"))

    assert made.manifest.trained_until == start + timedelta(minutes=99)
    bins = encoding.decode(made.files["baselines/1/_bins"], Bins, path="_bins")
    captured = sample(made)
    assert hours == {
        Hour.containing(start): profile(captured.slice(0, 60), bins),
        Hour.containing(start).plus(1): profile(captured.slice(60), bins),
    }


def test_the_model_is_asked_with_the_values_as_they_are() -> None:
    made = private({"age": Coarsen(step=5)})

    assert set(sample(made).column("prediction").to_pylist()) == {37.5, 42.25}


def test_of_a_version_without_privacy_nothing_is_said_and_everything_kept() -> None:
    made = private({}, key=b"")

    assert sample(made).column_names == ["name", "town", "age", "prediction", "late", "when"]
    assert b"privacy" not in msgspec.json.encode(made.manifest)


def test_of_a_version_whose_features_are_all_dropped_the_answers_are_kept() -> None:
    made = private(dict.fromkeys(("name", "town", "age"), Drop()), key=b"")

    assert sample(made).column_names == ["prediction", "late", "when"]
    bins = encoding.decode(made.files["baselines/1/_bins"], Bins, path="_bins")
    assert (list(bins.features), list(bins.outputs)) == ([], ["prediction"])


def test_a_printed_schema_may_be_given_back_as_it_is() -> None:
    """Its categories are hashes already, and are not hashed again."""
    printed = private({"town": Hash(), "age": Coarsen(step=5), "name": Drop()}).manifest.schema

    assert private({}, schema=printed).manifest.schema == printed


@pytest.mark.parametrize(
    ("privacy", "feature", "reason"),
    [
        ({"nobody": Drop()}, "nobody", "no such feature"),
        ({"late": Drop()}, "late", "no such feature"),
        ({"name": Coarsen(step=0.5)}, "name", "not a whole number"),
    ],
)
def test_privacy_that_cannot_be_is_refused_by_its_feature(
    privacy: dict[str, Privacy], feature: str, reason: str
) -> None:
    with pytest.raises(InvalidSchema, match=reason) as refused:
        private(privacy)

    assert refused.value.feature == feature


def test_privacy_is_said_once() -> None:
    """Whoever says two things of one feature would have to know which of them wins."""
    schema = private({"name": Drop()}).manifest.schema

    with pytest.raises(InvalidSchema, match="says already"):
        private({"name": Drop()}, schema=schema)


def test_the_time_is_no_private_feature() -> None:
    """It is stored in the sample as it is, and would be there in plain."""
    rows = pa.table({"a": [1.5] * 100, "when": [float(row) for row in range(100)], "late": [0.5] * 100})
    training = TrainingData(rows=rows, actual="late", time="when", sha256="0" * 64)
    at = datetime(2026, 1, 1, tzinfo=UTC)
    output = Output(name="prediction", type=FeatureType.FLOAT)
    schema = Schema(features=features(a="float", when="float"), outputs=(output,))
    with pytest.raises(InvalidSchema, match="'when': it is the time"):
        draft(
            echo(FLOAT, None),
            training,
            model="people",
            version="1",
            schema=schema,
            at=at,
            privacy={"when": Coarsen(step=5)},
        )


def test_nothing_is_hashed_without_a_key() -> None:
    with pytest.raises(UnfitPrivacyKey, match="PRIVACY_KEY is not set"):
        private({"town": Hash()}, key=b"")


def weighted(weights: list[Any] | None, *, rows: int = 2_000) -> Draft:
    """Register a model of rows that were drawn unevenly: as many with a 3 as with all others together, which are 9 in 10."""
    index = [row // 2 % 3 if row % 2 else 3 for row in range(rows)]
    start = datetime(2026, 1, 1, 9, tzinfo=UTC)
    table = {
        "_id": [f"{row:036}" for row in range(rows)],
        "when": [start + timedelta(minutes=row) for row in range(rows)],
        "index": index,
        "late": [0.5] * rows,
    }
    made = pa.table(table if weights is None else {**table, "_weight": weights})
    training = TrainingData(rows=made, actual="late", time="when", sha256="0" * 64)
    return draft(lookup(4), training, model="flights", version="1", schema=None, at=start)


def test_the_baseline_is_of_what_rows_stand_for() -> None:
    """Of those with a 3 one in nine is kept, and of the others every one: otherwise drift would be found where there is none."""
    made = weighted([9_000_000 if row % 2 else 1_000_000 for row in range(2_000)])

    counted = encoding.decode(made.files["baselines/1/_profile"], Profile, path="_profile")
    rows = sample(made)
    values = rows.column("index").to_pylist()
    assert counted.rows == rows.num_rows == 1_000 + values.count(3)
    assert 70 < values.count(3) < 155
    bins = encoding.decode(made.files["baselines/1/_bins"], Bins, path="_bins")
    assert counted == profile(rows.drop_columns(["_id"]), bins)
    hours = dict(Hours(made.files["baselines/1/_hours.parquet"], "_hours"))
    assert sum(one.rows for one in hours.values()) == counted.rows
    assert made.manifest.training_rows == 2_000
    assert made.manifest.schema.features[0].maximum == 3


def test_weights_that_are_all_the_same_change_nothing() -> None:
    assert weighted([7] * 2_000).files == weighted(None).files


@pytest.mark.parametrize("weights", [[0] * 100, [-1] * 100, [float("nan")] * 100, ["many"] * 100])
def test_weights_that_are_none_are_refused(weights: list[Any]) -> None:
    with pytest.raises(InvalidSchema, match="'_weight'"):
        weighted(weights, rows=100)


def test_weights_that_leave_no_baseline_are_refused() -> None:
    """One row that stands for nearly all would be kept alone, and whatever is held against it be unknown for good."""
    with pytest.raises(InvalidSchema, match=r"'_weight'.* has 1 of 2,000, and a baseline takes 100"):
        weighted([10**12, *[1] * 1_999])


def test_ids_stand_beside_the_rows_alone() -> None:
    """By them whoever is erased is found; a profile would show its rows to people."""
    made = weighted(None)

    assert sample(made).column_names == ["index", "prediction", "late", "when", "_id"]
    assert [feature.name for feature in made.manifest.schema.features] == ["index"]
    assert encoding.decode(made.files["baselines/1/_profile"], Profile, path="_profile").sample.rows == ()
    assert all(not one.sample.rows for _, one in Hours(made.files["baselines/1/_hours.parquet"], "_hours"))

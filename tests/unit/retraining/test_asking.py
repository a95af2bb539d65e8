"""Which rows are asked, of whom, and what answers cost."""

from random import Random

import msgspec
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.registry.manifest import Manifest, Task
from shared.retrain_config import Loss
from shared.retraining.asking import (
    Sample,
    answer_losses,
    ask,
    disagreement,
    missing,
    output_columns,
    unaskable,
    unjudged,
)
from shared.schema import Coarsen, Drop, Feature, FeatureType, Hash, Output, Schema
from shared.scoring.runtime import OnnxModel, Runtime
from tests.integration.models import answer, onnx_model, registered

CHAMPION = registered("flights", "1").manifest
OTHER = registered("flights", "2").manifest


def ids(numbers: list[int]) -> pa.Table:
    return pa.table({"_id": pa.array([f"id-{number:06}" for number in numbers], pa.string())})


def classifier(*outputs: Output) -> Manifest:
    schema = Schema(features=CHAMPION.schema.features, outputs=outputs)
    return msgspec.structs.replace(CHAMPION, task=Task.CLASSIFICATION, schema=schema)


def changed(manifest: Manifest, feature: str, /, **fields: object) -> Manifest:
    """Return a manifest with one of its features changed."""
    features = tuple(
        msgspec.structs.replace(one, **fields) if one.name == feature else one for one in manifest.schema.features
    )
    return msgspec.structs.replace(manifest, schema=Schema(features=features, outputs=manifest.schema.outputs))


@given(st.sets(st.integers(0, 10_000), max_size=200), st.integers(1, 50), st.randoms())
def test_a_sample_is_the_same_in_whatever_parts_and_order_rows_come(
    numbers: set[int], most: int, random: Random
) -> None:
    whole, shuffled = sorted(numbers), sorted(numbers)
    random.shuffle(shuffled)
    cut = random.randint(0, len(shuffled))

    at_once = Sample.none(ids([]), most=most).with_rows(ids(whole))
    in_parts = Sample.none(ids([]), most=most).with_rows(ids(shuffled[:cut])).with_rows(ids(shuffled[cut:]))

    assert at_once.rows.equals(in_parts.rows)
    assert at_once.rows.num_rows == min(most, len(numbers))
    assert {*at_once.rows.column("_id").to_pylist()} <= {*ids(whole).column("_id").to_pylist()}


def test_a_sample_is_of_no_part_of_a_period() -> None:
    """Ids begin with a time: the lowest of those themselves would be the first hour's."""
    drawn = Sample.none(ids([]), most=500).with_rows(ids(list(range(10_000)))).rows.column("_id").to_pylist()

    numbers = np.array([int(one.removeprefix("id-")) for one in drawn])
    assert np.histogram(numbers, bins=5, range=(0, 10_000))[0] == pytest.approx(100, abs=40)


@pytest.mark.parametrize(
    ("champion", "other", "reason"),
    [
        (CHAMPION, OTHER, None),
        (CHAMPION, classifier(Output(name="prediction", type=FeatureType.INTEGER)), "classification"),
        (changed(CHAMPION, "distance", name="miles"), OTHER, "'distance' is not among what the champion is asked"),
        (changed(CHAMPION, "distance", privacy=Coarsen(step=10)), OTHER, "'distance' is not captured as it is"),
        (changed(CHAMPION, "distance", privacy=Drop()), OTHER, "'distance' is not captured as it is"),
        (changed(CHAMPION, "carrier", privacy=Hash()), OTHER, "'carrier' is not captured as it is"),
        (CHAMPION, changed(OTHER, "carrier", privacy=Hash()), None),  # it is asked what was captured, not the other way
        (CHAMPION, changed(OTHER, "distance", type=FeatureType.INTEGER), None),
        (
            CHAMPION,
            changed(OTHER, "distance", type=FeatureType.BOOLEAN, minimum=None, maximum=None),
            "'distance' is a boolean, and the champion is asked for a float",
        ),
    ],
)
def test_a_version_is_asked_where_what_it_needs_was_captured(
    champion: Manifest, other: Manifest, reason: str | None
) -> None:
    found = unaskable(other, champion)

    assert found is None if reason is None else reason in str(found)


def test_a_version_that_needs_every_value_is_not_asked_rows_that_lack_one() -> None:
    rows = pa.table({"distance": pa.array([1.0, None], pa.float64()), "carrier": ["AA", "UA"]})

    assert missing(OTHER, rows.slice(0, 1)) is None
    assert missing(OTHER, rows) == "'distance' is missing in some rows, and it needs a value"
    assert missing(changed(OTHER, "distance", nullable=True), rows) is None


def test_what_a_version_answers_stands_beside_the_champions_answer() -> None:
    rows = pa.table(
        {
            "_id": ["a", "b"],
            "_hour": ["2026-03-01T09"] * 2,
            "_weight": pa.array([1, 3], pa.int32()),
            "_champion": [answer(4.0), answer(7.0)],
            "distance": [4.0, 7.0],
            "carrier": ["AA", "UA"],
        }
    )

    answered = ask(Runtime(OnnxModel(onnx_model("2")), OTHER), OTHER, rows)

    assert answered.column_names == ["_id", "_hour", "_weight", "_champion", "prediction"]
    assert answered.column("prediction").to_pylist() == [answer(4.0, version="2"), answer(7.0, version="2")]
    assert disagreement(Loss.ABSOLUTE_ERROR, answered) == 1.0
    assert disagreement(Loss.BRIER, answered) is None
    assert disagreement(Loss.ABSOLUTE_ERROR, answered.slice(0, 0)) is None


def test_answers_that_differ_count_by_what_they_stand_for() -> None:
    answered = pa.table({"_champion": ["a", "b"], "prediction": ["a", "c"], "_weight": [1, 3]})

    assert disagreement(Loss.ERROR, answered) == 0.75


LABEL = Output(name="prediction", type=FeatureType.CATEGORY, categories=("yes", "no"))
CHANCE = Output(name="probability", type=FeatureType.FLOAT)


def test_one_probability_of_two_classes_is_that_of_the_second_by_name() -> None:
    """As scikit-learn orders them."""
    answered = pa.table({"prediction": ["yes"], "prediction.probability": [0.8]})

    found = answer_losses(Loss.BRIER, classifier(LABEL, CHANCE), answered, ["yes"])

    assert found.tolist() == pytest.approx([0.2**2])
    assert output_columns(Loss.BRIER, classifier(LABEL, CHANCE)) == ["prediction.probability"]


def test_probabilities_of_several_classes_are_those_of_numbers_from_0_on() -> None:
    outputs = [Output(name=f"probability.{place}", type=FeatureType.FLOAT) for place in range(3)]
    version = classifier(Output(name="prediction", type=FeatureType.INTEGER), *outputs)
    answered = pa.table(
        {
            "prediction": [1],
            **{f"prediction.probability.{place}": [chance] for place, chance in enumerate((0.2, 0.5, 0.3))},
        }
    )

    assert answer_losses(Loss.LOG_LOSS, version, answered, [2.0]).tolist() == pytest.approx([-np.log(0.3)])


def test_probabilities_are_of_the_classes_that_the_manifest_names() -> None:
    """Labels from 1 on would each be charged with the probability of the next, and the last with none."""
    outputs = [Output(name=f"probability.{place}", type=FeatureType.FLOAT) for place in range(3)]
    version = classifier(Output(name="prediction", type=FeatureType.INTEGER), *outputs)
    version = msgspec.structs.replace(version, classes=(1, 2, 3))
    chances = (("0", 0.2), ("1", 0.5), ("2", 0.3))
    answered = pa.table({"prediction": [2], **{f"prediction.probability.{name}": [one] for name, one in chances}})

    assert answer_losses(Loss.LOG_LOSS, version, answered, [2.0]).tolist() == pytest.approx([-np.log(0.5)])


@pytest.mark.parametrize(
    ("loss", "version", "is_judged"),
    [
        (Loss.ERROR, classifier(LABEL), True),
        (Loss.BRIER, classifier(LABEL), False),
        (Loss.BRIER, classifier(LABEL, CHANCE), True),
        (Loss.BRIER, classifier(msgspec.structs.replace(LABEL, categories=("a", "b", "c")), CHANCE), False),
        (Loss.LOG_LOSS, classifier(Output(name="prediction", type=FeatureType.STRING), CHANCE), False),
        (Loss.ABSOLUTE_ERROR, CHAMPION, True),
        (Loss.ERROR, CHAMPION, False),
    ],
)
def test_a_loss_that_a_version_does_not_have_is_told(loss: Loss, version: Manifest, *, is_judged: bool) -> None:
    assert (unjudged(loss, version) is None) is is_judged


def test_a_text_feature_may_be_a_category_to_one_and_any_text_to_the_other() -> None:
    free = changed(OTHER, "carrier", type=FeatureType.STRING, categories=None)

    assert isinstance(free.schema.features[1], Feature)
    assert unaskable(free, CHAMPION) is None

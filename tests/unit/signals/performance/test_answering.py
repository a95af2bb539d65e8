"""Columns of predictions, as classes and as numbers."""

from datetime import UTC, datetime

import msgspec
import numpy as np
import pyarrow as pa
import pytest

from shared.registry.manifest import Manifest, Source, Task
from shared.schema import Feature, FeatureType, Output, Schema
from shared.signals.performance import versions
from shared.signals.performance.answering import Answering, features, regressed
from shared.signals.performance.estimate import Estimate, Metric
from shared.signals.performance.versions import Measuring

DISTANCE = Feature(name="distance", type=FeatureType.FLOAT, nullable=True)
CARRIER = Feature(name="carrier", type=FeatureType.CATEGORY, categories=("AA", "UA"), nullable=True)
NOTE = Feature(name="note", type=FeatureType.STRING)


def manifest(task: Task, *outputs: Output) -> Manifest:
    return Manifest(
        model="m",
        version="1",
        task=task,
        schema=Schema(features=(DISTANCE, CARRIER, NOTE), outputs=outputs),
        sources=tuple(Source(tensor=one.name) for one in outputs),
        flavour="onnx",
        files={},
        actual="truth",
        training_data="",
        training_rows=1,
        registered_at=datetime(2026, 1, 1, tzinfo=UTC),
    )


def rows(**columns: object) -> pa.Table:
    given = {name: pa.array(values) for name, values in columns.items()}
    count = len(next(iter(given.values())))
    return pa.table({"_weight": pa.array([1] * count, pa.int32()), "hour": ["2026-03-01T09"] * count, **given})


def answer(kind: FeatureType, *categories: str) -> Output:
    return Output(name="prediction", type=kind, categories=categories or None)


PROBABILITY = Output(name="probability", type=FeatureType.FLOAT)


@pytest.mark.parametrize(
    ("kind", "categories", "said", "turned_out"),
    [
        (FeatureType.INTEGER, (), [0, 1, 1, 0], [0.0, 1.0, 0.0, 0.0]),
        (FeatureType.BOOLEAN, (), [False, True, True, False], [0.0, 1.0, 0.0, 0.0]),
        (FeatureType.CATEGORY, ("yes", "no"), ["no", "yes", "yes", "no"], ["no", "yes", "no", "no"]),
        (FeatureType.STRING, (), ["no", "yes", "yes", "no"], ["no", "yes", "no", "no"]),
    ],
)
def test_answers_of_any_type_are_classes(
    kind: FeatureType, categories: tuple[str, ...], said: list[object], turned_out: list[object]
) -> None:
    """Actuals are kept as numbers or as texts, and answers as what they are."""
    answering = Answering.of(manifest(Task.CLASSIFICATION, answer(kind, *categories), PROBABILITY))
    table = rows(**{"prediction": said, "actual": turned_out, "prediction.probability": [0.1, 0.9, 0.6, 0.2]})

    found, places = answering.classified(table, answering.classes([table]), clusters=None)

    assert found.answers.predicted.tolist() == [0, 1, 1, 0]
    assert found.actual.tolist() == [0, 1, 0, 0]
    assert places.tolist() == [0, 1, 2, 3]
    assert found.answers.probabilities is not None
    assert found.answers.probabilities[:, 1].tolist() == [0.1, 0.9, 0.6, 0.2]


def test_numbered_classes_are_in_the_order_of_numbers() -> None:
    """As texts 10 would come before 9, and each probability would be another's."""
    outputs = [Output(name=f"probability.{place}", type=FeatureType.FLOAT) for place in range(11)]
    answering = Answering.of(manifest(Task.CLASSIFICATION, answer(FeatureType.INTEGER), *outputs))

    assert answering.classes([rows(prediction=[9, 10], actual=[2.0, 3.0])]) == tuple(map(str, range(11)))


def test_the_manifest_says_what_probabilities_are_of_whatever_was_seen() -> None:
    """Of labels from 1 to 3 of which the last has not occurred yet, each would be taken for the one before."""
    outputs = [Output(name=f"probability.{place}", type=FeatureType.FLOAT) for place in range(3)]
    told = manifest(Task.CLASSIFICATION, answer(FeatureType.INTEGER), *outputs)
    answering = Answering.of(msgspec.structs.replace(told, classes=(1, 2, 3)))
    chances = {f"prediction.probability.{place}": [one] * 2 for place, one in enumerate((0.7, 0.2, 0.1))}
    table = rows(prediction=[1, 1], actual=[1.0, 2.0], **chances)

    found, _ = answering.classified(table, answering.classes([table]), clusters=None)

    assert found.answers.classes == ("1", "2", "3")
    assert found.answers.predicted.tolist() == [0, 0]
    assert found.actual.tolist() == [0, 1]


def test_an_actual_that_is_no_class_is_left_out_and_counted() -> None:
    answering = Answering.of(manifest(Task.CLASSIFICATION, answer(FeatureType.CATEGORY, "no", "yes")))
    table = rows(prediction=["no", "yes", "yes"], actual=["no", "maybe", "yes"])
    measuring = Measuring.of(answering, [table], Schema(features=(NOTE,), outputs=(PROBABILITY,)), design_effect=4.0)

    accuracy = measuring.realised(table)[Metric.ACCURACY]

    assert measuring.unfit(table) == 1
    assert isinstance(accuracy, Estimate)
    assert (accuracy.value, accuracy.rows) == (1.0, 2)


def test_numbers_that_are_none_are_left_out() -> None:
    found, places = regressed(
        rows(prediction=[1.0, float("inf"), 3.0, None], actual=[1.0, 2.0, float("nan"), 4.0]), clusters=None
    )

    assert (found.predicted.tolist(), places.tolist()) == ([1.0], [0])


def test_without_probabilities_there_are_no_metrics_of_them() -> None:
    plain, sure = (
        Answering.of(manifest(Task.CLASSIFICATION, answer(FeatureType.INTEGER), *more)).metrics
        for more in ([], [PROBABILITY])
    )

    assert Metric.ROC_AUC not in plain
    assert Metric.ROC_AUC in sure
    assert Answering.of(manifest(Task.REGRESSION, answer(FeatureType.FLOAT))).metrics[0] is Metric.MAE


def test_what_is_missing_is_no_number_and_an_empty_text() -> None:
    asked = rows(distance=[1.0, None], carrier=["AA", None], note=["x", "y"])

    found = features(asked, Schema(features=(DISTANCE, CARRIER, NOTE), outputs=(PROBABILITY,)))

    assert list(found) == ["distance", "carrier"]
    assert np.isnan(found["distance"]).tolist() == [False, True]
    assert found["carrier"].tolist() == ["AA", ""]


def test_estimates_of_many_rows_are_learned_from_some(monkeypatch: pytest.MonkeyPatch) -> None:
    """A number for each row, class and parameter would be gigabytes of a hundred classes."""
    monkeypatch.setattr(versions, "_MOST_NUMBERS", 600 * 2 * 7)
    rng = np.random.default_rng(3)
    given = rng.random(2_000)
    table = rows(
        **{"prediction": (given > 0.5).astype(np.int64), "prediction.probability": given},
        actual=(rng.random(2_000) < given).astype(np.float64),
    )
    made = manifest(Task.CLASSIFICATION, answer(FeatureType.INTEGER), PROBABILITY)
    measuring = Measuring.of(Answering.of(made), [table], made.schema, design_effect=1.0)

    assert measuring.estimated(table, table, table).rows == 600

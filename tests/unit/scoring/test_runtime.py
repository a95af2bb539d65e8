"""Models as people bring them: converted from scikit-learn, or made by hand, good and bad."""

import math
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType, StringTensorType
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from shared.errors import InvalidModel, ModelFailed
from shared.registry.manifest import Source
from shared.schema import Feature, FeatureType, Output
from shared.scoring.runtime import OnnxModel, Runtime
from tests.unit.scoring.models import (
    BOOL,
    DOUBLE,
    FLOAT,
    INT64,
    STRING,
    echo,
    features,
    lookup,
    manifest,
    onnx_model,
)

RNG = np.random.default_rng(7)
X = RNG.normal(size=(200, 3)).astype(np.float32)
ABC = features(a="float", b="float", c="float")


def runtime(data: bytes, own: tuple[Feature, ...]) -> Runtime:
    """Return a runtime as registration would set it up, asked once with two rows of zeros."""
    model = OnnxModel(data)
    zero: dict[FeatureType, Any] = {FeatureType.STRING: "", FeatureType.BOOLEAN: False}
    sources = model.sources(model.feed({one.name: [zero.get(one.type, 0)] * 2 for one in own}))
    outputs, where = zip(*sources, strict=True)
    return Runtime(model, manifest(own, outputs, where))


def classifier(classes: int) -> Any:  # noqa: ANN401 - scikit-learn has no types
    return LogisticRegression().fit(X, np.digitize(X[:, 0], [0.0, 0.7][: classes - 1]))


def converted(model: Any, **options: Any) -> bytes:  # noqa: ANN401 - scikit-learn has no types
    data: bytes = to_onnx(model, X[:1], target_opset=17, **options).SerializeToString()
    return data


def test_a_regressor_of_one_tensor_answers_as_scikit_learn_does() -> None:
    model = LinearRegression().fit(X, X @ [1.0, 2.0, 3.0])

    answers = runtime(converted(model), ABC).score(X[:20].tolist())

    assert [answer["prediction"] for answer in answers] == pytest.approx(model.predict(X[:20]).tolist(), abs=1e-5)


def test_of_two_classes_the_second_probability_is_kept() -> None:
    model = classifier(2)

    answers = runtime(converted(model, options={"zipmap": False}), ABC).score(X[:20].tolist())

    assert [answer["prediction"] for answer in answers] == model.predict(X[:20]).tolist()
    assert [answer["probability"] for answer in answers] == pytest.approx(
        model.predict_proba(X[:20])[:, 1].tolist(), abs=1e-6
    )
    assert all(type(answer["prediction"]) is int for answer in answers)


def test_of_three_classes_each_probability_is_kept() -> None:
    model = classifier(3)

    answers = runtime(converted(model, options={"zipmap": False}), ABC).score(X[:20].tolist())

    found = [[answer[f"probability.{index}"] for index in range(3)] for answer in answers]
    assert np.allclose(found, model.predict_proba(X[:20]), atol=1e-6)
    assert list(answers[0]) == ["prediction", "probability.0", "probability.1", "probability.2"]


def test_a_classifier_converted_with_zipmap_is_refused_with_what_would_help() -> None:
    model = OnnxModel(converted(classifier(2)))

    with pytest.raises(InvalidModel, match="convert the model with zipmap=False"):
        model.sources(model.feed({name: [0.0] for name in "abc"}))


def test_a_model_of_one_tensor_a_feature_takes_them_by_name() -> None:
    """Texts and numbers go in side by side; labels may be texts."""
    carriers = np.array([["AA"], ["UA"]] * 50, dtype=object)
    hours = np.arange(100, dtype=np.float32).reshape(-1, 1) % 24
    table = np.hstack([carriers, hours])
    both = ColumnTransformer([("c", OneHotEncoder(handle_unknown="ignore"), [0]), ("h", "passthrough", [1])])
    model = make_pipeline(both, LogisticRegression()).fit(table, np.where(hours[:, 0] > 12, "late", "on time"))
    types = [("carrier", StringTensorType([None, 1])), ("hour", FloatTensorType([None, 1]))]
    data = to_onnx(model, initial_types=types, options={"zipmap": False}, target_opset=17).SerializeToString()
    own = features(hour="float", carrier="string")

    answers = runtime(data, own).score([[3.0, "AA"], [20.0, "UA"], [20.0, "unseen"]])

    assert OnnxModel(data).feature_names == ("carrier", "hour")
    assert [answer["prediction"] for answer in answers] == ["on time", "late", "late"]


@pytest.mark.parametrize(
    ("kind", "types", "row"),
    [
        (FLOAT, ("float", "float"), [1.5, -2.0]),
        (FLOAT, ("boolean", "integer"), [True, 3]),
        (DOUBLE, ("float", "integer"), [0.1, 2**53]),
        (INT64, ("integer", "integer"), [2**63 - 1, -(2**63)]),
        (INT64, ("integer", "boolean"), [3, True]),
        (BOOL, ("boolean", "boolean"), [True, False]),
        (STRING, ("string", "string"), ["", "é"]),
    ],
)
def test_what_fits_its_feature_reaches_the_model_unchanged(kind: int, types: tuple[str, str], row: list[Any]) -> None:
    model = OnnxModel(echo(kind))
    own = features(a=types[0], b=types[1])
    model.refuse_misfits(own)

    (answer,) = model.run(model.feed(dict(zip("ab", zip(row, row, strict=True), strict=True))), ["y"])

    assert answer.tolist() == [row, row]


@pytest.mark.parametrize(
    ("kind", "types", "reason"),
    [
        (INT64, ("integer", "float"), "'b' is a float, and the model takes it as int64"),
        (BOOL, ("boolean", "integer"), "'b' is a integer, and the model takes it as bool"),
        (FLOAT, ("float", "string"), "'b' is a string, and the model takes it as float32"),
        (STRING, ("string", "float"), "'b' is a float, and the model takes it as object_?"),
        (INT64, ("integer", "integer?"), "'b' may be missing, and the model's int64 cannot say so"),
        (BOOL, ("boolean?", "boolean"), "'a' may be missing, and the model's bool_? cannot say so"),
    ],
)
def test_a_feature_whose_values_the_tensor_would_change_is_refused(
    kind: int, types: tuple[str, str], reason: str
) -> None:
    """Otherwise 1.9 would be scored as 1, and nobody would ever know."""
    with pytest.raises(InvalidModel, match=reason):
        OnnxModel(echo(kind)).refuse_misfits(features(a=types[0], b=types[1]))


def test_a_model_is_refused_features_it_does_not_take() -> None:
    with pytest.raises(InvalidModel, match="takes 2 features, and there are 3"):
        OnnxModel(echo(FLOAT)).refuse_misfits(ABC)
    with pytest.raises(InvalidModel, match="differ by a, index"):
        OnnxModel(lookup(4)).refuse_misfits(features(a="integer"))


def test_what_is_missing_is_nan_to_numbers_and_empty_to_texts() -> None:
    numbers, texts = OnnxModel(echo(FLOAT)), OnnxModel(echo(STRING))

    (number,) = numbers.run(numbers.feed({"a": [None], "b": [1.0]}), ["y"])
    (text,) = texts.run(texts.feed({"a": [None], "b": ["x"]}), ["y"])

    assert math.isnan(number[0, 0])
    assert number[0, 1] == 1.0
    assert text.tolist() == [["", "x"]]


def test_a_double_past_a_float32_is_infinite_to_the_model() -> None:
    """It fits its feature, so it is no fault of the caller's; numpy's warning would be an exception here."""
    model = OnnxModel(echo(FLOAT))

    (answer,) = model.run(model.feed({"a": [1e300], "b": [-1e300]}), ["y"])

    assert answer.tolist() == [[math.inf, -math.inf]]


def test_why_a_model_failed_is_not_written_anywhere(capfd: pytest.CaptureFixture[str]) -> None:
    """By itself onnxruntime says it with the value, to standard error: a log that many may read."""
    with pytest.raises(ModelFailed):
        runtime(lookup(4), features(index="integer")).score([[735_194]])

    assert "735194" not in "".join(capfd.readouterr())


def test_a_model_that_raises_on_some_rows_failed() -> None:
    own = features(index="integer")
    asked = runtime(lookup(4), own)

    assert asked.score([[1], [3]]) == [{"prediction": 2.0}, {"prediction": 6.0}]
    with pytest.raises(ModelFailed) as failed:
        asked.score([[1], [400]])

    assert (failed.value.model, failed.value.version) == ("flights", "1")
    assert asked.score([[2]]) == [{"prediction": 4.0}]


def test_a_model_that_does_not_answer_every_row_failed() -> None:
    """A caller would take the answer of one row for another's."""
    data = onnx_model(
        [helper.make_node("ReduceMax", ["x"], ["y"], axes=[0])], {"x": (FLOAT, [None, 2])}, {"y": (FLOAT, [1, 2])}
    )
    sources = (Source(tensor="y", column=1),)
    asked = Runtime(
        OnnxModel(data),
        manifest(features(a="float", b="float"), (Output(name="y", type=FeatureType.FLOAT),), sources),
    )

    assert asked.score([[1.0, 2.0]]) == [{"y": 2.0}]
    with pytest.raises(ModelFailed):
        asked.score([[1.0, 2.0], [3.0, 4.0]])


@pytest.mark.parametrize(
    "data",
    [b"", b"not a model", b"\x00" * 1_000, converted(LinearRegression().fit(X, X[:, 0]))[:-20]],
    ids=["empty", "text", "zeros", "cut"],
)
def test_a_file_that_is_no_model_is_refused(data: bytes) -> None:
    with pytest.raises(InvalidModel, match="not an ONNX model"):
        OnnxModel(data)


def test_a_model_of_an_unknown_operation_is_refused() -> None:
    graph = helper.make_graph(
        [helper.make_node("Unheard", ["x"], ["y"])],
        "test",
        [helper.make_tensor_value_info("x", FLOAT, [None, 2])],
        [helper.make_tensor_value_info("y", FLOAT, [None, 2])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)

    with pytest.raises(InvalidModel, match="not an ONNX model"):
        OnnxModel(model.SerializeToString())


def test_an_input_of_another_type_is_refused_by_its_name() -> None:
    with pytest.raises(InvalidModel, match=r"'x' is of the type tensor\(int8\)"):
        OnnxModel(echo(TensorProto.INT8))


def test_a_model_that_raises_when_it_is_first_asked_is_refused() -> None:
    model = OnnxModel(lookup(4))

    with pytest.raises(InvalidModel, match="raised when it was asked"):
        model.sources(model.feed({"index": [400]}))


def test_an_answer_that_is_no_table_is_refused() -> None:
    data = onnx_model(
        [helper.make_node("ReduceMax", ["x"], ["y"], keepdims=0)], {"x": (FLOAT, [None, 2])}, {"y": (FLOAT, [])}
    )
    model = OnnxModel(data)

    with pytest.raises(InvalidModel, match="'y' is not a table"):
        model.sources(model.feed({"a": [1.0], "b": [2.0]}))

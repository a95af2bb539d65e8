"""ONNX models, asked through onnxruntime."""

import time
from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt

from shared.errors import InvalidModel, ModelFailed
from shared.registry.manifest import Manifest, Source
from shared.schema import TEXT, Feature, FeatureType, Output
from shared.scoring.prediction import Outputs

Column: TypeAlias = npt.NDArray[Any]

_TYPES: Final = {
    "tensor(float)": np.float32,
    "tensor(double)": np.float64,
    "tensor(int64)": np.int64,
    "tensor(bool)": np.bool_,
    "tensor(string)": np.object_,
}
_NUMBERS: Final = frozenset({FeatureType.FLOAT, FeatureType.INTEGER, FeatureType.BOOLEAN})
# What a tensor takes without changing it: into integers, numpy would cut fractions off.
_TAKES: Final[Mapping[type[np.generic], frozenset[FeatureType]]] = {
    np.float32: _NUMBERS,
    np.float64: _NUMBERS,
    np.int64: frozenset({FeatureType.INTEGER, FeatureType.BOOLEAN}),
    np.bool_: frozenset({FeatureType.BOOLEAN}),
    np.object_: TEXT,
}
_FATAL: Final = 4
_CAN_SAY_MISSING: Final = frozenset({np.float32, np.float64, np.object_})


class OnnxModel:
    """One loaded model: it takes features either one tensor each, or all together in one numeric tensor."""

    def __init__(self, data: bytes) -> None:
        """Load a model from the bytes of its file.

        Raises:
            InvalidModel: the bytes are no ONNX model, or one whose inputs are neither of the two forms.
        """
        import onnxruntime

        options = onnxruntime.SessionOptions()
        # Rows are few and instances have one or two cores: a pool of threads would cost more than it gives.
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        # It would write why a call failed to standard error, values and all. Whoever calls is told by an exception.
        options.log_severity_level = _FATAL
        try:
            self._session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
        except _raised_by_onnxruntime() as error:
            raise InvalidModel(f"the file is not an ONNX model that onnxruntime can load: {error}") from error
        self._inputs: dict[str, type[np.generic]] = {}
        for one in self._session.get_inputs():
            if one.type not in _TYPES:
                raise InvalidModel(f"the model's input {one.name!r} is of the type {one.type}, which is not supported")
            self._inputs[one.name] = _TYPES[one.type]
        shapes = [one.shape for one in self._session.get_inputs()]
        self._width: int | str | None = shapes[0][1] if len(shapes) == 1 and len(shapes[0]) == 2 else None

    @property
    def one_tensor(self) -> bool:
        """Whether all features go into one tensor, in the schema's order."""
        return len(self._inputs) == 1 and self._width != 1

    @property
    def feature_names(self) -> tuple[str, ...] | None:
        """Return the features in the model's order; None when it takes one tensor, which names none."""
        return None if self.one_tensor else tuple(self._inputs)

    def refuse_misfits(self, features: Sequence[Feature]) -> None:
        """See that every row of ``features``, whatever values fit them, can be given to this model as it is.

        Raises:
            InvalidModel: a feature may be missing, or be a fraction, and its tensor cannot say so; or the features are
                others.
        """
        if self.one_tensor and isinstance(self._width, int) and self._width != len(features):
            raise InvalidModel(f"the model takes {self._width} features, and there are {len(features)}")
        if not self.one_tensor and set(self._inputs) != {feature.name for feature in features}:
            differing = sorted(set(self._inputs) ^ {feature.name for feature in features})
            raise InvalidModel(f"the model's inputs and the features differ by {', '.join(differing)}")
        for feature in features:
            kind = next(iter(self._inputs.values())) if self.one_tensor else self._inputs[feature.name]
            if feature.nullable and kind not in _CAN_SAY_MISSING:
                raise InvalidModel(f"{feature.name!r} may be missing, and the model's {kind.__name__} cannot say so")
            if feature.type not in _TAKES[kind]:
                raise InvalidModel(f"{feature.name!r} is a {feature.type}, and the model takes it as {kind.__name__}")

    def feed(self, columns: Mapping[str, Sequence[Any]]) -> dict[str, Column]:
        """Return the tensors for ``columns``: values of all rows, by feature, in the schema's order."""
        if self.one_tensor:
            ((name, kind),) = self._inputs.items()
            return {name: _tensor([_written(values, kind) for values in columns.values()], kind).T}
        return {
            name: _tensor(_written(columns[name], kind), kind).reshape(-1, 1) for name, kind in self._inputs.items()
        }

    def run(self, feed: Mapping[str, Column], tensors: Sequence[str]) -> list[Any]:
        """Ask the model, and return the named tensors, each with one row a row."""
        answers: list[Any] = self._session.run(list(tensors), dict(feed))
        return answers

    def sources(self, feed: Mapping[str, Column]) -> list[tuple[Output, Source]]:
        """Find the model's outputs by asking it once: the answer first.

        A tensor of one column is one output. Of a classifier's probabilities for two classes, the second is kept as
        ``probability``; of more classes, each as ``probability.<class>``.

        Raises:
            InvalidModel: an output is no tensor of rows (scikit-learn converted with its default ``zipmap``), or the
                model raises.
        """
        names = [one.name for one in self._session.get_outputs()]
        found: list[tuple[Output, Source]] = []
        try:
            answers = self.run(feed, names)
        except _raised_by_onnxruntime() as error:
            raise InvalidModel(f"the model raised when it was asked: {error}") from error
        for name, answer in zip(names, answers, strict=True):
            if not isinstance(answer, np.ndarray) or answer.ndim not in (1, 2):
                raise InvalidModel(f"the output {name!r} is not a table: convert the model with zipmap=False")
            kind = _output_type(answer)
            if answer.ndim == 1 or answer.shape[1] == 1:
                own = "prediction" if not found else name
                found.append((Output(name=own, type=kind), Source(tensor=name)))
                continue
            columns = (
                {1: "probability"} if answer.shape[1] == 2 else {i: f"probability.{i}" for i in range(answer.shape[1])}
            )
            found += [(Output(name=own, type=kind), Source(tensor=name, column=i)) for i, own in columns.items()]
        return found


class Runtime:
    """A loaded model together with what its version says of features and outputs.

    ``row_s`` is the CPU time a row took when the model was last asked; infinity before.
    """

    def __init__(self, model: OnnxModel, manifest: Manifest) -> None:
        self._model = model
        self._called = (manifest.model, manifest.version)
        self._names = tuple(feature.name for feature in manifest.schema.features)
        self._outputs = tuple(zip((output.name for output in manifest.schema.outputs), manifest.sources, strict=True))
        self._tensors = tuple(dict.fromkeys(source.tensor for source in manifest.sources))
        self.row_s = float("inf")

    def score(self, rows: Sequence[Sequence[Any]]) -> list[Outputs]:
        """Return the outputs of each row; ``rows`` has shape (rows, features), in the schema's order and types.

        Raises:
            ModelFailed: the model raised.
        """
        began = time.thread_time()
        columns = dict(zip(self._names, zip(*rows, strict=True), strict=True))
        by_output = self.columns(columns)
        names = tuple(by_output)
        self.row_s = (time.thread_time() - began) / len(rows)
        return [dict(zip(names, values, strict=True)) for values in zip(*by_output.values(), strict=True)]

    def columns(self, columns: Mapping[str, Sequence[Any]]) -> dict[str, list[Any]]:
        """Return every output's values by its name, for the values of all rows by feature.

        Raises:
            ModelFailed: the model raised, or did not answer every row.
        """
        feed = self._model.feed(columns)
        try:
            answers = dict(zip(self._tensors, self._model.run(feed, self._tensors), strict=True))
        except _raised_by_onnxruntime() as error:
            raise ModelFailed(*self._called) from error
        rows = len(next(iter(feed.values())))
        if any(len(answer) != rows for answer in answers.values()):
            raise ModelFailed(*self._called)
        return {name: _values(answers[source.tensor], source.column) for name, source in self._outputs}


def _raised_by_onnxruntime() -> tuple[type[Exception], ...]:
    """Return what onnxruntime raises when loading or running a model fails; they have no base of their own."""
    from onnxruntime.capi import onnxruntime_pybind11_state as state

    return (
        state.EPFail,
        state.Fail,
        state.InvalidArgument,
        state.InvalidGraph,
        state.InvalidProtobuf,
        state.NotImplemented,
        state.RuntimeException,
    )


def _written(values: Sequence[Any], kind: type[np.generic]) -> Sequence[Any]:
    """Return values as numpy takes them: it reads None as NaN by itself, but not as an empty text."""
    return ["" if value is None else value for value in values] if kind is np.object_ else values


def _tensor(values: Sequence[Any], kind: type[np.generic]) -> Column:
    with np.errstate(over="ignore"):  # a double past the range of a float32 is infinite to the model
        return np.array(values, dtype=kind)


def _values(answer: Column, column: int | None) -> list[Any]:
    values: list[Any] = (answer.reshape(-1) if column is None else answer[:, column]).tolist()
    return values


def _output_type(answer: Column) -> FeatureType:
    kinds = {"f": FeatureType.FLOAT, "i": FeatureType.INTEGER, "b": FeatureType.BOOLEAN}
    return kinds.get(answer.dtype.kind, FeatureType.STRING)

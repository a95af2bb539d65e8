"""Small real models."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import onnx
from onnx import TensorProto, helper

from shared.registry.manifest import Manifest, Source, Task
from shared.schema import Feature, FeatureType, Output, Schema

FLOAT, DOUBLE, INT64, STRING, BOOL = (
    TensorProto.FLOAT,
    TensorProto.DOUBLE,
    TensorProto.INT64,
    TensorProto.STRING,
    TensorProto.BOOL,
)


def onnx_model(
    nodes: Sequence[Any],
    inputs: Mapping[str, tuple[int, Sequence[int | None]]],
    outputs: Mapping[str, tuple[int, Sequence[int | None]]],
    tensors: Sequence[Any] = (),
) -> bytes:
    """Return the file of a model; inputs and outputs say type and shape."""
    graph = helper.make_graph(
        list(nodes),
        "test",
        [helper.make_tensor_value_info(name, kind, shape) for name, (kind, shape) in inputs.items()],
        [helper.make_tensor_value_info(name, kind, shape) for name, (kind, shape) in outputs.items()],
        list(tensors),
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    data: bytes = model.SerializeToString()
    return data


def echo(kind: int, width: int | None = 2, name: str = "x") -> bytes:
    """Return a model that answers with the one tensor it takes."""
    return onnx_model(
        [helper.make_node("Identity", [name], ["y"])], {name: (kind, [None, width])}, {"y": (kind, [None, width])}
    )


def lookup(size: int) -> bytes:
    """Return a model that doubles 0 up to ``size``, and raises on any other number."""
    table = helper.make_tensor("table", FLOAT, [size], [2.0 * index for index in range(size)])
    return onnx_model(
        [helper.make_node("Gather", ["table", "index"], ["y"])],
        {"index": (INT64, [None, 1])},
        {"y": (FLOAT, [None, 1])},
        [table],
    )


def words(*names: str, number: str) -> bytes:
    """Return a model that takes words beside a number, and answers with the number."""
    return onnx_model(
        [helper.make_node("Identity", [number], ["y"])],
        {name: (STRING, [None, 1]) for name in names} | {number: (DOUBLE, [None, 1])},
        {"y": (DOUBLE, [None, 1])},
    )


def features(**types: str) -> tuple[Feature, ...]:
    """Return features by name and type; a type that ends in ``?`` may be missing."""
    return tuple(
        Feature(name=name, type=FeatureType(kind.removesuffix("?")), nullable=kind.endswith("?"))
        for name, kind in types.items()
    )


def manifest(own_features: tuple[Feature, ...], outputs: tuple[Output, ...], sources: tuple[Source, ...]) -> Manifest:
    """Return the manifest of a version that takes and answers these."""
    return Manifest(
        model="flights",
        version="1",
        task=Task.REGRESSION,
        schema=Schema(features=own_features, outputs=outputs),
        sources=sources,
        flavour="onnx",
        files={"model.onnx": "0" * 64},
        actual="late",
        training_data="0" * 64,
        training_rows=10,
        registered_at=datetime(2026, 1, 1, tzinfo=UTC),
    )

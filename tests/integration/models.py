"""A model whose every answer is known, and which can be made to fail, as a version that can be registered."""

from datetime import UTC, datetime
from functools import cache

import onnx
import pyarrow as pa
from onnx import TensorProto, helper

from shared.schema import Privacy
from shared.scoring.registration import Draft, TrainingData, draft

CARRIERS = ("AA", "DL", "UA")
ANSWERS = 100
"""The model answers distances from 0 up to this; with any other it raises inside onnxruntime."""


def answer(distance: float, *, version: str = "1") -> float:
    """Return what a version answers."""
    return int(distance) / 2 + int(version)


@cache
def onnx_model(version: str) -> bytes:
    """Return a model that looks its answer up in a table, which ends."""
    table = helper.make_tensor(
        "table", TensorProto.FLOAT, [ANSWERS], [answer(index, version=version) for index in range(ANSWERS)]
    )
    graph = helper.make_graph(
        [
            helper.make_node("Cast", ["distance"], ["index"], to=TensorProto.INT64),
            helper.make_node("Gather", ["table", "index"], ["prediction"]),
        ],
        "lookup",
        [
            helper.make_tensor_value_info("distance", TensorProto.FLOAT, [None, 1]),
            helper.make_tensor_value_info("carrier", TensorProto.STRING, [None, 1]),
        ],
        [helper.make_tensor_value_info("prediction", TensorProto.FLOAT, [None, 1])],
        [table],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    data: bytes = model.SerializeToString()
    return data


@cache
def registered(
    model: str,
    version: str,
    *,
    rows: int = 2_000,
    privacy: tuple[tuple[str, Privacy], ...] = (),
    privacy_key: bytes = b"",
) -> Draft:
    """Return a version of a model, trained on distances spread evenly over what it can answer."""
    distances = [float(row * 7 % ANSWERS) for row in range(rows)]
    training = pa.table(
        {
            "distance": pa.array(distances, pa.float64()),
            "carrier": [CARRIERS[row % 3] for row in range(rows)],
            "delay": [answer(distance, version=version) for distance in distances],
        }
    )
    return draft(
        onnx_model(version),
        TrainingData(rows=training, actual="delay", time=None, sha256=f"training data of {version}"),
        model=model,
        version=version,
        schema=None,
        at=datetime(2026, 1, int(version), tzinfo=UTC),
        privacy=dict(privacy),
        privacy_key=privacy_key,
    )

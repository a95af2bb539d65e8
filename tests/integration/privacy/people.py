"""A model of people, with something planted in what is private about them."""

from pathlib import Path
from typing import Any, Final

import onnx
import pyarrow as pa
import pyarrow.parquet as pq
from onnx import TensorProto, helper

KEPT: Final = "kept in plain"
"""What a feature says that nothing is done to: it has to be found."""
PLANTED: Final = "planted"
PLANTED_DIGITS: Final = "735194261"
PRIVACY: Final = ("--drop=note", "--hash=name", "--coarsen=postcode=3", "--coarsen=income=1e9")
_WORDS: Final = ("name", "note", "postcode", "terminal")
_ANSWERS: Final = 10


def person(number: int = 0, **instead: object) -> dict[str, Any]:
    """Return a row; what is private in it is that of the person of this number and of nobody else."""
    return {
        "steps": 2.0,
        "factor": 0.0,
        "income": float(f"{PLANTED_DIGITS}{number:03d}.5"),
        "name": f"{PLANTED} name {number}",
        "note": f"{PLANTED} note {number}",
        "postcode": f"SW1 {PLANTED} {number}",
        "terminal": KEPT,
        **instead,
    }


def files(folder: Path) -> tuple[str, ...]:
    """Write model and training data, and return the options that register them."""
    folder.mkdir(parents=True)
    (folder / "model.onnx").write_bytes(_model())
    people = [person(row % 5, steps=float(row % 7), late=row % 2) for row in range(300)]
    pq.write_table(pa.Table.from_pylist(people), folder / "train.parquet")
    return (f"--model={folder}/model.onnx", f"--training-data={folder}/train.parquet", "--actual=late")


def _model() -> bytes:
    """Return a model that looks its answer up at steps + factor * income, and raises where there is none."""
    table = helper.make_tensor("table", TensorProto.FLOAT, [_ANSWERS], [index / 2 for index in range(_ANSWERS)])
    graph = helper.make_graph(
        [
            helper.make_node("Mul", ["factor", "income"], ["more"]),
            helper.make_node("Add", ["steps", "more"], ["sum"]),
            helper.make_node("Cast", ["sum"], ["index"], to=TensorProto.INT64),
            helper.make_node("Gather", ["table", "index"], ["prediction"]),
        ],
        "people",
        [helper.make_tensor_value_info(name, TensorProto.DOUBLE, [None, 1]) for name in ("steps", "factor", "income")]
        + [helper.make_tensor_value_info(name, TensorProto.STRING, [None, 1]) for name in _WORDS],
        [helper.make_tensor_value_info("prediction", TensorProto.FLOAT, [None, 1])],
        [table],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    data: bytes = model.SerializeToString()
    return data

"""A trainer: ``python manage.py retrain flights --trainer "python -m infra.local.demo.trainer"``.

It learns from the file that it is pointed to and from nothing else: the demo's kind of model, for features of any names.
"""

import os
from collections.abc import Mapping
from pathlib import Path

import msgspec
import pandas as pd

from infra.local.demo.training import fit
from shared.registry.manifest import Task
from shared.schema import TEXT, Schema


def main(told: Mapping[str, str]) -> None:
    """Train by the variables that every trainer is given."""
    schema = msgspec.json.decode(Path(told["DRIFTLINE_SCHEMA"]).read_bytes(), type=Schema)
    rows = pd.read_parquet(told["DRIFTLINE_TRAINING_DATA"])
    features = {feature.name: feature.type in TEXT for feature in schema.features}
    # A model is asked for a missing text with an empty one, and for a missing number with NaN.
    columns = {
        name: rows[name].fillna("") if is_text else rows[name].astype(float) for name, is_text in features.items()
    }
    actual = rows[told["DRIFTLINE_ACTUAL"]]
    if actual.dtype == bool:
        actual = actual.astype(int)
    model = fit(pd.DataFrame(columns), features, actual, classifies=told["DRIFTLINE_TASK"] == Task.CLASSIFICATION)
    (Path(told["DRIFTLINE_OUTPUT"]) / "model.onnx").write_bytes(model)


if __name__ == "__main__":
    main(os.environ)

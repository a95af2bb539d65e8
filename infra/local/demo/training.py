"""The demo's model: gradient boosting, converted to ONNX with one input for each feature."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from infra.local.demo.flights import ACTUAL, CATEGORIES, FEATURES, KNOWN_AT, TIME

_TREES = 60
_LEAVES = 15


def train(table: pd.DataFrame) -> bytes:
    """Fit the model to the training rows and return it as ONNX."""
    return fit(table, {name: name in CATEGORIES for name in FEATURES}, table[ACTUAL], classifies=True)


def fit(table: pd.DataFrame, features: Mapping[str, bool], actual: "pd.Series[Any]", *, classifies: bool) -> bytes:
    """Fit a model of this kind to any rows and return it as ONNX.

    Args:
        table: one row a training row; texts without missing values, everything else as numbers.
        features: by name, in the model's order: whether it is a text.
        actual: what is to be predicted.
        classifies: whether that is a class.
    """
    from skl2onnx import to_onnx
    from skl2onnx.common.data_types import FloatTensorType, StringTensorType
    from sklearn.compose import ColumnTransformer
    from sklearn.ensemble import GradientBoostingClassifier, GradientBoostingRegressor
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import OrdinalEncoder

    texts = [name for name, is_text in features.items() if is_text]
    numbers = [name for name in features if name not in texts]
    codes = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    steps = [("codes", codes, texts), ("numbers", SimpleImputer(), numbers)]
    # Without a column of its kind a step cannot be converted.
    prepared = ColumnTransformer([step for step in steps if step[2]])
    kind = GradientBoostingClassifier if classifies else GradientBoostingRegressor
    trees = kind(n_estimators=_TREES, max_leaf_nodes=_LEAVES, subsample=0.25, random_state=0)
    model = Pipeline([("prepare", prepared), ("predict", trees)])
    model.fit(table[list(features)], actual)
    types = [
        (name, StringTensorType([None, 1]) if is_text else FloatTensorType([None, 1]))
        for name, is_text in features.items()
    ]
    options = {"zipmap": False} if classifies else None
    onnx: bytes = to_onnx(model, initial_types=types, options=options).SerializeToString()
    return onnx


def write_history(folder: Path, model: Path, table: pd.DataFrame) -> Path:
    """Write what the model answers for ``table``, and what turned out, as a history that can be imported."""
    import numpy as np
    import onnxruntime

    inputs = {
        name: table[name].astype(str).to_numpy(dtype=object)[:, None]
        if name in CATEGORIES
        else table[name].to_numpy(dtype=np.float32)[:, None]
        for name in FEATURES
    }
    label, probabilities = onnxruntime.InferenceSession(model.read_bytes()).run(None, inputs)
    path = folder / "history.parquet"
    answered = table[["key", *FEATURES, TIME, ACTUAL, KNOWN_AT]].assign(
        **{"prediction": label, "prediction.probability": probabilities[:, 1].astype(float)}
    )
    answered.to_parquet(path, index=False)
    return path


def write_actuals(folder: Path, table: pd.DataFrame) -> Path:
    """Write what turned out of ``table``, as a file of actuals that can be sent."""
    path = folder / "actuals.parquet"
    table[["key", ACTUAL, KNOWN_AT]].to_parquet(path, index=False)
    return path


def write(folder: Path, table: pd.DataFrame) -> tuple[Path, Path]:
    """Train on ``table`` and write what registration asks for: the model's file and the training data's."""
    folder.mkdir(parents=True, exist_ok=True)
    model, data = folder / "model.onnx", folder / "train.parquet"
    model.write_bytes(train(table))
    table[[*FEATURES, ACTUAL, TIME]].to_parquet(data, index=False)
    return model, data

"""The demo's trainer learns from any features, and makes a model that can be registered beside its parent."""

from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from infra.cli import trainer as contract
from infra.local.demo import trainer
from shared.registry.manifest import Manifest, Task
from shared.retraining.challengers import refuse_incomparable
from shared.retraining.training import _drafted
from shared.schema import Feature, FeatureType, Output, Schema
from shared.scoring.registration import Draft
from tests.unit.retraining.training_sets import LINEAGE, parent_of, rows_of, set_of

ROWS = 400
RNG = np.random.default_rng(3)
COLOURS = RNG.choice(["red", "green", "blue"], ROWS).tolist()
SIZES = RNG.normal(size=ROWS).tolist()
COUNTS = RNG.integers(0, 9, ROWS).tolist()
FEATURES = {
    "colour": (FeatureType.CATEGORY, [None if row % 50 == 0 else one for row, one in enumerate(COLOURS)]),
    "size": (FeatureType.FLOAT, [None if row % 40 == 0 else one for row, one in enumerate(SIZES)]),
    "count": (FeatureType.INTEGER, [None if row % 30 == 0 else one for row, one in enumerate(COUNTS)]),
    "open": (FeatureType.BOOLEAN, [one > 4 for one in COUNTS]),
    "note": (FeatureType.STRING, [f"{one}" for one in COUNTS]),
}
ACTUALS: dict[str, tuple[FeatureType, list[Any]]] = {
    "two classes": (FeatureType.INTEGER, [int(one > 0) for one in SIZES]),
    "three classes": (FeatureType.CATEGORY, COLOURS),
    "yes or no": (FeatureType.BOOLEAN, [one > 4 for one in COUNTS]),
    "a number": (FeatureType.FLOAT, [2.0 * one for one in SIZES]),
}


def trained(folder: Path, parent: Manifest, columns: dict[str, list[Any]], actual: list[Any]) -> Draft:
    """Have it train as the command line does, and return what would be registered."""
    drawn = set_of(parent, rows_of(parent, columns, actual))
    contract.write(folder, drawn.file, parent.schema)
    trainer.main(contract.variables(folder, parent))
    return _drafted(drawn, (folder / "output" / contract.MODEL).read_bytes(), "2", LINEAGE)


@pytest.mark.parametrize("names", [tuple(FEATURES), ("colour", "note"), ("size",)], ids=["all", "texts", "a number"])
@pytest.mark.parametrize("actual", ACTUALS)
def test_it_learns_what_is_there(tmp_path: Path, names: tuple[str, ...], actual: str) -> None:
    kind, values = ACTUALS[actual]
    features = tuple(
        Feature(
            name=name,
            type=FEATURES[name][0],
            nullable=True,
            categories=("blue", "green", "red") if name == "colour" else None,
        )
        for name in names
    )
    categories = ("blue", "green", "red") if kind is FeatureType.CATEGORY else None
    output = Output(name="prediction", type=kind, categories=categories)
    parent = msgspec.structs.replace(
        parent_of(Schema(features=features, outputs=(output,))),
        task=Task.REGRESSION if kind is FeatureType.FLOAT else Task.CLASSIFICATION,
    )

    made = trained(tmp_path, parent, {name: FEATURES[name][1] for name in names}, values)

    refuse_incomparable(parent, made.manifest)
    assert made.manifest.schema.features[0].name == names[0]
    assert made.manifest.training_rows == ROWS

"""What profiles tell is what their rows tell."""

import numpy as np
import pyarrow as pa
import pytest

from shared.profiles.cutting import cut
from shared.profiles.profile import profile
from shared.schema import Feature, FeatureType, Output, Schema
from shared.signals.exact.comparing import compare
from shared.signals.exact.files import TableColumns
from shared.signals.measuring import drift

SCHEMA = Schema(
    features=(
        Feature(name="kind", type=FeatureType.CATEGORY, categories=("a", "b", "c")),
        Feature(name="size", type=FeatureType.FLOAT),
    ),
    outputs=(Output(name="score", type=FeatureType.FLOAT),),
)


def rows(count: int, *shares: float, mean: float, seed: int) -> pa.Table:
    rng = np.random.default_rng(seed)
    return pa.table(
        {
            "kind": rng.choice(["a", "b", "c"], p=shares, size=count),
            "size": rng.normal(mean, 1.0, size=count),
            "prediction": rng.random(count),
        }
    )


@pytest.mark.parametrize("design_effect", [1.0, 4.0, 16.0])
def test_p_values_of_profiles_are_those_of_their_rows(design_effect: float) -> None:
    """Whatever a row is worth: rows that come in bursts make no statistic surer in one than in the other."""
    before, now = rows(10_000, 0.5, 0.3, 0.2, mean=0.0, seed=1), rows(1_000, 0.45, 0.33, 0.22, mean=0.1, seed=2)
    bins = cut(before, SCHEMA)
    sides = profile(before, bins), profile(now, bins)
    exact = {
        one.feature: one.p_values
        for one in compare(TableColumns(before), TableColumns(now), design_effect=design_effect)
    }

    for name, metric in (("kind", "chi_squared"), ("size", "mean_shift")):
        found = drift(name, bins.features[name], *(side.features[name] for side in sides), design_effect=design_effect)

        assert found is not None
        assert found.p_values.keys() == {metric} <= found.also.keys()
        assert found.p_values[metric] == pytest.approx(exact[name][metric], rel=1e-3)

"""Whether a challenger is better is established on rows that it did not learn from, or it is not."""

import math
from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from shared.registry.manifest import Manifest, Task
from shared.retrain_config import Loss
from shared.retraining.held_out import HeldOut, held_out
from shared.schema import Feature, FeatureType
from shared.scoring.runtime import OnnxModel, Runtime
from tests.integration.models import onnx_model, registered
from tests.unit.retraining.training_sets import rows_of

CHAMPION = registered("flights", "1").manifest
CHALLENGER = registered("flights", "3").manifest


def version(manifest: Manifest) -> tuple[Manifest, Runtime]:
    return manifest, Runtime(OnnxModel(onnx_model(manifest.version)), manifest)


def rows(actuals: Sequence[float], *, weights: Sequence[int] | None = None) -> pa.Table:
    columns: dict[str, list[Any]] = {"distance": [float(row) for row in range(len(actuals))]}
    columns |= {"carrier": ["UA"] * len(actuals)} if len(CHAMPION.schema.features) > 1 else {}
    return rows_of(CHAMPION, columns, actuals, weights=weights)


def beside(table: pa.Table, *, challenger: Manifest = CHALLENGER, loss: Loss = Loss.ABSOLUTE_ERROR) -> HeldOut:
    return held_out(version(CHAMPION), version(challenger), table, loss=loss)


def answers(manifest: Manifest, table: pa.Table) -> "np.ndarray[Any, np.dtype[np.float64]]":
    columns = {feature.name: table.column(feature.name).to_pylist() for feature in manifest.schema.features}
    return np.array(version(manifest)[1].columns(columns)["prediction"], dtype=np.float64)


@settings(deadline=None, max_examples=30)
@given(st.lists(st.floats(-100, 100), min_size=20, max_size=60))
def test_it_is_a_paired_comparison_of_weighted_rows(actuals: list[float]) -> None:
    """Of rows that all count the same it is the one-sample test of the differences, with the normal distribution."""
    table = rows(actuals)
    gaps = np.abs(answers(CHAMPION, table) - actuals) - np.abs(answers(CHALLENGER, table) - actuals)
    error = stats.sem(gaps)

    one = beside(table)

    assert (one.rows, one.left_out) == (len(actuals), None)
    assert one.difference == pytest.approx(gaps.mean(), abs=1e-9)
    assert one.champion is not None
    assert one.challenger is not None
    assert one.champion - one.challenger == pytest.approx(one.difference, abs=1e-9)
    assert one.interval is not None
    assert one.interval == pytest.approx(stats.norm.interval(0.95, gaps.mean(), max(error, 1e-300)), abs=1e-6)
    if error > 1e-6:
        assert one.sureness == pytest.approx(stats.norm.cdf(gaps.mean() / error), abs=1e-6)
    assert beside(rows(actuals, weights=[7_000_000] * len(actuals))).difference == pytest.approx(one.difference)


def test_rows_count_as_the_dataset_says() -> None:
    table = rows([0.0] * 30, weights=[1_000_000] + [0] * 29)

    one = beside(table)

    assert one.champion == pytest.approx(abs(answers(CHAMPION, table)[0]))
    assert one.challenger == pytest.approx(abs(answers(CHALLENGER, table)[0]))


def test_better_by_luck_is_not_established() -> None:
    """It is from a one-sided 5 % on, and what is worse is not at all."""
    told = HeldOut(loss=Loss.ERROR, rows=100)

    assert msgspec.structs.replace(told, sureness=0.95).is_established
    assert not msgspec.structs.replace(told, sureness=math.nextafter(0.95, 0)).is_established
    assert not told.is_established


def test_who_is_right_is_established_to_be_better_and_the_other_way_round_is_not() -> None:
    table = rows([0.0] * 40)
    right = table.set_column(
        table.column_names.index(CHAMPION.actual), CHAMPION.actual, pa.array(answers(CHALLENGER, table))
    )
    wrong = table.set_column(
        table.column_names.index(CHAMPION.actual), CHAMPION.actual, pa.array(answers(CHAMPION, table))
    )

    assert beside(right).is_established
    assert beside(right).challenger == 0
    assert not beside(wrong).is_established


def test_of_few_rows_nobody_knows_how_sure_it_is() -> None:
    one = beside(rows([0.0] * 19))

    assert one.difference is not None
    assert (one.interval, one.sureness, one.is_established) == (None, None, False)


@pytest.mark.parametrize(
    ("table", "changes", "loss", "reason"),
    [
        (rows([]), {}, Loss.ABSOLUTE_ERROR, "holds no rows out"),
        (rows([1.0] * 30, weights=[0] * 30), {}, Loss.ABSOLUTE_ERROR, "holds no rows out"),
        (rows([1.0] * 30), {"task": Task.CLASSIFICATION}, Loss.ABSOLUTE_ERROR, "it is a model of classification"),
        (rows([1.0] * 30), {}, Loss.ERROR, "has no error"),
    ],
    ids=["no rows", "no weight", "another question", "another loss"],
)
def test_what_cannot_be_compared_says_why(table: pa.Table, changes: dict[str, Any], loss: Loss, reason: str) -> None:
    one = beside(table, challenger=msgspec.structs.replace(CHALLENGER, **changes), loss=loss)

    assert reason in str(one.left_out)
    assert (one.difference, one.is_established) == (None, False)


def test_a_challenger_that_needs_a_value_is_not_asked_where_it_is_missing() -> None:
    table = rows([1.0] * 30)
    feature = Feature(name="distance", type=FeatureType.FLOAT)
    schema = msgspec.structs.replace(CHALLENGER.schema, features=(feature, *CHALLENGER.schema.features[1:]))
    place = table.column_names.index("distance")
    missing = table.set_column(place, "distance", pa.array([None] * 30, pa.float64()))

    one = beside(missing, challenger=msgspec.structs.replace(CHALLENGER, schema=schema))

    assert "'distance' is missing in some rows" in str(one.left_out)

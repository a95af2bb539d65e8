"""What DuckDB makes of the expressions is what plain Python makes of the same rows."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.datasets import expressions
from shared.datasets.columns import of_predictions
from shared.datasets.engines import Engine, open_engine
from shared.datasets.manifest import Plan
from shared.datasets.recipe import Exclude, Sampling, WantedActuals
from shared.schema import FeatureType
from tests.unit.datasets import plainly
from tests.unit.datasets.sealed_rows import FLAG, TEXT, plan, recipe, schema, sealed, written


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    opened = open_engine("duckdb", scratch=tmp_path_factory.mktemp("scratch"), memory_mib=512, threads=2)
    yield opened
    opened.close()


def agree(engine: Engine, made: Plan, folder: Path, *, seed: int = 0) -> None:
    rows = sealed(made, seed=seed)
    expected, left_out = plainly.taken(made, rows)

    found, excluded = plainly.built(engine, made, written(made, rows, folder), folder)

    assert excluded == dict(left_out)
    assert found.column("_id").to_pylist() == sorted(expected)
    assert found.column("_ppm").to_pylist() == [expected[one][0] for one in sorted(expected)]
    actuals = [expected[one][1] for one in sorted(expected)]
    for name, stored in (("_actual", "actual"), ("_actual_at", "_actual_at")):
        assert found.column(name).to_pylist() == [None if one is None else one[stored] for one in actuals]
    assert found.column_names == plainly.columns_of(made)


@pytest.mark.parametrize("by", [None, *Sampling])
@pytest.mark.parametrize("seed", [0, 1])
def test_every_rule_takes_the_rows_that_plain_python_takes(
    engine: Engine, tmp_path: Path, by: Sampling | None, seed: int
) -> None:
    agree(engine, plan(recipe(by, rows=50)), tmp_path, seed=seed)


@pytest.mark.parametrize("answer", [FeatureType.FLOAT, FeatureType.INTEGER, FeatureType.BOOLEAN])
def test_an_actual_that_the_model_could_not_give_is_a_misfit(
    engine: Engine, tmp_path: Path, answer: FeatureType
) -> None:
    agree(engine, plan(recipe(exclude=Exclude(), actuals=WantedActuals()), schema(answer)), tmp_path)


def test_rows_of_segments_may_be_without_an_actual(engine: Engine, tmp_path: Path) -> None:
    segments = {TEXT: ("x'y", "back\\slash", "ü"), FLAG: (True,)}

    agree(engine, plan(recipe(actuals=WantedActuals(required=False), segments=segments)), tmp_path)


def test_the_least_certain_of_three_classes_are_those_whose_two_likeliest_are_close(
    engine: Engine, tmp_path: Path
) -> None:
    model = schema(probabilities=("probability.0", "probability.1", "probability.2"))

    agree(engine, plan(recipe(Sampling.UNCERTAINTY_FIRST, rows=20), model), tmp_path)


def test_where_no_hour_is_joined_no_row_has_an_actual(engine: Engine, tmp_path: Path) -> None:
    made = plan(recipe(actuals=WantedActuals(required=False)))
    (_, path, _), *_ = written(made, sealed(made), tmp_path)
    beside = {"_hour": ["2026-03-01T22"], "_version": ["1"], "_input": [path]}
    candidates = expressions.candidates(engine.read([path], of_predictions(made), beside=beside), None, made)

    found = engine.collect(expressions.chosen(candidates, made, None, None))

    assert found.num_rows > 0
    assert found.column("_actual").null_count == found.num_rows

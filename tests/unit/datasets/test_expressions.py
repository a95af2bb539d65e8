"""What DuckDB makes of the expressions is what plain Python makes of the same rows."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.datasets.engines import Engine, open_engine
from shared.datasets.manifest import Plan
from shared.datasets.recipe import Sampling
from tests.unit.datasets import plainly
from tests.unit.datasets.sealed_rows import plan, recipe, sealed, written


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

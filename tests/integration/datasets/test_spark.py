"""Spark takes the same rows as DuckDB, to the bit, whatever is in them and however their columns are called."""

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest

from shared.datasets.engines import Engine, open_engine
from shared.datasets.recipe import Exclude, Recipe, Sampling, WantedActuals
from shared.schema import FeatureType, Schema
from tests.unit.datasets.plainly import built, taken
from tests.unit.datasets.sealed_rows import FLAG, TEXT, plan, recipe, schema, sealed, written

pytestmark = [
    # py4j keeps its sockets to the JVM until they are collected
    pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning"),
]

OF_THREE = ("probability.0", "probability.1", "probability.2")


@pytest.fixture(scope="module")
def engines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Engine, Engine]]:
    duckdb = open_engine("duckdb", scratch=tmp_path_factory.mktemp("duckdb"), memory_mib=512, threads=2)
    spark = open_engine("spark", scratch=tmp_path_factory.mktemp("spark"), memory_mib=1024, threads=2)
    yield duckdb, spark
    duckdb.close()
    spark.close()


@pytest.mark.parametrize(
    ("wanted", "model"),
    [
        (recipe(exclude=Exclude(), segments={TEXT: ("x'y", "back\\slash", "ü"), FLAG: (True,)}), schema()),
        (recipe(Sampling.UNIFORM, rows=50, actuals=WantedActuals()), schema(FeatureType.INTEGER)),
        (recipe(Sampling.STRATIFIED, rows=50), schema()),
        (recipe(Sampling.RECENT_FIRST, rows=50), schema(FeatureType.BOOLEAN)),
        (recipe(Sampling.DRIFT_AWARE, rows=50), schema(FeatureType.FLOAT)),
        (recipe(Sampling.UNCERTAINTY_FIRST, rows=50), schema()),
        (
            recipe(Sampling.UNCERTAINTY_FIRST, rows=50, actuals=WantedActuals(required=False)),
            schema(probabilities=OF_THREE),
        ),
    ],
    ids=["all", "uniform", "stratified", "recent_first", "drift_aware", "uncertain_of_two", "uncertain_of_three"],
)
def test_spark_takes_what_duckdb_takes(
    engines: tuple[Engine, Engine], tmp_path: Path, wanted: Recipe, model: Schema
) -> None:
    made = plan(wanted, model)
    rows = sealed(made)
    files = written(made, rows, tmp_path)

    (duckdb, left_out), (spark, left_out_by_spark) = (built(engine, made, files, tmp_path) for engine in engines)

    assert duckdb.num_rows == len(taken(made, rows)[0]) > 0
    assert left_out_by_spark == left_out
    assert [(one.name, one.type) for one in spark.schema] == [(one.name, one.type) for one in duckdb.schema]
    assert bits(spark) == bits(duckdb)


def bits(rows: pa.Table) -> list[list[object]]:
    """Return the values of rows so that only the same bits are equal: -0.0 is not 0.0, and NaN is itself."""
    return [
        [
            repr(value)
            for value in column.cast(pa.int64() if pa.types.is_timestamp(column.type) else column.type).to_pylist()
        ]
        for column in rows.columns
    ]

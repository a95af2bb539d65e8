"""A dataset that Spark builds is the one that DuckDB builds, whatever is in its rows and however its columns are called."""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest

from shared import documents
from shared.clock import Clock
from shared.datasets.building import Building, Machine, Opens
from shared.datasets.engines import Engine, open_engine
from shared.datasets.engines.on_spark import Spark
from shared.datasets.manifest import Check, DatasetManifest, Input, Plan, Use
from shared.datasets.paths import manifest_path
from shared.datasets.recipe import Exclude, Recipe, Sampling, Split, SplitBy, WantedActuals, Weights
from shared.schema import FeatureType, Schema
from tests.memory import Memory, MemoryBlobs
from tests.unit.datasets.plainly import taken
from tests.unit.datasets.sealed_rows import AS_OF, FEATURES, FLAG, TEXT, plan, recipe, schema, sealed, written

pytestmark = [
    # py4j keeps its sockets to the JVM until they are collected
    pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning"),
]

OF_THREE = ("probability.0", "probability.1", "probability.2")
BY_CHANCE = Split(by=SplitBy.GROUP, group=TEXT, validation=0.1)
BY_CLASS_AND_AGE = Weights(classes={"true": 2.5, "false": 0.3}, half_life=timedelta(days=1))


class Staying(Spark):
    """Spark, of which one session is enough for all builds: it takes seconds to start."""

    def close(self) -> None:
        """Stay."""


@dataclass(frozen=True, slots=True)
class Planned:
    """Plans what is planned already."""

    made: Plan

    async def plan(self, _: Recipe) -> Plan:
        return self.made


@pytest.fixture(scope="module")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    engine = Staying.on_this_machine(tmp_path_factory.mktemp("spark"), memory_mib=1024, threads=1)
    yield engine
    Spark.close(engine)


@pytest.mark.parametrize(
    ("wanted", "model"),
    [
        (
            recipe(exclude=Exclude(), segments={TEXT: ("x'y", "back\\slash", "ü"), FLAG: (True,)}),
            schema(FeatureType.INTEGER),
        ),
        (recipe(Sampling.STRATIFIED, rows=50, weights=Weights(balanced=True)), schema()),
        (recipe(Sampling.DRIFT_AWARE, rows=50, actuals=WantedActuals()), schema(FeatureType.FLOAT)),
        (recipe(Sampling.UNCERTAINTY_FIRST, rows=50), schema()),
        (
            recipe(Sampling.UNCERTAINTY_FIRST, rows=50, actuals=WantedActuals(required=False)),
            schema(probabilities=OF_THREE),
        ),
        (
            recipe(Sampling.RECENT_FIRST, rows=50, split=BY_CHANCE, weights=BY_CLASS_AND_AGE),
            schema(FeatureType.BOOLEAN),
        ),
    ],
    ids=["all", "stratified", "drift_aware", "uncertain_of_two", "uncertain_of_three", "recent_by_group_and_class"],
)
async def test_spark_builds_the_dataset_that_duckdb_builds(
    spark: Engine, tmp_path: Path, wanted: Recipe, model: Schema
) -> None:
    made, stored = captured(wanted, model, tmp_path)
    on_duckdb: Opens = partial(open_engine, "duckdb", memory_mib=256, threads=1)

    ours = await built(made, stored, on_duckdb, tmp_path / "scratch")
    theirs = await built(made, stored, lambda *, scratch: spark, tmp_path / "scratch")  # noqa: ARG005 - as it is called

    assert (ours.engine["name"], theirs.engine["name"]) == ("duckdb", "spark")
    assert sum(ours.rows.values()) + ours.excluded.get("spans_split", 0) == len(taken(made, sealed(made))[0]) > 0
    assert theirs.dataset == ours.dataset
    assert _but_for_the_engine(theirs) == _but_for_the_engine(ours)


def captured(wanted: Recipe, model: Schema, folder: Path) -> tuple[Plan, Callable[[], MemoryBlobs]]:
    """Return a plan of rows with everything in them that engines take differently, and what gives a storage of its inputs."""
    said = msgspec.structs.replace(wanted, features=tuple(one.name for one in FEATURES))
    draft = plan(said, model)
    is_by_drift = wanted.sample is not None and wanted.sample.by is Sampling.DRIFT_AWARE
    inputs: list[Input] = []
    data: dict[str, bytes] = {}
    for one, *paths in written(draft, sealed(draft), folder):
        for use, rows, path in zip((Use.PREDICTIONS, Use.ACTUALS), (one.predictions, one.actuals), paths, strict=True):
            content = Path(path).read_bytes()
            name = f"captures/{use}/{one.version}/{one.hour}.parquet"
            inputs.append(
                Input(
                    use=use,
                    path=name,
                    sha256=hashlib.sha256(content).hexdigest(),
                    size_bytes=len(content),
                    rows=len(rows),
                    hour=one.hour,
                    version=one.version,
                )
            )
            data[name] = content

    def storage() -> MemoryBlobs:
        memory = Memory()
        for name, content in data.items():
            memory.put(name, content)
        return MemoryBlobs(memory)

    baseline = draft.baseline if is_by_drift else {}
    return msgspec.structs.replace(draft, inputs=tuple(inputs), baseline=baseline), storage


async def built(made: Plan, storage: Callable[[], MemoryBlobs], engine: Opens, place: Path) -> DatasetManifest:
    """Build on an engine, in storage where nothing was built before."""
    blobs = storage()
    machine = Machine(engine=engine, place=place, kept_bytes=1 << 20)

    def unchecked(*_: object) -> tuple[Check, ...]:
        return ()

    planning: Any = Planned(made)
    building = Building(blobs, planning, Clock.standing(AS_OF), machine, unchecked)
    done = await building.advance(made.recipe)
    assert done.dataset is not None
    found, _ = await documents.read(blobs, manifest_path("flights", done.dataset), DatasetManifest)
    return found


def _but_for_the_engine(made: DatasetManifest) -> DatasetManifest:
    return msgspec.structs.replace(made, engine={})

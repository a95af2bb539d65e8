"""A cluster that is spoken to by Spark Connect, and reads its inputs in place, builds what DuckDB builds here."""

import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pyspark
import pytest

from infra.local.processes import Process, free_port
from shared.datasets.building import Building, Machine
from shared.datasets.engines import open_engine
from shared.datasets.manifest import Check
from tests.integration.datasets.conftest import Kept, recipe
from tests.integration.stored import everything

_SPARK = Path(pyspark.__file__).parent


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Start a Spark of its own that listens, and return where."""
    port, place = free_port(), tmp_path_factory.mktemp("cluster")
    options = {
        "spark.connect.grpc.binding.address": "127.0.0.1",
        "spark.connect.grpc.binding.port": port,
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
        "spark.local.dir": place / "local",
        "spark.sql.shuffle.partitions": 2,
        "spark.sql.warehouse.dir": place / "warehouse",
        "spark.ui.enabled": "false",
    }
    command = [
        *(str(_SPARK / "bin" / "spark-submit"), "--master", "local[2]"),
        *("--class", "org.apache.spark.sql.connect.service.SparkConnectServer"),
        *(part for key, value in options.items() for part in ("--conf", f"{key}={value}")),
        "spark-internal",
    ]
    server = Process.start("cluster", command, log=place / "log", env={**os.environ, "SPARK_HOME": str(_SPARK)})
    try:
        server.wait_for_port(port, timeout_s=180)
        yield f"sc://127.0.0.1:{port}"
    finally:
        server.stop()


def _unchecked(*_: object) -> tuple[Check, ...]:
    """Find nothing: twenty rows of one customer say little."""
    return ()


async def _captures_in(folder: Path, kept: Kept) -> None:
    """Lay what was captured into a folder, as a cluster has storage mounted."""
    async for stored in kept.blobs.under("captures/"):
        path = folder / stored.path.partition("/")[2]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes((await kept.blobs.read(stored.path)).data)


async def test_a_cluster_builds_what_duckdb_builds_here(kept: Kept, cluster: str, tmp_path: Path) -> None:
    wanted = recipe(sample={"rows": 30, "by": "drift_aware", "seed": 7})
    captures = tmp_path / "captures"
    await _captures_in(captures, kept)
    there = partial(open_engine, "spark", memory_mib=256, threads=1, spark_remote=cluster)
    machine = Machine(engine=there, place=kept.scratch, kept_bytes=1 << 20, inputs_at=str(captures))

    by_cluster = await Building(kept.blobs, kept.planning(), kept.world.calendar, machine, _unchecked).advance(wanted)
    rows, made = await kept.rows(by_cluster.dataset), await kept.dataset(by_cluster.dataset)
    for path in await everything(kept.blobs, "datasets/flights/"):
        await kept.blobs.delete(path)
    by_duckdb = await kept.building().advance(wanted)

    assert rows.num_rows == 30
    assert made.engine["name"] == "spark"
    assert by_cluster.dataset == by_duckdb.dataset

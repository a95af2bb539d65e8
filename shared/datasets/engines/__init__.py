"""What runs the expressions that say which rows are taken: DuckDB within this process, or Spark.

Both are given Parquet files and give Parquet files. In between, columns are as ``shared.datasets.columns`` says.
"""

import importlib.util
from pathlib import Path
from typing import Literal

from shared.datasets.engines.engine import Engine
from shared.errors import EngineMissing

__all__ = ["Engine", "open_engine"]


def open_engine(
    name: Literal["duckdb", "spark"], *, scratch: Path, memory_mib: int, threads: int, spark_remote: str | None = None
) -> Engine:
    """Start an engine, which is for the caller to close.

    Args:
        name: which.
        scratch: a folder that exists, for what does not fit into memory.
        memory_mib: the most that it takes; what Spark's JVM needs beside its heap comes on top.
        threads: how many it works with.
        spark_remote: where a Spark Connect server listens, as ``sc://host:15002``; None runs Spark on this machine.

    Raises:
        EngineMissing: it is not installed.
    """
    if name == "duckdb":
        from shared.datasets.engines.on_duckdb import DuckDb

        return DuckDb.open(scratch, memory_mib=memory_mib, threads=threads)
    if importlib.util.find_spec("pyspark") is None:
        raise EngineMissing("Spark", mend="python -m pip install --constraint requirements.txt '.[spark]'")
    from shared.datasets.engines.on_spark import Spark

    if spark_remote is not None:
        return Spark.connected(spark_remote, scratch)
    return Spark.on_this_machine(scratch, memory_mib=memory_mib, threads=threads)

"""Builds on Spark: on this machine, or on a cluster that listens for Spark Connect."""

import functools
import itertools
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Final, Self

import ibis
import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.errors import PySparkException
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as sql

from shared.datasets.columns import TIMES, inside, outside, stored, within
from shared.datasets.engines.queries import named, query, shape
from shared.errors import EngineFailed

_MEANING: Final = {
    "spark.sql.caseSensitive": "true",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
    "spark.sql.parquet.compression.codec": "zstd",
}
"""What it takes for Spark to mean the same as DuckDB; a session on a cluster takes it as well."""

_QUIET: Final = """\
appender.console.type = Console
appender.console.name = console
appender.console.target = SYSTEM_ERR
rootLogger.level = fatal
rootLogger.appenderRef.console.ref = console
"""
"""What fails is raised; a stack trace of each attempt beside it would only hide that. Without an appender Spark takes its own."""

_TYPES: Final = {
    pa.string(): "string",
    pa.bool_(): "boolean",
    pa.int32(): "int",
    pa.int64(): "bigint",
    pa.float64(): "double",
}


@dataclass(frozen=True, slots=True)
class Spark:
    """A session of Spark; ``is_here`` where it can write to this machine's folders."""

    _session: SparkSession
    _scratch: Path
    is_here: bool
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    @classmethod
    def on_this_machine(cls, scratch: Path, *, memory_mib: int, threads: int) -> Self:
        """Start Spark in a JVM of its own, which speaks to nobody but this process."""
        logging = scratch / "log4j2.properties"
        logging.write_text(_QUIET)
        options: dict[str, bool | float | int | str | None] = {
            "spark.driver.memory": f"{memory_mib}m",
            "spark.driver.host": "127.0.0.1",
            "spark.driver.bindAddress": "127.0.0.1",
            "spark.driver.extraJavaOptions": f"-Dlog4j2.configurationFile={logging.as_uri()}",
            "spark.ui.enabled": "false",
            "spark.ui.showConsoleProgress": "false",
            "spark.local.dir": str(scratch / "spark"),
            "spark.sql.warehouse.dir": str(scratch / "warehouse"),
            "spark.sql.shuffle.partitions": str(4 * threads),
        }
        return cls._of(SparkSession.builder.master(f"local[{threads}]").config(map=options), scratch, is_here=True)

    @classmethod
    def connected(cls, remote: str, scratch: Path) -> Self:
        """Speak to a cluster, which reads its inputs in place; what is written comes back over the connection."""
        return cls._of(SparkSession.builder.remote(remote), scratch, is_here=False)

    @classmethod
    def _of(cls, builder: SparkSession.Builder, scratch: Path, *, is_here: bool) -> Self:
        session = builder.getOrCreate()
        for key, value in _MEANING.items():
            session.conf.set(key, value)
        return cls(session, scratch, is_here)

    @property
    def name(self) -> str:
        return "spark"

    @property
    def versions(self) -> dict[str, str]:
        return {"spark": self._session.version, **{name: version(name) for name in ("ibis-framework", "pyarrow")}}

    def read(
        self, files: Sequence[str], columns: pa.Schema, *, beside: Mapping[str, Sequence[str]] | None = None
    ) -> ibis.Table:
        texts = beside or {}
        try:
            parts = [
                self._selected(path, columns, {name: values[place] for name, values in texts.items()})
                for place, path in enumerate(files)
            ]
            name = self._known(functools.reduce(DataFrame.union, parts))
        except PySparkException as error:
            raise EngineFailed(self.name, reason=str(error)) from error
        return named(name, within(columns), texts)

    def table(self, rows: pa.Table) -> ibis.Table:
        return named(self._known(self._session.createDataFrame(rows)), rows.schema)

    def collect(self, rows: ibis.Table) -> pa.Table:
        folder = self._scratch / f"collected_{next(self._numbers)}"
        try:
            return pa.concat_tables(pq.read_table(path) for path in self.write(rows, folder)).cast(stored(shape(rows)))
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def write(self, rows: ibis.Table, folder: Path) -> list[Path]:
        shutil.rmtree(folder, ignore_errors=True)
        try:
            found = _outer(self._session.sql(query(rows, "pyspark")), shape(rows))
            if not self.is_here:
                folder.mkdir(parents=True)
                pq.write_table(found.toArrow().cast(stored(shape(rows))), folder / "part-00000.parquet")
            else:
                found.write.parquet(str(folder))
        except PySparkException as error:
            raise EngineFailed(self.name, reason=str(error)) from error
        return sorted(folder.glob("*.parquet"))

    def interrupt(self) -> None:
        if self.is_here:
            self._session.sparkContext.cancelAllJobs()
        else:
            self._session.interruptAll()

    def close(self) -> None:
        self._session.stop()

    def _selected(self, path: str, columns: pa.Schema, texts: Mapping[str, str]) -> DataFrame:
        read = self._session.read.parquet(path)
        there = {name: f"c{place}" for place, name in enumerate(read.columns)}
        chosen = [_valued(one, there.get(one.name)).alias(inside(one.name)) for one in columns]
        return read.toDF(*there.values()).select(
            *chosen, *(sql.lit(value).alias(name) for name, value in texts.items())
        )

    def _known(self, rows: DataFrame) -> str:
        name = f"rows_{next(self._numbers)}"
        rows.createOrReplaceTempView(name)
        return name


def _valued(column: pa.Field, name: str | None) -> Column:
    kind = "bigint" if column.name in TIMES else _TYPES[column.type]
    if name is None:
        return sql.lit(None).cast(kind)
    return sql.unix_micros(sql.col(name)) if column.name in TIMES else sql.col(name).cast(kind)


def _outer(rows: DataFrame, columns: pa.Schema) -> DataFrame:
    """Return rows as they are outside: their names and types, and moments for numbers."""
    chosen = [
        sql.timestamp_micros(sql.col(one.name)) if one.name in TIMES else sql.col(one.name).cast(_TYPES[one.type])
        for one in columns
    ]
    return rows.select(chosen).toDF(*map(outside, columns.names))

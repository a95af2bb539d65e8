"""Builds on this machine, within a bound of memory: what does not fit goes to the scratch folder."""

import itertools
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Final, Self

import duckdb
import ibis
import pyarrow as pa
import pyarrow.parquet as pq

from shared.datasets.columns import TIMES, inside, stored, within
from shared.datasets.engines.queries import named, query, shape
from shared.errors import EngineFailed

_ROWS_AT_ONCE: Final = 65_536
_TYPES: Final = {
    pa.string(): "VARCHAR",
    pa.bool_(): "BOOLEAN",
    pa.int32(): "INTEGER",
    pa.int64(): "BIGINT",
    pa.float64(): "DOUBLE",
}


@dataclass(frozen=True, slots=True)
class DuckDb:
    """DuckDB within this process."""

    _connection: duckdb.DuckDBPyConnection
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    @classmethod
    def open(cls, scratch: Path, *, memory_mib: int, threads: int) -> Self:
        """Start it: it never loads an extension, for which it would go to the network."""
        connection = duckdb.connect(
            config={
                "memory_limit": f"{memory_mib}MiB",
                "threads": threads,
                "temp_directory": str(scratch / "duckdb"),
                # What is ordered is said to be; otherwise the order costs memory.
                "preserve_insertion_order": False,
                "autoinstall_known_extensions": False,
                "autoload_known_extensions": False,
            }
        )
        connection.execute("SET TimeZone = 'UTC'")
        return cls(connection)

    @property
    def name(self) -> str:
        return "duckdb"

    @property
    def versions(self) -> dict[str, str]:
        return {name: version(name) for name in ("duckdb", "ibis-framework", "pyarrow")}

    def read(
        self, files: Sequence[str], columns: pa.Schema, *, beside: Mapping[str, Sequence[str]] | None = None
    ) -> ibis.Table:
        texts = beside or {}
        parts = [
            _selected(path, columns, {name: values[place] for name, values in texts.items()})
            for place, path in enumerate(files)
        ]
        name = f"files_{next(self._numbers)}"
        try:
            self._connection.execute(f"CREATE TEMP VIEW {name} AS {' UNION ALL '.join(parts)}")
        except duckdb.Error as error:
            raise EngineFailed(self.name, reason=str(error)) from error
        return named(name, within(columns), texts)

    def table(self, rows: pa.Table) -> ibis.Table:
        name = f"rows_{next(self._numbers)}"
        self._connection.register(name, rows)
        return named(name, rows.schema)

    def collect(self, rows: ibis.Table) -> pa.Table:
        batches = list(self._batches(rows))
        return pa.Table.from_batches(batches, stored(shape(rows)))

    def write(self, rows: ibis.Table, folder: Path) -> list[Path]:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        path = folder / "part-00000.parquet"
        with pq.ParquetWriter(path, stored(shape(rows)), compression="zstd") as writer:
            for batch in self._batches(rows):
                writer.write_batch(batch)
        return [path]

    def interrupt(self) -> None:
        self._connection.interrupt()

    def close(self) -> None:
        self._connection.close()

    def _batches(self, rows: ibis.Table) -> Iterator[pa.RecordBatch]:
        outer = stored(shape(rows))
        try:
            for batch in self._connection.sql(query(rows, "duckdb")).to_arrow_reader(_ROWS_AT_ONCE) or ():
                columns = [column.cast(one.type) for column, one in zip(batch.columns, outer, strict=True)]
                yield pa.record_batch(columns, schema=outer)
        except duckdb.Error as error:
            raise EngineFailed(self.name, reason=str(error)) from error


def _selected(path: str, columns: pa.Schema, texts: Mapping[str, str]) -> str:
    """Return a query of the columns of one file, called as they are inside, and of the texts that stand beside them.

    The file's own columns are named by their places, because DuckDB calls the second of ``A`` and ``a`` something else.
    """
    there = {name: f"c{place}" for place, name in enumerate(_names(path))}
    chosen = [f"{_valued(one, there.get(one.name))} AS {_quoted(inside(one.name))}" for one in columns]
    chosen += [f"{_text(value)} AS {_quoted(name)}" for name, value in texts.items()]
    file = f"read_parquet({_text(path)}) AS file({', '.join(there.values())})"
    return f"SELECT {', '.join(chosen)} FROM {file}"  # noqa: S608 - every name is made here, and every text quoted


def _names(path: str) -> list[str]:
    try:
        names: list[str] = pq.read_schema(path).names
    except (OSError, pa.ArrowInvalid) as error:
        raise EngineFailed("duckdb", reason=f"{path}: {error}") from error
    return names


def _valued(column: pa.Field, name: str | None) -> str:
    kind = "BIGINT" if column.name in TIMES else _TYPES[column.type]
    if name is None:
        return f"CAST(NULL AS {kind})"
    return f"epoch_us({name})" if column.name in TIMES else f"CAST({name} AS {kind})"


def _quoted(name: str) -> str:
    return f'"{name}"'


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"

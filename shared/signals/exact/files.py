"""Columns from Parquet files and tables."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq


class TableColumns:
    """The columns of a table."""

    def __init__(self, table: pa.Table) -> None:
        self._table = table
        self.rows: int = table.num_rows
        self.types: dict[str, pa.DataType] = dict(zip(table.schema.names, table.schema.types, strict=True))

    def read(self, name: str) -> pa.ChunkedArray:
        return self._table.column(name)

    def batches(self, names: Sequence[str], *, rows: int) -> Iterator[pa.Table]:
        some = self._table.select(list(names))
        for start in range(0, self.rows, rows):
            yield some.slice(start, rows)


class ParquetColumns:
    """The columns of a Parquet file, read when they are asked for.

    Texts are read as dictionaries, which is how most files hold them: no text is built only to be counted.
    """

    def __init__(self, path: Path) -> None:
        schema = pq.read_schema(path)
        texts = [field.name for field in schema if pa.types.is_string(field.type)]
        self._file = pq.ParquetFile(path, read_dictionary=texts)
        self.rows: int = self._file.metadata.num_rows
        self.types: dict[str, pa.DataType] = dict(zip(schema.names, schema.types, strict=True))

    def read(self, name: str) -> pa.ChunkedArray:
        return self._file.read(columns=[name], use_threads=False).column(name)

    def batches(self, names: Sequence[str], *, rows: int) -> Iterator[pa.Table]:
        for batch in self._file.iter_batches(batch_size=rows, columns=list(names), use_threads=False):
            yield pa.Table.from_batches([batch])

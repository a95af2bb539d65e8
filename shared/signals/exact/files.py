"""Columns from Parquet files and tables."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq


class TableColumns:
    """The columns of a table."""

    def __init__(self, table: pa.Table) -> None:
        self._table = table
        self.types: dict[str, pa.DataType] = dict(zip(table.schema.names, table.schema.types, strict=True))

    def read(self, name: str) -> pa.ChunkedArray:
        return self._table.column(name)


class ParquetColumns:
    """The columns of a Parquet file, read when they are asked for.

    Texts are read as dictionaries, which is how most files hold them: no text is built only to be counted.
    """

    def __init__(self, path: Path) -> None:
        schema = pq.read_schema(path)
        texts = [field.name for field in schema if pa.types.is_string(field.type)]
        self._file = pq.ParquetFile(path, read_dictionary=texts)
        self.types: dict[str, pa.DataType] = dict(zip(schema.names, schema.types, strict=True))

    def read(self, name: str) -> pa.ChunkedArray:
        return self._file.read(columns=[name], use_threads=False).column(name)

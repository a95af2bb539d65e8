"""The rows of a user's file, piece by piece, and what is wrong with them."""

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # each command imports what it needs
    import pyarrow as pa

    from shared.errors import Misfit

_ROWS_AT_ONCE = 20_000
_BYTES_AT_ONCE = 4 * 1024 * 1024


def names(path: Path) -> list[str]:
    """Return the names of a file's columns, in their order."""
    if path.suffix == ".csv":
        with path.open(newline="", encoding="utf-8-sig") as file:  # what a spreadsheet saves begins with a mark
            return next(csv.reader(file), [])
    import pyarrow.parquet as pq

    found: list[str] = pq.read_schema(path).names
    return found


def pieces(path: Path, columns: Sequence[str] | None = None) -> "Iterator[pa.Table]":
    """Read a CSV or Parquet file from its beginning; of its columns these, or all.

    Of a CSV file every cell is a text, an empty one missing: what it is meant to be, a version's schema says.
    """
    return _csv(path, columns) if path.suffix == ".csv" else _parquet(path, columns)


def show_misfits(misfits: "Sequence[Misfit]", *, bad_rows: int, rows: int) -> None:
    """Show what does not fit, of so many bad rows among all ``rows``."""
    from rich.console import Console
    from rich.table import Table

    table = Table("row", "column", "what is wrong")
    for one in misfits:
        table.add_row(str(one.row), one.feature, one.reason)
    console = Console(highlight=False)
    console.print(table)
    console.print(f"{bad_rows:,} of {rows:,} rows do not fit; counted from 0")


def _parquet(path: Path, columns: Sequence[str] | None) -> "Iterator[pa.Table]":
    import pyarrow as pa
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(batch_size=_ROWS_AT_ONCE, columns=columns):
            yield pa.Table.from_batches([batch])


def _csv(path: Path, columns: Sequence[str] | None) -> "Iterator[pa.Table]":
    import pyarrow as pa
    import pyarrow.csv

    reader = pyarrow.csv.open_csv(
        path,
        read_options=pyarrow.csv.ReadOptions(block_size=_BYTES_AT_ONCE),
        convert_options=pyarrow.csv.ConvertOptions(
            column_types=dict.fromkeys(names(path), pa.string()),
            include_columns=columns,
            null_values=[""],
            strings_can_be_null=True,
        ),
    )
    yield from (pa.Table.from_batches([batch]) for batch in reader)

"""What is asked of an engine."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

import ibis
import pyarrow as pa


class Engine(Protocol):
    """Runs Ibis expressions over tables of its own."""

    @property
    def name(self) -> str:
        """Return what it is called: duckdb or spark."""

    @property
    def versions(self) -> dict[str, str]:
        """Return the versions of what it is made of, by name."""

    def read(
        self, files: Sequence[str], columns: pa.Schema, *, beside: Mapping[str, Sequence[str]] | None = None
    ) -> ibis.Table:
        """Return the rows of Parquet files; nothing is read yet but what columns they have.

        Args:
            files: at least one, by local path, or by an address that the engine knows how to read.
            columns: their names and types in the files. A column of another type is cast, and one that a file has not
                got is null: versions of a model may answer with more or less.
            beside: texts that are said of a whole file, by the name of the column in which they stand beside each of its
                rows: one for each file.

        Raises:
            EngineFailed: a file is none that it can read.
        """

    def table(self, rows: pa.Table) -> ibis.Table:
        """Return the rows of a small table: levels, borders or cuts."""

    def collect(self, rows: ibis.Table) -> pa.Table:
        """Return rows that are few.

        Raises:
            EngineFailed: it could not.
        """

    def write(self, rows: ibis.Table, folder: Path) -> list[Path]:
        """Write rows as Parquet files into a folder of their own, which is made anew, and return the files.

        There is one file at least. Where the rows are ordered, so are the files and what is in them.

        Raises:
            EngineFailed: it could not.
        """

    def interrupt(self) -> None:
        """Have what another thread is waiting for end, as soon as it can; that one is told as ``EngineFailed``."""

    def close(self) -> None:
        """Let go of what it holds."""

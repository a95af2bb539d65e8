"""A dataset's files: its rows by split, in the order of their ids, as Parquet.

Where a file ends, and a row group, depends on the rows alone and not on how they come, so that the same rows give the same
bytes with the same version of Arrow.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Self

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from shared.datasets import blocks
from shared.datasets.manifest import Part

MOST_ROWS: Final = 1_000_000
"""Of one part."""

_UNIQUE: Final = frozenset({"_id", "_external_id", "_request_id"})


@dataclass(slots=True)
class Parts:
    """Writes rows to ``<split>/part-<number>.parquet`` under a folder; leaving it closes what is open."""

    folder: Path
    schema: pa.Schema
    splits: Sequence[str]
    most_rows: int = MOST_ROWS
    _waiting: dict[str, blocks.Waiting] = field(default_factory=dict)
    _open: dict[str, "_Open"] = field(default_factory=dict)
    _written: list[Part] = field(default_factory=list)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for one in self._open.values():
            one.writer.close()
        self._open.clear()

    def add(self, rows: pa.Table) -> None:
        """Write rows, each to the part that its ``_split`` says; those that do not fill a row group wait."""
        for split in self.splits:
            waiting = self._waiting.setdefault(split, blocks.Waiting())
            waiting.add(rows.filter(pc.equal(rows.column("_split"), split)))
            while waiting.rows >= (size := self._next_size(split)):
                self._write(split, waiting.take(size))

    def finish(self) -> tuple[Part, ...]:
        """Write what waits, and return all parts: those of the first split first; a split without rows has none."""
        for split, waiting in self._waiting.items():
            if waiting.rows:
                self._write(split, waiting.take(waiting.rows))
            if split in self._open:
                self._close(split)
        return tuple(sorted(self._written, key=lambda part: (self.splits.index(part.split), part.file)))

    def _next_size(self, split: str) -> int:
        written = self._open[split].rows if split in self._open else 0
        return min(blocks.ROWS, self.most_rows - written)

    def _write(self, split: str, rows: pa.Table) -> None:
        one = self._open.get(split)
        if one is None:
            number = sum(part.split == split for part in self._written)
            one = self._open[split] = _Open(self.folder, f"{split}/part-{number:05}.parquet", self.schema)
        one.writer.write_table(rows, row_group_size=blocks.ROWS)
        one.rows += rows.num_rows
        if one.rows == self.most_rows:
            self._close(split)

    def _close(self, split: str) -> None:
        self._written.append(self._open.pop(split).closed(split))


class _Open:
    """A part that is being written."""

    def __init__(self, folder: Path, file: str, schema: pa.Schema) -> None:
        self.file = file
        self.rows = 0
        self._path = folder / file
        self._path.parent.mkdir(parents=True, exist_ok=True)
        texts = [one.name for one in schema if pa.types.is_string(one.type) and one.name not in _UNIQUE]
        self.writer: Any = pq.ParquetWriter(
            self._path, schema, compression="zstd", compression_level=3, use_dictionary=texts
        )

    def closed(self, split: str) -> Part:
        """Close it, and return what is to be said of it."""
        self.writer.close()
        with self._path.open("rb") as written:
            sha256 = hashlib.file_digest(written, "sha256").hexdigest()
        size = self._path.stat().st_size
        return Part(file=self.file, split=split, sha256=sha256, size_bytes=size, rows=self.rows)

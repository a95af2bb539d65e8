"""Rows put together anew: however they come, they go on in blocks of so many, each in one piece."""

from collections import deque
from dataclasses import dataclass, field
from typing import Final

import pyarrow as pa

ROWS: Final = 65_536
"""Of a block of the digest, and of a row group of a part."""


@dataclass(slots=True)
class Waiting:
    """Rows that wait until there are enough of them for a block."""

    rows: int = 0
    _tables: deque[pa.Table] = field(default_factory=deque)

    def add(self, rows: pa.Table) -> None:
        """Put more rows behind those that wait."""
        if rows.num_rows:
            self._tables.append(rows)
            self.rows += rows.num_rows

    def take(self, rows: int) -> pa.Table:
        """Return the first of those that wait, of which there are as many, each column in as few chunks as it can be."""
        taken: list[pa.Table] = []
        self.rows -= rows
        while rows:
            first = self._tables.popleft()
            taken.append(first.slice(0, rows))
            if first.num_rows > rows:
                self._tables.appendleft(first.slice(rows))
            rows -= taken[-1].num_rows
        return pa.concat_tables(taken).combine_chunks()

"""A dataset's files, read a column, or some rows, at a time: no more of it need be in memory."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final, Self

import pyarrow as pa
import pyarrow.parquet as pq

from shared.datasets.manifest import TEST, TRAIN, VALIDATION, Part

ROWS_AT_ONCE: Final = 65_536


class DatasetFiles:
    """The columns of the parts of a dataset, in the order of its splits; ``signals.exact`` compares two of them.

    Attributes:
        rows: in all parts.
        rows_by_split: in each, also of those that have none.
        types: which columns there are, in order, and of which type; nothing where there is no part.
    """

    def __init__(self, parts: Mapping[str, Sequence[Path]]) -> None:
        self._parts = {split: list(paths) for split, paths in parts.items()}
        metadata = {split: [pq.read_metadata(path) for path in paths] for split, paths in self._parts.items()}
        self.rows_by_split = {split: sum(one.num_rows for one in some) for split, some in metadata.items()}
        self.rows = sum(self.rows_by_split.values())
        schema = next((one.schema.to_arrow_schema() for some in metadata.values() for one in some), pa.schema([]))
        self.types: dict[str, pa.DataType] = dict(zip(schema.names, schema.types, strict=True))

    @classmethod
    def of(cls, folder: Path, parts: Iterable[Part]) -> Self:
        """Return the parts that lie in a folder."""
        paths: dict[str, list[Path]] = {split: [] for split in (TRAIN, VALIDATION, TEST)}
        for part in parts:
            paths[part.split].append(folder / part.file)
        return cls(paths)

    def only(self, names: Iterable[str]) -> Self:
        """Return the same files with no more than these columns."""
        fewer = type(self)(self._parts)
        fewer.types = {name: self.types[name] for name in names if name in self.types}
        return fewer

    @property
    def splits(self) -> tuple[str, ...]:
        """Return the splits, in their order."""
        return tuple(self._parts)

    def paths(self) -> Iterator[tuple[str, Path]]:
        """Yield every part, with its split."""
        return ((split, path) for split, paths in self._parts.items() for path in paths)

    def read(self, name: str) -> pa.ChunkedArray:
        """Return one column, texts as dictionaries."""
        is_text = pa.types.is_string(self.types[name])
        read = [
            pq.ParquetFile(path, read_dictionary=[name] if is_text else None).read(columns=[name], use_threads=False)
            for _, path in self.paths()
        ]
        return pa.chunked_array([chunk for one in read for chunk in one.column(name).chunks])

    def batches(
        self, names: Sequence[str], *, rows: int = ROWS_AT_ONCE, splits: Iterable[str] | None = None
    ) -> Iterator[pa.Table]:
        """Yield some columns of so many rows at a time, at most, and of all rows of these splits, or of all, in turn."""
        wanted = set(self._parts if splits is None else splits)
        for split, path in self.paths():
            if split in wanted:
                with pq.ParquetFile(path) as file:
                    for batch in file.iter_batches(batch_size=rows, columns=list(names), use_threads=False):
                        yield pa.Table.from_batches([batch]).select(list(names))

    def ids(self, places: Sequence[int]) -> tuple[str, ...]:
        """Return the ids of the rows at these places, which increase and are counted over all parts."""
        found: list[str] = []
        start = 0
        for batch in self.batches(["_id"]):
            if len(found) == len(places):
                break
            here = [place - start for place in places[len(found) :] if place < start + batch.num_rows]
            found += batch.column("_id").take(here).to_pylist() if here else []
            start += batch.num_rows
        return tuple(found)

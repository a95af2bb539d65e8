"""Rows in the order of their ids, however many there are.

They are dealt out to buckets, of which each holds the ids between two bounds, and each bucket is put in order by itself. The
bounds are ids of the rows, one of every so many: whatever ids look like, buckets come out about as large as each other.
"""

import bisect
import shutil
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path
from threading import Event
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

_ROWS_OF_A_BUCKET: Final = 262_144
_MOST_BUCKETS: Final = 256
"""Each is an open file. Past 67 million rows buckets become larger instead."""
_LOOKED_AT: Final = 64
"""So many ids are looked at for each bucket that is to be."""


def in_order(
    files: Sequence[Path], folder: Path, *, given_up: Event, rows_of_a_bucket: int = _ROWS_OF_A_BUCKET
) -> list[Path]:
    """Write the rows of Parquet files to files of ``folder``, which in their order hold them in the order of ``_id``.

    Args:
        files: of the same columns, each in any order.
        folder: it and what is in it are replaced.
        given_up: set once nobody waits for it any more.
        rows_of_a_bucket: about so many rows are in memory at once, three times.

    Raises:
        InterruptedError: it was given up.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    schema = pq.read_schema(files[0]).remove_metadata()
    buckets = _dealt(files, schema, _bounds(files, rows_of_a_bucket), folder, given_up)
    return [_sorted(bucket, given_up) for bucket in buckets]


def _bounds(files: Sequence[Path], rows_of_a_bucket: int) -> list[str]:
    """Return the first id of every bucket but the first."""
    rows = sum(pq.read_metadata(file).num_rows for file in files)
    buckets = min(-(-rows // rows_of_a_bucket), _MOST_BUCKETS)
    every = max(1, rows // (_LOOKED_AT * max(1, buckets)))
    seen: list[str] = []
    for file in files:
        for batch in pq.ParquetFile(file).iter_batches(columns=["_id"]):
            seen += batch.column("_id")[::every].to_pylist()
    seen.sort()
    return [seen[len(seen) * place // buckets] for place in range(1, buckets)]


def _dealt(files: Sequence[Path], schema: pa.Schema, bounds: list[str], folder: Path, given_up: Event) -> list[Path]:
    buckets = [folder / f"bucket-{number:05}.arrow" for number in range(len(bounds) + 1)]
    options = pa.ipc.IpcWriteOptions(compression="lz4")
    with ExitStack() as stack:
        writers = [stack.enter_context(pa.ipc.new_file(path, schema, options=options)) for path in buckets]
        for batch in batches(files, given_up):
            rows = batch.sort_by("_id").cast(schema)
            for writer, (start, end) in zip(writers, pairwise(_places(rows.column("_id"), bounds)), strict=True):
                if start < end:
                    writer.write_batch(rows.slice(start, end - start))
    return buckets


def _places(ids: pa.Array, bounds: list[str]) -> list[int]:
    """Return where each bucket begins among sorted ids, and at last where the last one ends."""
    within = [bisect.bisect_left(range(len(ids)), bound, key=lambda place: ids[place].as_py()) for bound in bounds]
    return [0, *within, len(ids)]


def _sorted(bucket: Path, given_up: Event) -> Path:
    """Put one bucket in order, in a file that takes its place."""
    if given_up.is_set():
        raise InterruptedError
    path = bucket.with_suffix(".parquet")
    with pa.OSFile(str(bucket)) as file:
        rows = pa.ipc.open_file(file).read_all().sort_by("_id")
    pq.write_table(rows, path, compression="zstd")
    bucket.unlink()
    return path


def batches(files: Sequence[Path], given_up: Event) -> Iterator[pa.RecordBatch]:
    """Yield the rows of files, one file after the other.

    Raises:
        InterruptedError: it was given up.
    """
    for file in files:
        # Otherwise all of a file would be in memory with its first batch.
        with pq.ParquetFile(file, pre_buffer=False) as data:
            for batch in data.iter_batches():
                if given_up.is_set():
                    raise InterruptedError
                yield batch

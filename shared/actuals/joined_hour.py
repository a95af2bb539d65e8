"""What is stored of a joined hour: files of rows, and the manifest that makes them count."""

import hashlib
import io
from collections.abc import Sequence

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from shared.actuals.counting import Counts
from shared.documents import Document

_UNIQUE = frozenset({"_id", "_actual_id"})
_ROW_GROUP_ROWS = 65_536


class JoinedFile(msgspec.Struct, frozen=True, kw_only=True):
    """One file of joined rows."""

    file: str
    size_bytes: int
    sha256: str
    rows: int


class JoinedHour(Document, frozen=True, kw_only=True):
    """The actuals of the predictions of one hour: the union of its files, in which every pair is once.

    Attributes:
        model: whose predictions they are of.
        version: likewise.
        hour: in which these were made.
        step: the newest step that added to it.
        files: those that count; others in the folder do not, or not any more.
        counts: what their rows come to.
    """

    model: str
    version: str
    hour: str
    step: int
    files: tuple[JoinedFile, ...]
    counts: Counts


def rows_file(step: int, data: bytes) -> str:
    """Return the name of the file of rows that a step writes into an hour.

    Another content has another name: the rows that it is made from may lose some meanwhile, to an erasure.
    """
    return f"rows-{step}-{hashlib.sha256(data).hexdigest()[:16]}.parquet"


def described(name: str, data: bytes, rows: int) -> JoinedFile:
    """Return what the manifest says of a file."""
    return JoinedFile(file=name, size_bytes=len(data), sha256=hashlib.sha256(data).hexdigest(), rows=rows)


def write(rows: pa.Table) -> bytes:
    """Return rows as Parquet; the same rows give the same bytes."""
    texts = [field.name for field in rows.schema if pa.types.is_string(field.type) and field.name not in _UNIQUE]
    buffer = io.BytesIO()
    pq.write_table(
        rows,
        buffer,
        compression="zstd",
        compression_level=1,
        use_dictionary=texts,
        row_group_size=_ROW_GROUP_ROWS,
    )
    return buffer.getvalue()


def read(data: bytes, columns: Sequence[str] | None = None) -> pa.Table:
    """Read such rows, or some of their columns."""
    # not read_table, which imports pandas
    return pq.ParquetFile(io.BytesIO(data)).read(columns=None if columns is None else list(columns))

"""What is stored of a sealed hour: generations of rows, their profiles, and the manifest that makes them count."""

import io
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Final

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import ArrayLike, NDArray

from shared.documents import Document
from shared.errors import InvalidDocument
from shared.sealing.hours.failures import FailureCount, added_up
from shared.sealing.hours.tally import Tally, merged, tally
from shared.sealing.tables.logs import LogName
from shared.sealing.tables.packed import ends, pack

_FOOTER: Final = b"driftline"
_UNIQUE: Final = frozenset({"_id", "_external_id", "_request_id", "_prediction_id", "sha256"})
_ROW_GROUP_ROWS: Final = 65_536

DAMAGED: Final = (pa.ArrowException, msgspec.DecodeError, OSError, KeyError, TypeError, ValueError)
"""What reading a file raises that is not the one that was written."""


class Consumed(msgspec.Struct, frozen=True, kw_only=True):
    """The bytes of one log that a generation was made from, and their SHA-256."""

    log: str
    start: int
    end: int
    sha256: str


class Footer(msgspec.Struct, frozen=True, kw_only=True):
    """What a rows file says of itself: enough to finish a sealing that ended before its manifest was written.

    Attributes:
        imported: how many of the rows came in no event, and so are in no tally.
        erased: how many records were erased: rows that were there, and records that came again and were left out.
        failures: how the requests failed; None of other kinds than failures, and of what was sealed before it was counted.
    """

    consumed: tuple[Consumed, ...]
    account: tuple[Tally, ...]
    rows: int
    doubles: int
    unreadable: int
    imported: int = 0
    erased: int = 0
    min_id: str | None
    max_id: str | None
    failures: tuple[FailureCount, ...] | None = None


class Index(msgspec.Struct, frozen=True, kw_only=True):
    """The file that says which rows have which external id (``tables.external``), and how long it is."""

    file: str
    size_bytes: int


class Generation(msgspec.Struct, frozen=True, kw_only=True):
    """What was added to an hour at one time.

    Attributes:
        profile: None for kinds that have none.
        external: None where no row has an external id that it could be asked for by.
        is_erasing: rows of it are being erased: its files may have come further than what is said of them here.
    """

    number: int
    rows_file: str
    size_bytes: int
    sha256: str
    profile: str | None
    external: Index | None = None
    is_erasing: bool = False
    footer: Footer


class HourManifest(Document, frozen=True, kw_only=True):
    """A sealed hour: the union of its generations, in which every id is once."""

    kind: str
    model: str
    version: str
    hour: str
    generations: tuple[Generation, ...]

    @property
    def account(self) -> tuple[Tally, ...]:
        """Return the account of the hour's events, one tally for each incarnation and partition."""
        return merged(tally for generation in self.generations for tally in generation.footer.account)

    @property
    def rows(self) -> int:
        """Return how many rows the hour has."""
        return sum(generation.footer.rows for generation in self.generations)

    @property
    def doubles(self) -> int:
        """Return how many records were left out because they were sealed before."""
        return sum(generation.footer.doubles for generation in self.generations)

    @property
    def unreadable(self) -> int:
        """Return how many records could not be read."""
        return sum(generation.footer.unreadable for generation in self.generations)

    @property
    def imported(self) -> int:
        """Return how many of the rows were imported, and so came in no event."""
        return sum(generation.footer.imported for generation in self.generations)

    @property
    def erased(self) -> int:
        """Return how many records were erased, or came again after that."""
        return sum(generation.footer.erased for generation in self.generations)

    @property
    def is_erasing(self) -> bool:
        """Whether rows of it are being erased."""
        return any(generation.is_erasing for generation in self.generations)

    @property
    def failures(self) -> tuple[FailureCount, ...] | None:
        """Return how its requests failed; None where a generation does not say."""
        return added_up(generation.footer.failures for generation in self.generations)

    @property
    def min_id(self) -> str | None:
        """Return the lowest id of its rows; None without rows, or where rows have no id."""
        return min((one.footer.min_id for one in self.generations if one.footer.min_id), default=None)

    @property
    def max_id(self) -> str | None:
        """Return the highest id of its rows, like ``min_id``."""
        return max((one.footer.max_id for one in self.generations if one.footer.max_id), default=None)

    @property
    def consumed(self) -> dict[str, int]:
        """Return how many bytes of each log the hour was made from."""
        return {part.log: part.end for generation in self.generations for part in generation.footer.consumed}


def rows_file(number: int) -> str:
    """Return the name of a generation's rows."""
    return f"rows-{number}.parquet"


def account(places_by_log: Mapping[str, ArrayLike]) -> tuple[Tally, ...]:
    """Count the events of logs.

    Args:
        places_by_log: for each log's path, the (sequence, index) of its lines in the order they stand there, unreadable
            ones too; shape (lines, 2). An event's lines stand together, with rising indices.
    """
    events: defaultdict[tuple[str, int], list[NDArray[np.int64]]] = defaultdict(list)
    for path, places in places_by_log.items():
        name = LogName.of(path)
        sequence, index = np.asarray(places, dtype=np.int64).reshape(-1, 2).T
        begins = np.ones(len(sequence), dtype=bool)
        begins[1:] = (sequence[1:] != sequence[:-1]) | (index[1:] <= index[:-1])
        events[name.incarnation, name.partition].append(sequence[begins])
    tallies = (tally(*whose, np.concatenate(numbers).tolist()) for whose, numbers in sorted(events.items()))
    return tuple(one for one in tallies if one is not None)


def footer(
    rows: pa.Table,
    *,
    consumed: Sequence[Consumed],
    places_by_log: Mapping[str, ArrayLike],
    doubles: int,
    unreadable: int,
    imported: int = 0,
    erased: int = 0,
    failures: tuple[FailureCount, ...] | None = None,
) -> Footer:
    """Describe a generation; ``places_by_log`` is what ``account`` takes."""
    between = ends(pack(rows.column("_id"))) if "_id" in rows.column_names else None
    return Footer(
        consumed=tuple(consumed),
        account=account(places_by_log),
        rows=rows.num_rows,
        doubles=doubles,
        unreadable=unreadable,
        imported=imported,
        erased=erased,
        min_id=between[0] if between else None,
        max_id=between[1] if between else None,
        failures=failures,
    )


def write(rows: pa.Table, about: Footer) -> bytes:
    """Return a generation's rows as Parquet, with its footer inside.

    Dictionaries for texts that repeat only: on numbers they cost three times the time and give nothing. Row groups are
    small, because an id is looked for in those alone whose ends are around it.
    """
    texts = [field.name for field in rows.schema if pa.types.is_string(field.type) and field.name not in _UNIQUE]
    described = rows.replace_schema_metadata({_FOOTER: msgspec.json.encode(about)})
    buffer = io.BytesIO()
    pq.write_table(
        described,
        buffer,
        compression="zstd",
        compression_level=3,
        use_dictionary=texts,
        row_group_size=_ROW_GROUP_ROWS,
    )
    return buffer.getvalue()


def read(data: bytes, *, only: Sequence[str] | None = None) -> tuple[pa.Table, Footer]:
    """Read a generation's rows, or some of their columns, and its footer."""
    # not read_table, which imports pandas
    rows = pq.ParquetFile(io.BytesIO(data)).read(columns=None if only is None else list(only))
    return rows, msgspec.json.decode(rows.schema.metadata[_FOOTER], type=Footer)


@contextmanager
def readable(path: str) -> Iterator[None]:
    """Say of a file that cannot be read which one it is.

    Raises:
        InvalidDocument: what was read of it is not what was written.
    """
    try:
        yield
    except DAMAGED as error:
        raise InvalidDocument(path, reason=f"it cannot be read: {error}") from error

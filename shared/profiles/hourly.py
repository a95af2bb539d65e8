"""A baseline hour by hour: what chance and season alone do between one hour and the next.

One file holds all hours, newest last, as Parquet with a column of profiles in JSON: what hours have in common, the names
first of all, is compressed once a day, and whoever looks at a month need not hold more than a day of it.
"""

import contextlib
import hashlib
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from shared.errors import InvalidDocument
from shared.hours import Hour
from shared.profiles.bins import Bins
from shared.profiles.encoding import FORMAT
from shared.profiles.profile import Profile, profile

MOST_HOURS: Final = 2_400
"""A hundred days, the newest ones."""

MOST_BYTES: Final = 32 * 1024 * 1024

_HOURS_A_GROUP = 24
_SECONDS = 3600
_END_OF_TIME = int(datetime.max.replace(tzinfo=UTC).timestamp())


@dataclass(frozen=True, slots=True)
class Hours:
    """The hours of a baseline that have rows, in the order of time; each is decoded when it is come to.

    Attributes:
        data: the file's bytes; empty where there are no hours.
        path: where they are from.
        bins: the digest that the profiles are to say they are counted over; None for what they say. (Bins with
            segments count a whole window over the same bins as those without.)
    """

    data: bytes
    path: str
    bins: str | None = None

    @property
    def inputs(self) -> dict[str, str]:
        """Return the SHA-256 of the file, by its path; nothing where there is none."""
        return {self.path: hashlib.sha256(self.data).hexdigest()} if self.data else {}

    def __iter__(self) -> Iterator[tuple[Hour, Profile]]:
        """Yield hours and their profiles.

        Raises:
            InvalidDocument: the file is damaged, or of a newer format than this app reads.
        """
        if not self.data:
            return
        try:
            file = pq.ParquetFile(io.BytesIO(self.data))
            for group in range(file.num_row_groups):
                rows = file.read_row_group(group)
                yield from map(self._read, *(rows.column(name).to_pylist() for name in ("hour", "profile")))
        except (pa.ArrowException, msgspec.DecodeError, ValueError, KeyError) as error:
            raise InvalidDocument(self.path, reason=str(error)) from error

    def _read(self, hour: str, data: bytes) -> tuple[Hour, Profile]:
        found = msgspec.json.decode(data, type=Profile)
        if found.format > FORMAT:
            raise InvalidDocument(self.path, reason=f"format {found.format}, and this app reads up to {FORMAT}")
        return Hour.parse(hour), msgspec.structs.replace(found, bins=self.bins or found.bins)


def encode_hours(hours: Sequence[tuple[Hour, Profile]]) -> bytes:
    """Return the file of hours, which are in the order of time: the newest of them, as far as they have room."""
    kept = list(hours)[-MOST_HOURS:]
    data = _encode(kept)
    while len(data) > MOST_BYTES and len(kept) > 1:
        kept = kept[-max(len(kept) * MOST_BYTES // len(data), 1) :]
        data = _encode(kept)
    return data


def by_hour(rows: pa.Table, times: pa.ChunkedArray, bins: Bins) -> Iterator[tuple[Hour, Profile]]:
    """Yield the profile of each hour that has rows, the newest 2,400 of them, in the order of time.

    Args:
        rows: what is profiled.
        times: when each of them happened: timestamps or ISO 8601 texts, taken for UTC where no zone is said. Rows
            without a time are passed over; columns of anything else give no hours.
        bins: what they are profiled over.

    Raises:
        InvalidSchema: a column cannot be read as what its bins are for; the error names it.
    """
    numbers = _hours(times)
    if numbers is None:
        return
    order = np.argsort(numbers, kind="stable")
    ordered = numbers[order]
    distinct, starts = np.unique(ordered, return_index=True)
    ends = np.append(starts[1:], len(ordered))
    for number, start, end in list(zip(distinct.tolist(), starts.tolist(), ends.tolist(), strict=True))[-MOST_HOURS:]:
        if number >= 0:
            some = rows.take(pa.array(order[start:end]))
            yield Hour(datetime.fromtimestamp(number * _SECONDS, UTC)), profile(some, bins)


def latest(times: pa.ChunkedArray) -> datetime | None:
    """Return the greatest of the times, to the second; None where a column, as ``by_hour`` takes it, holds none."""
    seconds = _seconds(times)
    if seconds is None or not (seconds >= 0).any():
        return None
    return datetime.fromtimestamp(int(seconds.max()), UTC)


def _hours(times: pa.ChunkedArray) -> NDArray[np.int64] | None:
    """Return the hour of each row, counted from 1970, -1 for none; None where the column holds no times."""
    seconds = _seconds(times)
    return None if seconds is None else np.where(seconds >= 0, seconds // _SECONDS, -1)


def _seconds(times: pa.ChunkedArray) -> NDArray[np.int64] | None:
    """Return the second of each row, likewise."""
    read = _timestamps(times)
    if read is None:
        return None
    seconds = np.array([-1 if one is None else one for one in read.cast(pa.int64()).to_pylist()], dtype=np.int64)
    return np.where((seconds >= 0) & (seconds < _END_OF_TIME), seconds, -1)


def _timestamps(times: pa.ChunkedArray) -> pa.ChunkedArray | None:
    kind = times.type
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        return times.cast(pa.timestamp("s", tz=getattr(kind, "tz", None)), safe=False)
    if not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
        return None
    for zone in ("UTC", None):  # texts with a zone, and without
        with contextlib.suppress(pa.ArrowInvalid):
            return times.cast(pa.timestamp("ns", tz=zone)).cast(pa.timestamp("s", tz=zone), safe=False)
    return None


def _encode(hours: Sequence[tuple[Hour, Profile]]) -> bytes:
    table = pa.table(
        {
            "hour": pa.array([hour.key for hour, _ in hours], pa.string()),
            "rows": pa.array([found.rows for _, found in hours], pa.int64()),
            "profile": pa.array([msgspec.json.encode(found) for _, found in hours], pa.binary()),
        }
    )
    buffer = io.BytesIO()
    pq.write_table(
        table,
        buffer,
        compression="zstd",
        compression_level=9,
        use_dictionary=False,
        write_statistics=False,
        row_group_size=_HOURS_A_GROUP,
        data_page_size=MOST_BYTES,
    )
    return buffer.getvalue()

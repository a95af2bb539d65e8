"""The times of a history: what is said of when, and whether an import may say it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa

from shared.errors import InvalidSchema
from shared.hours import Hour


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A time that cannot be taken, and why; one that ``comes_later`` can be once its hour is sealed."""

    reason: str
    comes_later: bool = False


@dataclass(frozen=True, slots=True)
class Moments:
    """Reads columns of times that are in the hours from ``first`` up to ``end``, which is not among them.

    Attributes:
        first: the first hour whose rows are kept; None where they are kept for ever.
        end: the watermark: a later hour is sealed first, so that a window never finds an hour that is half there. None
            where what is read goes to hours that are not sealed yet, whatever its time.
        naive_is_utc: whether times without a zone are taken for UTC. Otherwise they are refused, because an hour's
            mistake is not seen afterwards.
    """

    first: Hour | None
    end: Hour | None
    naive_is_utc: bool

    def read(self, column: pa.ChunkedArray, name: str) -> Iterator[datetime | Unreadable]:
        """Yield the time of each row, in UTC.

        Raises:
            InvalidSchema: the column ``name`` holds no times.
        """
        kind = column.type
        if pa.types.is_timestamp(kind):
            # Files have nanoseconds, which nothing here has.
            column = column.cast(pa.timestamp("us", tz=kind.tz), safe=False)
        elif not (pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_null(kind)):
            raise InvalidSchema(
                feature=name, reason=f"a column of {kind} holds no times; ISO 8601 texts or timestamps do"
            )
        return map(self._moment, column.to_pylist())

    def _moment(self, said: Any) -> datetime | Unreadable:  # noqa: ANN401 - whatever a file has
        if said is None:
            return Unreadable("there is no time")
        try:
            moment = said if isinstance(said, datetime) else datetime.fromisoformat(said)
        except ValueError:
            return Unreadable("it is no time, as 2026-03-01T09:30:00Z is")
        if moment.tzinfo is None:
            if not self.naive_is_utc:
                return Unreadable("it has no time zone, and is taken for UTC only if that is said (--naive-is-utc)")
            moment = moment.replace(tzinfo=UTC)
        return self._within(moment)

    def _within(self, moment: datetime) -> datetime | Unreadable:
        try:
            moment = moment.astimezone(UTC)
        except OverflowError:
            return Unreadable("it is in no year there is")
        if moment.year < 1970:
            return Unreadable("it is before 1970, which no id can tell")
        hour = Hour.containing(moment)
        if self.end is not None and hour >= self.end:
            return Unreadable(f"its hour is not sealed yet: only what is before {self.end.key} is", comes_later=True)
        if self.first is not None and hour < self.first:
            return Unreadable(f"its hour is not kept any more: only what is from {self.first.key} on (HOURS_KEPT_DAYS)")
        return moment

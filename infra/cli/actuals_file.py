"""A file of actuals: read piece by piece, looked at as a whole, and then sent the way those of HTTP go."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final, Literal, Self, TypeAlias
from uuid import UUID

import msgspec
import pyarrow as pa

from infra.cli.rows import pieces
from shared.capture.actual_values import Numbers, Wanted, refusal_of_text, refusal_of_time, refusal_of_value
from shared.capture.actuals import Keeper
from shared.capture.records import Actual
from shared.errors import InvalidSchema, Misfit
from shared.scoring.prediction import Kept
from shared.sealing.imports.external_ids import external_ids
from shared.sealing.imports.history import said
from shared.sealing.imports.importing import MOST_MISFITS
from shared.sealing.imports.minting import actual_id
from shared.sealing.imports.moments import Moments, Unreadable

ROWS_A_COMMIT: Final = 2_000
"""So many are sent together: about what one batch of the hub takes, so that none waits while others are under way."""

NOT_KEPT: Final = frozenset({Kept.LOST, Kept.OFF})

Key: TypeAlias = Literal["prediction_id", "external_id"]
_KEYS: Final[tuple[Key, ...]] = ("prediction_id", "external_id")
_SAID: Final = (pa.int64(), pa.float64(), pa.bool_())


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """Which columns of a file say what, and which of the two keys of a prediction is in ``key``."""

    key: str
    key_is: Key
    value: str
    at: str

    @classmethod
    def among(cls, there: Sequence[str], given: Mapping[Key, str | None], *, value: str, at: str) -> Self:
        """Return the columns of a file that are ``given`` as keys; none given, the one key that is among its own.

        Raises:
            InvalidSchema: one is not there, or stands there twice, or no column or either could be the key.
        """
        keys = [(name, key) for key, name in given.items() if name is not None]
        keys = keys or [(key, key) for key in _KEYS if key in there]
        if len(keys) != 1:
            which = "both prediction_id and" if keys else "neither prediction_id nor"
            hint = "say which column says what a row is about: --prediction-id or --external-id"
            raise InvalidSchema(feature=None, reason=f"the file has {which} external_id; {hint}")
        ((key, key_is),) = keys
        for name in (key, value, at):
            if there.count(name) != 1:
                how = "no such column, but" if name not in there else "it more than once:"
                raise InvalidSchema(feature=name, reason=f"the file has {how} {', '.join(there)}")
        return cls(key=key, key_is=key_is, value=value, at=at)


@dataclass(slots=True)
class Part:
    """Rows of a file, one after the other: the actuals they are, what does not fit, and how many rows that are.

    ``untold`` rows have no value: nothing has turned out of them yet.
    """

    actuals: list[Actual]
    misfits: list[Misfit]
    bad_rows: int
    untold: int


@dataclass(slots=True)
class Checked:
    """What is known of a file once all of it was looked at: how many rows fit, do not, and say nothing yet."""

    rows: int = 0
    bad_rows: int = 0
    untold: int = 0
    misfits: list[Misfit] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class ActualsFile:
    """Reads the actuals of one model out of a file, from its beginning each time."""

    path: Path
    model: str
    columns: Columns
    wanted: Wanted
    moments: Moments

    async def check(self) -> Checked:
        """Look at every row.

        Raises:
            InvalidSchema: a column holds no times, or no external ids.
        """
        found = Checked()
        parts = self._parts()
        while (part := await asyncio.to_thread(next, parts, None)) is not None:
            found.rows += len(part.actuals)
            found.bad_rows += part.bad_rows
            found.untold += part.untold
            found.misfits = (found.misfits + part.misfits)[:MOST_MISFITS]
        return found

    async def send(self, keeper: Keeper, done: Callable[[int], None]) -> Counter[Kept]:
        """Send what fits, and return how many were kept in which way; ``done`` is told how many were sent.

        It ends with the first that are not kept: those after them would not be either, and the file can be sent again.
        """
        sent: Counter[Kept] = Counter()
        parts = self._parts()
        while (part := await asyncio.to_thread(next, parts, None)) is not None:
            for start in range(0, len(part.actuals), ROWS_A_COMMIT):
                actuals = part.actuals[start : start + ROWS_A_COMMIT]
                kept = await keeper.keep_actuals(actuals)
                sent[kept] += len(actuals)
                done(sent.total())
                if kept in NOT_KEPT:
                    return sent
        return sent

    def _parts(self) -> Iterator[Part]:
        columns = self.columns
        first_row = 0
        for rows in pieces(self.path, [columns.key, columns.value, columns.at]):
            yield self._part(rows, first_row)
            first_row += rows.num_rows

    def _part(self, rows: pa.Table, first_row: int) -> Part:
        part = Part([], [], 0, 0)
        values = _values(rows.column(self.columns.value), self.wanted)
        ats = self.moments.read(rows.column(self.columns.at), self.columns.at)
        keys = self._keys(rows.column(self.columns.key))
        for row, (key, value, at) in enumerate(zip(keys, values, ats, strict=True), start=first_row):
            if value is None:
                part.untold += 1
                continue
            read = self._actual(key, value, at)
            if isinstance(read, Actual):
                part.actuals.append(read)
            else:
                part.bad_rows += 1
                part.misfits += [Misfit(row, column, reason) for column, reason in read]
        return part

    def _keys(self, column: pa.ChunkedArray) -> list[Any]:
        if self.columns.key_is == "external_id":
            return external_ids(column, self.columns.key)
        said: list[Any] = column.to_pylist()
        return said

    def _actual(self, key: Any, value: Any, at: datetime | Unreadable) -> Actual | list[tuple[str, str]]:  # noqa: ANN401 - whatever a file has
        """Return the actual that a row is, or what is wrong with it by column."""
        own, unread = _key(key, self.columns.key_is)
        moment = None if isinstance(at, Unreadable) else at
        late = at.reason if isinstance(at, Unreadable) else refusal_of_time(at)
        unfit = self._refusal(value)
        if moment is None or unread or late or unfit:
            columns = (self.columns.key, self.columns.at, self.columns.value)
            return [(name, why) for name, why in zip(columns, (unread, late, unfit), strict=True) if why]
        prediction, external = (own, None) if self.columns.key_is == "prediction_id" else (None, own)
        return Actual(
            id=actual_id(self.model, moment, value, prediction, external),
            model=self.model,
            prediction_id=prediction,
            external_id=external,
            at=moment.isoformat(),
            value=value,
        )

    def _refusal(self, value: Any) -> str | None:  # noqa: ANN401 - whatever a file has
        if not isinstance(value, float | int | str):
            return "a value is a number, a truth value or a text"
        return refusal_of_value(value) or (None if self.wanted.fits(value) else self.wanted.misfit(value))


def _key(said: Any, kind: Key) -> tuple[str, str | None]:  # noqa: ANN401 - whatever a file has
    """Return a key as predictions have it, and why that cannot be."""
    if said is None:
        return "", "there is none"
    if kind == "external_id":
        return said, refusal_of_text(said)
    try:
        return str(msgspec.convert(said, UUID)), None
    except msgspec.ValidationError:
        return "", "it is no id of a prediction, as scoring answers with"


def _values(column: pa.ChunkedArray, wanted: Wanted) -> list[Any]:
    """Return values as JSON would have them, missing ones and NaN as None; texts are numbers where such are wanted."""
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if pa.types.is_large_string(column.type):
        column = column.cast(pa.string())
    if pa.types.is_string(column.type) and wanted.numbers is not Numbers.NONE:
        return said(column, _SAID)
    return [None if value != value else value for value in column.to_pylist()]  # noqa: PLR0124 - only NaN is not itself

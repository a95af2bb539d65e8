"""What is in each column of a dataset, found while its rows go by; the same in whatever pieces they come."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from shared.datasets.manifest import Column
from shared.datasets.totals import Total
from shared.sealing.tables.columns import TIME

MOST_DISTINCT: Final = 1_000


@dataclass(slots=True)
class ColumnProfiles:
    """The profiles of all columns of rows that are added bit by bit, ``canonical``."""

    schema: pa.Schema
    _columns: list["_Profile"] = field(init=False)

    def __post_init__(self) -> None:
        self._columns = [_Profile(one.name, one.type) for one in self.schema]

    def add(self, rows: pa.Table) -> None:
        """Take some rows in."""
        for profile, column in zip(self._columns, rows.columns, strict=True):
            profile.add(column)

    @property
    def columns(self) -> tuple[Column, ...]:
        """Return what is in each, in the order of the schema."""
        return tuple(one.column for one in self._columns)


@dataclass(slots=True)
class _Profile:
    """One column: null and NaN are missing, and infinities are not in the mean."""

    name: str
    type: pa.DataType
    missing: int = 0
    least: Any = None
    most: Any = None
    total: Total = field(default_factory=Total)
    distinct: set[object] | None = field(default_factory=set)

    def add(self, column: pa.ChunkedArray) -> None:
        values = column.drop_null()
        if self.type == pa.float64():
            values = values.filter(pc.invert(pc.is_nan(values)))
        self.missing += len(column) - len(values)
        if not len(values):
            return
        if self.type in {pa.string(), pa.bool_()}:
            self._count(values)
            return
        if self.type == pa.float64():
            self.total.add_floats(values.filter(pc.is_finite(values)).to_numpy())
        elif self.type == pa.int64():
            self.total.add_integers(values.to_numpy())
        ends = pc.min_max(values.cast(pa.int64()) if self.type == TIME else values).as_py()
        self.least = ends["min"] if self.least is None else min(self.least, ends["min"])
        self.most = ends["max"] if self.most is None else max(self.most, ends["max"])

    @property
    def column(self) -> Column:
        is_counted = self.type in {pa.string(), pa.bool_()}
        return Column(
            name=self.name,
            type=str(self.type),
            missing=self.missing,
            minimum=self._text(self.least),
            maximum=self._text(self.most),
            mean=self.total.mean,
            distinct=len(self.distinct) if is_counted and self.distinct is not None else None,
        )

    def _count(self, values: pa.ChunkedArray) -> None:
        if self.distinct is None:
            return
        self.distinct.update(pc.unique(values).to_pylist())
        if len(self.distinct) > MOST_DISTINCT:
            self.distinct = None

    def _text(self, value: float | None) -> str | None:
        if value is None or self.type != TIME:
            return None if value is None else str(value)
        seconds, microseconds = divmod(int(value), 10**6)
        return f"{datetime.fromtimestamp(seconds, UTC).replace(microsecond=microseconds):%Y-%m-%dT%H:%M:%S.%fZ}"

"""Which actual of each prediction counts, as it was known at some time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from shared.actuals.columns import HOUR, joined_schema
from shared.actuals.counting import in_order
from shared.registry.manifest import Manifest

_NEEDED: Final = (
    "_id",
    "_at",
    "_actual_id",
    "_actual_enqueued_at",
    "_actual_partition",
    "_actual_sequence",
    "_actual_index",
)
"""What says which actual of a prediction counts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is asked for of joined rows.

    Attributes:
        as_of: as it was known then: only actuals that were enqueued before it; None as it is known now.
        within: as it was known so long after each prediction; None likewise.
        columns: names of columns, in the order they are wanted; None is all of them.
    """

    as_of: datetime | None = None
    within: timedelta | None = None
    columns: Sequence[str] | None = None

    def schema(self, manifest: Manifest) -> pa.Schema:
        """Return the schema of what is asked for, of one version's rows."""
        whole = pa.schema([*joined_schema(manifest.schema), (HOUR, pa.string())])
        return whole if self.columns is None else pa.schema([whole.field(name) for name in self.columns])

    def stored(self, manifest: Manifest) -> pa.Schema:
        """Return the schema of what has to be read for it."""
        whole = joined_schema(manifest.schema)
        return pa.schema(
            [one for one in whole if self.columns is None or one.name in self.columns or one.name in _NEEDED]
        )

    def counting(self, rows: pa.Table, *, hour: str) -> pa.Table:
        """Return the actual that counts of each prediction of an hour, of those that were known by then, with the hour."""
        if self.as_of is not None:
            kind = rows.schema.field("_actual_enqueued_at").type
            rows = rows.filter(pc.less(rows.column("_actual_enqueued_at"), pa.scalar(self.as_of, kind)))
        if self.within is not None:
            enqueued_at, at = (rows.column(name).cast(pa.int64()) for name in ("_actual_enqueued_at", "_at"))
            longest_us = self.within // timedelta(microseconds=1)
            rows = rows.filter(pc.less_equal(pc.subtract(enqueued_at, at), longest_us))
        ordered = in_order(rows)
        last = ordered.rows.filter(pa.array(ordered.is_last))
        return last.append_column(HOUR, pa.repeat(pa.scalar(hour), last.num_rows))

"""What retraining asks of joined actuals."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Protocol

from shared.hours import Hour
from shared.registry.manifest import Manifest

if TYPE_CHECKING:
    import pyarrow as pa


class Joined(Protocol):
    """Predictions with their actuals: of each the actual that counts."""

    @property
    def rows(self) -> "pa.Table":
        """Return the rows: ``_id``, ``hour``, ``_weight``, ``actual`` and the outputs among their columns."""
        ...

    @property
    def predictions(self) -> int:
        """Return how many predictions there are in those hours, with an actual or without."""
        ...

    @property
    def inputs(self) -> dict[str, str]:
        """Return the SHA-256 of every document that was read, by path."""
        ...


class Actuals(Protocol):
    """Whoever knows what turned out."""

    async def between(
        self,
        manifest: Manifest,
        first: Hour,
        end: Hour,
        *,
        as_of: datetime | None = None,
        columns: Sequence[str] | None = None,
    ) -> Joined:
        """Return the predictions of a version, of the hours from ``first`` up to ``end``, whose actuals are known."""
        ...

    async def inputs(self, manifest: Manifest, first: Hour, end: Hour, /) -> dict[str, str]:
        """Return what ``between`` would return as its inputs, without a row being read."""
        ...

    async def delay(self, manifest: Manifest, first: Hour, end: Hour, /) -> timedelta | None:
        """Return within which time nearly all actuals come; None where none has come."""
        ...

"""What retraining asks of joined actuals."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Protocol

from shared.actuals.reading import Joined, Joins
from shared.hours import Hour
from shared.monitoring.settling import learned_delay
from shared.registry.manifest import Manifest

if TYPE_CHECKING:
    import pyarrow as pa


class Known(Protocol):
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
    ) -> Known:
        """Return the predictions of a version, of the hours from ``first`` up to ``end``, whose actuals are known."""
        ...

    async def inputs(self, manifest: Manifest, first: Hour, end: Hour, /) -> dict[str, str]:
        """Return what ``between`` would return as its inputs, without a row being read."""
        ...

    async def is_joined(self, model: str, first: Hour, end: Hour, /) -> bool:
        """Whether all that is sealed of a model, of the hours from ``first`` up to ``end``, is among what is known."""
        ...

    async def delay(self, manifest: Manifest, first: Hour, end: Hour, /) -> timedelta | None:
        """Return within which time nearly all actuals come; None where none has come."""
        ...


@dataclass(slots=True)
class JoinedActuals:
    """Joined hours, as retraining asks for them."""

    joins: Joins

    async def between(
        self,
        manifest: Manifest,
        first: Hour,
        end: Hour,
        *,
        as_of: datetime | None = None,
        columns: Sequence[str] | None = None,
    ) -> Joined:
        """Return what ``Joins`` does."""
        return await self.joins.between(manifest, first, end, as_of=as_of, columns=columns)

    async def inputs(self, manifest: Manifest, first: Hour, end: Hour, /) -> dict[str, str]:
        """Return what ``Joins`` does."""
        return await self.joins.inputs(manifest, first, end)

    async def is_joined(self, model: str, first: Hour, end: Hour, /) -> bool:
        """Return what ``Joins`` does."""
        return await self.joins.is_joined(model, first, end)

    async def delay(self, manifest: Manifest, first: Hour, end: Hour, /) -> timedelta | None:
        """Return within which time 95 % of the actuals came that were joined to the predictions of some hours.

        It errs to the short side while actuals are on their way, which only has a period measured again.
        """
        return learned_delay(await self.joins.counts(manifest, first, end))

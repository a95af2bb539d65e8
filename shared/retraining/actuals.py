"""What retraining asks of joined actuals."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final, Protocol

from shared.actuals import delays
from shared.actuals.joined_hour import JoinedHour
from shared.actuals.paths import model_folder
from shared.actuals.reading import Joined, Joins
from shared.blobs import Blobs
from shared.bounded import each
from shared.documents import Reader
from shared.errors import BlobMissing
from shared.hours import Hour, dates_of
from shared.registry.manifest import Manifest

if TYPE_CHECKING:
    import pyarrow as pa

NEARLY_ALL: Final = 0.95
"""This share of the actuals that came had come when a period is settled; the others are taken in later."""


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

    async def delay(self, manifest: Manifest, first: Hour, end: Hour, /) -> timedelta | None:
        """Return within which time nearly all actuals come; None where none has come."""
        ...


@dataclass(slots=True)
class JoinedActuals:
    """Joined hours, as retraining asks for them."""

    blobs: Blobs
    joins: Joins
    _reader: Reader = field(init=False)

    def __post_init__(self) -> None:
        self._reader = Reader(self.blobs)

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
        """Return the SHA-256 of the manifests of joined hours, by path; one that has not changed is not read again.

        Raises:
            InvalidDocument: one was damaged.
        """
        folder = f"{model_folder(manifest.model)}version={manifest.version}/"
        listed = [
            stored
            for date in dates_of(first, end)
            async for stored in self.blobs.under(f"{folder}date={date}/")
            if stored.path.endswith("/_manifest.json") and first <= Hour.at_path(stored.path) < end
        ]

        async def one(path: str, etag: str) -> tuple[str, str] | None:
            try:
                return path, (await self._reader.read(path, JoinedHour, etag=etag)).sha256
            except BlobMissing:  # retention took it since it was listed
                return None

        read = await each(listed, lambda stored: one(stored.path, stored.etag))
        return dict(found for found in read if found is not None)

    async def delay(self, manifest: Manifest, first: Hour, end: Hour, /) -> timedelta | None:
        """Return within which time 95 % of the actuals came that were joined to the predictions of some hours.

        It errs to the short side while actuals are on their way, which only has a period measured again.
        """
        counts = await self.joins.counts(manifest, first, end)
        return delays.quantile(delays.merged(hour.counts.delays for hour in counts), NEARLY_ALL)

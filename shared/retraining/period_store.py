"""The losses of periods, by model."""

from dataclasses import dataclass, field

from shared import documents
from shared.blobs import Blobs
from shared.documents import Reader
from shared.errors import BlobMissing
from shared.retraining.period_losses import PeriodLosses


@dataclass(frozen=True, slots=True)
class StoredPeriod:
    """A period's losses, where they are, and the SHA-256 of their bytes."""

    path: str
    sha256: str
    losses: PeriodLosses


@dataclass(slots=True)
class PeriodStore:
    """The losses of every period; those that have not changed since they were last read are not read again."""

    blobs: Blobs
    _reader: Reader = field(init=False)

    def __post_init__(self) -> None:
        self._reader = Reader(self.blobs)

    async def of(self, model: str) -> list[StoredPeriod]:
        """Return the periods of a model that are stored, in their order.

        Raises:
            InvalidDocument: one cannot be read.
        """
        found = []
        async for stored in self.blobs.under(_folder(model)):
            try:
                read = await self._reader.read(stored.path, PeriodLosses, etag=stored.etag)
            except BlobMissing:  # deleted since it was listed
                continue
            found.append(StoredPeriod(stored.path, read.sha256, read.document))
        return found

    async def store(self, losses: PeriodLosses) -> None:
        """Store a period's losses in place of those that may be there."""
        path = f"{_folder(losses.model)}{losses.start}.json"
        await documents.swap(self.blobs, path, PeriodLosses, lambda _: losses)


def _folder(model: str) -> str:
    return f"monitoring/periods/model={model}/"

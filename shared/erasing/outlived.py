"""What has been kept long enough of erasures: hashes of ids that the hub cannot deliver again."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass

from shared.blobs import Blobs, Stored
from shared.hours import Hour
from shared.sealing.hours.erased import ERASED


@dataclass(slots=True)
class OutlivedHashes:
    """Finds hashes that may be deleted; that an erasure was is kept."""

    blobs: Blobs

    async def hashes(self, limit: Hour) -> AsyncGenerator[list[Stored]]:
        """Yield those of days before ``limit``, each a group."""
        async for stored in self.blobs.under(ERASED):
            if stored.path.split("/date=", 1)[1][:10] < limit.date:
                yield [stored]

"""What has been kept long enough of erasures: hashes of ids that nobody can deliver again."""

import contextlib
from collections.abc import AsyncGenerator
from dataclasses import dataclass

from shared.blobs import Blobs, Stored
from shared.capture.publishing.spool import Spool
from shared.clock import Clock
from shared.errors import BlobChanged, BlobMissing
from shared.hours import Hour
from shared.sealing.hours.erased import ERASED


@dataclass(slots=True)
class OutlivedHashes:
    """Finds hashes that may be deleted; that an erasure was is kept."""

    blobs: Blobs
    clock: Clock

    async def hashes(self, limit: Hour) -> AsyncGenerator[list[Stored]]:
        """Yield those of days before ``limit``, each a group; it is to be called once a day.

        What is in the spool comes whenever the hub takes it, which may be later than that. So hashes are dated anew each
        day on which something waits there: they stay as long again from the last such day as they would from the erasure.
        """
        found = [stored async for stored in self.blobs.under(ERASED)]
        if found and await Spool(self.blobs).waiting():
            for stored in found:
                await self._date_anew(stored)
            return
        for stored in found:
            if _date(stored) < limit.date:
                yield [stored]

    async def _date_anew(self, stored: Stored) -> None:
        """Move hashes to the folder of today."""
        today = self.clock.now().date().isoformat()
        if _date(stored) >= today:
            return
        with contextlib.suppress(BlobMissing):
            data = (await self.blobs.read(stored.path)).data
            with contextlib.suppress(BlobChanged):  # they are there
                await self.blobs.create(stored.path.replace(f"/date={_date(stored)}/", f"/date={today}/"), data)
            await self.blobs.delete(stored.path)


def _date(stored: Stored) -> str:
    return stored.path.split("/date=", 1)[1][:10]

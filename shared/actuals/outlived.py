"""What has been kept long enough of what was joined: retention, which comes before it, deletes it."""

from collections import defaultdict
from collections.abc import AsyncGenerator
from dataclasses import dataclass

from shared.actuals.paths import JOINS, predictions_of
from shared.blobs import Blobs, Stored
from shared.capture.records import Shelf
from shared.hours import Hour, hours_of
from shared.sealing.hours.listing import dates, has_hours
from shared.sealing.paths import UNJOINED


@dataclass(slots=True)
class OutlivedJoins:
    """Finds joined hours and marks that may be deleted. Standing actuals the join lets go of by itself."""

    blobs: Blobs

    async def hours(self, limit: Hour) -> AsyncGenerator[list[Stored]]:
        """Yield the joined hours of days before ``limit`` of which no prediction is sealed any more, each a group.

        The manifest comes first: rows that it does not name count for nobody.
        """
        for model in await self.blobs.folders(JOINS):
            for folder in await self.blobs.folders(model):
                for date in await dates(self.blobs, folder):
                    first, end = hours_of(date)
                    if end > limit:
                        break
                    found = await self._by_hour(f"{folder}date={date}/")
                    if found and not await has_hours(self.blobs, next(iter(found))[0], first, end):
                        for blobs in found.values():
                            yield sorted(blobs, key=lambda one: not one.path.endswith("/_manifest.json"))

    async def marks(self, limit: Hour) -> AsyncGenerator[list[Stored]]:
        """Yield the marks of hours before ``limit`` that were joined, or are not there any more, each a group.

        So long nobody can be held up any more who would mark a generation again after it was joined.
        """
        async for stored in self.blobs.under(UNJOINED):
            shelf, hour = Shelf.at_path(stored.path), Hour.at_path(stored.path)
            if hour < limit and (stored.size_bytes or not await has_hours(self.blobs, shelf, hour, hour.plus(1))):
                yield [stored]

    async def _by_hour(self, folder: str) -> dict[tuple[Shelf, Hour], list[Stored]]:
        found: defaultdict[tuple[Shelf, Hour], list[Stored]] = defaultdict(list)
        async for stored in self.blobs.under(folder):
            found[predictions_of(stored.path)].append(stored)
        return found

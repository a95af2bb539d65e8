"""What a step is made from: the generations that were sealed and not joined yet, and the predictions that were."""

import asyncio
import contextlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

import pyarrow as pa

from shared import documents
from shared.actuals.columns import STANDING
from shared.actuals.finding import Predictions
from shared.actuals.paths import JOINS
from shared.actuals.wanted import Wanted
from shared.blobs import Blobs
from shared.bounded import each
from shared.capture.records import Kind, Shelf
from shared.errors import BlobChanged, BlobMissing
from shared.hours import Hour
from shared.sealing.hours.chain import Chain
from shared.sealing.hours.hour import Generation, read, readable
from shared.sealing.hours.listing import dates
from shared.sealing.hours.manifests import Manifests
from shared.sealing.paths import UNJOINED, chain_path, hour_folder, unjoined_folder

MOST_ACTUALS: Final = 1_000_000
"""So many actuals are looked for at a time, or those of one generation, so that any number of them takes the same memory."""
MOST_GENERATIONS: Final = 500
_OF_SEALED: Final = [name for name in STANDING.names if name not in {"key", "found"}]
_TAKEN_AT_ONCE: Final = 8
_LOWEST: Final = "-0000-0000-000000000000"
_HIGHEST: Final = "-ffff-ffff-ffffffffffff"
"""What a chain leaves out of ids."""


@dataclass(frozen=True, slots=True, order=True)
class Mark:
    """A generation that waits to be joined, and the blob that says so."""

    hour: Hour
    shelf: Shelf
    number: int
    path: str

    @classmethod
    def at_path(cls, path: str) -> "Mark":
        """Read it out of its path."""
        return cls(Hour.at_path(path), Shelf.at_path(path), int(path.rpartition("/")[2]), path)


@dataclass(slots=True)
class Sources:
    """Knows of one model what is sealed, for as long as one step takes."""

    blobs: Blobs
    manifests: Manifests
    model: str
    _days: dict[tuple[Shelf, str], dict[Hour, tuple[Generation, ...]]] = field(default_factory=dict)

    async def marks(self, kind: Kind) -> list[Mark]:
        """Return what waits to be joined, the oldest hour first."""
        folder = unjoined_folder(kind, self.model)
        return sorted([Mark.at_path(one.path) async for one in self.blobs.under(folder) if not one.size_bytes])

    async def generation(self, mark: Mark) -> Generation | None:
        """Return a generation; None as long as it is not in its hour's manifest, before which it is marked."""
        found = (await self._day(mark.shelf, mark.hour.date)).get(mark.hour, ())
        return found[mark.number] if len(found) > mark.number else None

    async def actuals(self, marks: Iterable[Mark], most: int) -> tuple[list[Mark], list[Generation]]:
        """Return those generations of actuals that make up a step."""
        taken: list[Mark] = []
        generations: list[Generation] = []
        rows = 0
        for mark in marks:
            generation = await self.generation(mark)
            if generation is None:
                continue
            rows += generation.footer.rows
            if taken and (rows > most or len(taken) == MOST_GENERATIONS):
                break
            taken.append(mark)
            generations.append(generation)
        return taken, generations

    async def rows(self, marks: Sequence[Mark], generations: Sequence[Generation]) -> pa.Table:
        """Return the rows of generations of actuals; of those that retention has taken, none."""

        async def one(place: int) -> pa.Table:
            path = f"{hour_folder(marks[place].shelf, marks[place].hour)}{generations[place].rows_file}"
            try:
                data = (await self.blobs.read(path)).data
            except BlobMissing:
                return sealed.empty_table()
            with readable(path):
                rows, _ = await asyncio.to_thread(read, data, only=_OF_SEALED)
                return rows.select(_OF_SEALED).cast(sealed)

        sealed = pa.schema([STANDING.field(name) for name in _OF_SEALED])
        return pa.concat_tables([sealed.empty_table(), *await each(range(len(marks)), one, at_once=2)])

    async def predictions(self, wanted: Wanted, marks: Sequence[Mark]) -> list[Predictions]:
        """Return generations of predictions, the oldest hour first: all of the days that may have one that is wanted.

        Those that are marked are among them, and where some are wanted by a key, all are.
        """
        found: list[Predictions] = []
        for shelf in await self._shelves():
            days = {mark.hour.date for mark in marks if mark.shelf == shelf} | await self._days_with(shelf, wanted)
            for date in sorted(days):
                found += [
                    Predictions.of(shelf, hour, generation)
                    for hour, generations in (await self._day(shelf, date)).items()
                    for generation in generations
                ]
        return sorted(found, key=lambda one: (one.hour, one.shelf, one.number))

    async def _shelves(self) -> list[Shelf]:
        folder = f"captures/hours/kind={Kind.PREDICTION}/model={self.model}/"
        return [Shelf.at_path(one) for one in await self.blobs.folders(folder)]

    async def _days_with(self, shelf: Shelf, wanted: Wanted) -> set[str]:
        """Return the days of a shelf that may have a prediction that is wanted."""
        if not wanted.actuals.num_rows:
            return set()
        chain = await documents.find(self.blobs, chain_path(shelf), Chain) if not len(wanted.keys) else None
        if chain is None:
            return set(await dates(self.blobs, f"captures/hours/{shelf.folder}/"))
        # One by one: a single id of long ago, or one that somebody made up, must not have all days between read.
        found = [
            date for date, (low, high) in chain.ids.items() if len(wanted.within(low + _LOWEST, high + _HIGHEST)[0])
        ]
        return {*found, chain.intent.date}

    async def _day(self, shelf: Shelf, date: str) -> dict[Hour, tuple[Generation, ...]]:
        if (shelf, date) not in self._days:
            sealed = await self.manifests.of(shelf, date)
            self._days[shelf, date] = {hour: manifest.generations for hour, manifest in sealed.items()}
        return self._days[shelf, date]


async def take(blobs: Blobs, paths: Iterable[str], step: int) -> None:
    """Write into marks which step took their generations, where none did so before.

    They stay for as long as a sealer may be held up that would mark the generation again.
    """

    async def one(path: str) -> None:
        with contextlib.suppress(BlobMissing, BlobChanged):
            content = await blobs.read(path)
            if not content.data:
                await blobs.replace(path, b"%d\n" % step, etag=content.etag)

    await each(paths, one, at_once=_TAKEN_AT_ONCE)


async def models(blobs: Blobs) -> list[str]:
    """Return the models of which something was sealed that can be joined, or was joined."""
    folders = [f"{UNJOINED}kind={kind}/" for kind in (Kind.PREDICTION, Kind.ACTUAL)]
    found = [one for folder in (*folders, JOINS) for one in await blobs.folders(folder)]
    return sorted({one.rstrip("/").rpartition("model=")[2] for one in found})

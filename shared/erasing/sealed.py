"""Sealed hours: rows are taken out of their files, and everything that was made from them is made again.

A generation is marked in its hour's manifest before its rows are replaced, and until its profile and its index are those
of the rows. Whatever is there of it, the rest follows from the rows file alone, so that anybody can finish it.
"""

import asyncio
import contextlib
import hashlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Final

import msgspec
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from shared import documents
from shared.blobs import Blobs
from shared.capture.records import Kind, Shelf
from shared.erasing.subject import Subject
from shared.errors import BlobChanged, BlobMissing, InvalidDocument, InvalidSchema, UnknownModel
from shared.hours import Hour
from shared.profiles import encoding
from shared.profiles.bins import Bins, digest
from shared.profiles.profile import profile
from shared.registry.baselines import Baselines
from shared.registry.manifest import Manifest
from shared.registry.store import Registry
from shared.sealing.days.finding import rolled_up
from shared.sealing.hours.chaining import Chaining
from shared.sealing.hours.hour import Footer, Generation, HourManifest, Index, read, readable, write
from shared.sealing.hours.manifests import Manifests
from shared.sealing.paths import day_folder, day_path, hour_folder, manifest_path
from shared.sealing.tables import external
from shared.sealing.tables.packed import ends, pack
from shared.sealing.tables.remote_parquet import RemoteParquet

_READ: Final = ("_id", "_external_id", "_prediction_id")


@dataclass(slots=True)
class SealedPlace:
    """The sealed hours of a model's predictions and actuals, and the days they are rolled up in."""

    blobs: Blobs
    manifests: Manifests
    registry: Registry
    baselines: Baselines
    chain: Callable[[Shelf], Chaining]
    name: str = "sealed hours"

    async def finish(self, model: str) -> None:
        """Carry out what sealers intended: what is sealed after that leaves out ids whose hashes are written down now."""
        for kind in (Kind.PREDICTION, Kind.ACTUAL):
            for shelf in await self._shelves(model, kind):
                await self.chain(shelf).finish()

    async def find(self, subject: Subject, kind: Kind) -> Subject:
        """Return the subject with the ids known of its rows."""
        async for shelf, hour, generation in self._generations(subject.model, kind):
            rows = await self._columns(shelf, hour, generation, subject)
            if rows is None:
                continue
            own = rows.filter(pa.array(subject.rows(rows, shelf.version)))
            if own.num_rows:
                told_by = own.column("_external_id").drop_null().to_pylist() if kind is Kind.PREDICTION else []
                subject = subject.knowing(own.column("_id").to_pylist(), told_by)
        return subject

    async def erase(self, subject: Subject, *, is_dry: bool) -> int:
        """Take the rows out, and finish what another one began.

        A row that came since its subject's ids were written down stays for the next pass: gone before its id is, it would
        come again with the event that brought it, were we to end in between.
        """
        found = 0
        days: dict[tuple[Shelf, str], None] = {}
        for kind in (Kind.PREDICTION, Kind.ACTUAL):
            async for shelf, hour, generation in self._generations(subject.model, kind):
                rows = await self._columns(shelf, hour, generation, subject)
                if rows is None:
                    continue
                own = rows.filter(pa.array(subject.rows(rows, shelf.version)))
                found += own.num_rows
                if is_dry:
                    continue
                if subject.known(own).any() or generation.is_erasing:
                    await self._erase(shelf, hour, generation.number, subject)
                elif generation.footer.erased:
                    await self._sweep(shelf, hour, generation)
                    days[shelf, hour.date] = None
        for shelf, date in days:
            await self._sweep_day(shelf, date)
        return found

    async def _erase(self, shelf: Shelf, hour: Hour, number: int, subject: Subject) -> None:
        """Take the rows out of one generation."""
        await self._swap(shelf, hour, number, lambda one: msgspec.structs.replace(one, is_erasing=True))
        # A day that is rolled up from here on is one that was begun before, which the deletion of its document ends.
        await self._forget_day(shelf, hour.date)
        path = f"{hour_folder(shelf, hour)}rows-{number}.parquet"
        while True:
            content = await self.blobs.read(path)
            with readable(path):
                rows, about = await asyncio.to_thread(read, content.data)
            own = subject.known(rows)
            if not own.any():
                break
            rows, about, data = await asyncio.to_thread(_without, rows, about, own)
            with contextlib.suppress(BlobChanged):
                await self.blobs.replace(path, data, etag=content.etag)
        version = await self.registry.manifest(shelf.model, shelf.version) if shelf.kind is Kind.PREDICTION else None
        profiled = await self._profile(rows, version, hour_folder(shelf, hour), number) if version else None
        index = await self._index(rows, hour_folder(shelf, hour), number) if version else None

        def done(one: Generation) -> Generation:
            return msgspec.structs.replace(
                one,
                size_bytes=len(content.data),
                sha256=hashlib.sha256(content.data).hexdigest(),
                profile=profiled,
                external=index,
                is_erasing=False,
                footer=about,
            )

        await self._swap(shelf, hour, number, done)

    async def _profile(self, rows: pa.Table, version: Manifest, folder: str, number: int) -> str | None:
        """Write the profile of the rows that are left in place of those before, and return its name."""
        name: str | None = None
        try:
            config = await self.registry.monitor_config(version.model)
            bins = (await self.baselines.current(version, config.segments)).bins
            data = await asyncio.to_thread(_profiled, rows, bins)
        except (BlobMissing, InvalidDocument, InvalidSchema, UnknownModel):
            pass  # a window profiles such rows when it needs them, as where they were sealed without
        else:
            name = f"_profile-{number}-{digest(bins)}"
            await self._place(f"{folder}{name}", data)
        await self._delete_but(f"{folder}_profile-{number}-", kept=name, folder=folder)
        return name

    async def _index(self, rows: pa.Table, folder: str, number: int) -> Index | None:
        """Write the index of the rows that are left; where none is to be found by it, an empty one takes its place.

        A sealer that was held up might write its own there, were it free.
        """
        name = f"_external-{number}"
        data = await asyncio.to_thread(external.index, rows)
        is_there = [one async for one in self.blobs.under(f"{folder}{name}") if one.path == f"{folder}{name}"]
        if data is not None or is_there:
            await self._place(f"{folder}{name}", data if data is not None else external.empty())
        return None if data is None else Index(file=name, size_bytes=len(data))

    async def _place(self, path: str, data: bytes) -> None:
        """See that a file has these bytes, whatever was there."""
        while True:
            with contextlib.suppress(BlobChanged, BlobMissing):
                try:
                    await self.blobs.create(path, data)
                except BlobChanged:
                    left = await self.blobs.read(path)
                    if left.data != data:
                        await self.blobs.replace(path, data, etag=left.etag)
                return

    async def _sweep(self, shelf: Shelf, hour: Hour, generation: Generation) -> None:
        """Delete profiles that nothing names: a sealer that was held up may have written one of rows that are gone."""
        folder = hour_folder(shelf, hour)
        await self._delete_but(f"{folder}_profile-{generation.number}-", kept=generation.profile, folder=folder)

    async def _sweep_day(self, shelf: Shelf, date: str) -> None:
        """Let a day be rolled up again that has a profile which its document does not name, for the same reason.

        Its document goes as well: whoever is about to name that profile ends there.
        """
        day = await rolled_up(documents.Reader(self.blobs), day_path(shelf, date))
        folder = day_folder(shelf, date)
        named = {"_day.json", *([day.document.profile] if day is not None else [])}
        found = {one.path.removeprefix(folder) async for one in self.blobs.under(folder)}
        if found - named:
            await self._forget_day(shelf, date)

    async def _delete_but(self, prefix: str, *, kept: str | None, folder: str) -> None:
        async for stored in self.blobs.under(prefix):
            if stored.path.removeprefix(folder) != kept:
                with contextlib.suppress(BlobMissing):
                    await self.blobs.delete(stored.path)

    async def _forget_day(self, shelf: Shelf, date: str) -> None:
        """Delete what a day was rolled up to, its document first: it is rolled up again from its hours.

        Retention may have taken some of them by then. The day's account, which it wrote down before, has more than what is
        left comes to, and so stays (see ``DayAccount.noting``).
        """
        found = [one async for one in self.blobs.under(day_folder(shelf, date))]
        for stored in sorted(found, key=lambda one: not one.path.endswith("/_day.json")):
            with contextlib.suppress(BlobMissing):
                await self.blobs.delete(stored.path)

    async def _swap(self, shelf: Shelf, hour: Hour, number: int, change: Callable[[Generation], Generation]) -> None:
        path = manifest_path(shelf, hour)

        def changed(stored: HourManifest | None) -> HourManifest:
            if stored is None:  # retention took the hour
                raise BlobMissing(path)
            generations = tuple(change(one) if one.number == number else one for one in stored.generations)
            return msgspec.structs.replace(stored, generations=generations)

        await documents.swap(self.blobs, path, HourManifest, changed)

    async def _columns(self, shelf: Shelf, hour: Hour, generation: Generation, subject: Subject) -> pa.Table | None:
        """Return the columns of a generation that tell whose rows they are; None where retention has taken it."""
        path = f"{hour_folder(shelf, hour)}{generation.rows_file}"
        while True:
            with contextlib.suppress(BlobChanged):  # another one erases from it
                try:
                    file = await RemoteParquet.open(self.blobs, path, size_bytes=None)
                    names = [*_READ, *([subject.feature] if subject.feature is not None else [])]
                    wanted = [name for name in names if name in file.schema.names]
                    return await file.read(range(len(file.ends)), wanted)
                except BlobMissing:
                    return None

    async def _generations(self, model: str, kind: Kind) -> AsyncIterator[tuple[Shelf, Hour, Generation]]:
        for shelf in await self._shelves(model, kind):
            for hour, manifest in sorted((await self.manifests.of(shelf)).items()):
                for generation in manifest.generations:
                    yield shelf, hour, generation

    async def _shelves(self, model: str, kind: Kind) -> list[Shelf]:
        return [Shelf.at_path(one) for one in await self.blobs.folders(f"captures/hours/kind={kind}/model={model}/")]


def _without(rows: pa.Table, about: Footer, own: NDArray[np.bool_]) -> tuple[pa.Table, Footer, bytes]:
    """Return rows without some of them, with what the file says of itself, and the file."""
    left = rows.filter(pa.array(~own))
    between = ends(pack(left.column("_id")))
    said = msgspec.structs.replace(
        about,
        rows=left.num_rows,
        erased=about.erased + rows.num_rows - left.num_rows,
        min_id=between[0] if between else None,
        max_id=between[1] if between else None,
    )
    return left, said, write(left, said)


def _profiled(rows: pa.Table, bins: Bins) -> bytes:
    return encoding.encode(profile(rows, bins))

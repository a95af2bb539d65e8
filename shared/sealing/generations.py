"""One sealed hour grows by one generation: rows first, their profile, and the manifest last, which makes them count."""

import asyncio
import contextlib
import hashlib
import logging
from dataclasses import dataclass

import pyarrow as pa

from shared import documents
from shared.blobs import Blobs
from shared.capture.reading import dead_part
from shared.capture.records import Kind, Shelf, dead_folder
from shared.errors import BlobChanged, BlobMissing
from shared.hours import Hour
from shared.profiles import encoding
from shared.profiles.bins import Bins, digest
from shared.profiles.profile import profile
from shared.registry.baselines import Baselines
from shared.registry.store import Registry
from shared.schema import Schema
from shared.sealing import rows as tables
from shared.sealing.hour import (
    Consumed,
    Footer,
    Generation,
    HourManifest,
    footer,
    hour_folder,
    manifest_path,
    read,
    rows_file,
    write,
)
from shared.sealing.packed import Ids, pack
from shared.sealing.rolling import forget
from shared.telemetry import Telemetry

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Logs:
    """The logs of one hour of one shelf: bytes in each, by path."""

    shelf: Shelf
    hour: Hour
    sizes: dict[str, int]

    def unconsumed(self, sealed: HourManifest | None) -> list[tuple[str, int, int]]:
        """Return the ranges of bytes that no generation was made from: path, start and end."""
        consumed = sealed.consumed if sealed else {}
        return [
            (path, consumed.get(path, 0), size)
            for path, size in sorted(self.sizes.items())
            if size > consumed.get(path, 0)
        ]


@dataclass(slots=True)
class Generations:
    """Adds generations to hours."""

    blobs: Blobs
    registry: Registry
    baselines: Baselines
    telemetry: Telemetry

    async def add(self, logs: Logs, sealed: HourManifest | None) -> HourManifest:
        """Add what no generation was made from to the hour, and return its manifest.

        Raises:
            UnknownModel: predictions of a version that is not registered.
            InvalidDocument: something that was stored cannot be read.
            BlobChanged: another one is sealing the same hour.
            StorageUnavailable: nothing is half done; do it again.
        """
        path = manifest_path(logs.shelf, logs.hour)
        folder = hour_folder(logs.shelf, logs.hour)
        number = len(sealed.generations) if sealed else 0
        schema, bins = await self._schema_of(logs.shelf)
        try:
            data = (await self.blobs.read(f"{folder}{rows_file(number)}")).data  # an interrupted sealing left it
        except BlobMissing:
            data = await self._write_rows(logs, sealed, schema)
        rows, about = await asyncio.to_thread(read, data)
        name = await self._write_profile(rows, bins, folder, number) if bins else None
        generation = Generation(
            number=number,
            rows_file=rows_file(number),
            size_bytes=len(data),
            sha256=await asyncio.to_thread(_sha256, data),
            profile=name,
            footer=about,
        )

        def add(stored: HourManifest | None) -> HourManifest:
            before = stored.generations if stored else ()
            if len(before) != number:
                raise BlobChanged(path)
            return HourManifest(
                kind=logs.shelf.kind,
                model=logs.shelf.model,
                version=logs.shelf.version,
                hour=logs.hour.key,
                generations=(*before, generation),
            )

        # Before the manifest, so that a crash right after it leaves no day that lacks the generation; and after it, because
        # one may be rolling up the day who read the hour before, and began after the first time.
        await forget(self.blobs, logs.shelf, logs.hour)
        manifest = await documents.swap(self.blobs, path, HourManifest, add)
        await forget(self.blobs, logs.shelf, logs.hour)
        self.telemetry.metric("sealed_rows", about.rows, model=logs.shelf.model, version=logs.shelf.version)
        logger.info("hour sealed", extra={"shelf": logs.shelf.folder, "hour": logs.hour.key, "rows": about.rows})
        return manifest

    async def _write_rows(self, logs: Logs, sealed: HourManifest | None, schema: Schema | None) -> bytes:
        """Write the rows of everything that no generation was made from, its dead letters first, and return them."""
        generations = sealed.generations if sealed else ()
        folder = hour_folder(logs.shelf, logs.hour)
        ranges = logs.unconsumed(sealed)
        contents = await asyncio.gather(
            *(self.blobs.read_range(path, start=start, end=end) for path, start, end in ranges)
        )
        parts = [
            Consumed(log=path, start=start, end=end, sha256=_sha256(content))
            for (path, start, end), content in zip(ranges, contents, strict=True)
        ]
        known = await self._ids(folder, generations)
        data, unreadable = await asyncio.to_thread(_generation, logs.shelf.kind, schema, parts, contents, known)
        if unreadable:
            await self._set_aside(logs, unreadable)
        await self.blobs.create(f"{folder}{rows_file(len(generations))}", data)
        return data

    async def _ids(self, folder: str, generations: tuple[Generation, ...]) -> list[Ids]:
        found: list[Ids] = []
        for generation in generations:
            content = await self.blobs.read(f"{folder}{generation.rows_file}")
            found.append(await asyncio.to_thread(_ids_in, content.data))
        return found

    async def _write_profile(self, rows: pa.Table, bins: Bins, folder: str, number: int) -> str:
        name = f"_profile-{number}-{digest(bins)}"
        data = await asyncio.to_thread(lambda: encoding.encode(profile(rows, bins)))
        with contextlib.suppress(BlobChanged):  # the same rows gave the same profile before
            await self.blobs.create(f"{folder}{name}", data)
        return name

    async def _set_aside(self, logs: Logs, letters: bytes) -> None:
        """Write dead letters under the name of their content: an interrupted sealing may have done so before."""
        name = f"sealing-{hashlib.sha256(letters).hexdigest()[:32]}.jsonl"
        with contextlib.suppress(BlobChanged):
            await self.blobs.create(f"{dead_folder(logs.hour)}{name}", letters)

    async def _schema_of(self, shelf: Shelf) -> tuple[Schema | None, Bins | None]:
        if shelf.kind is not Kind.PREDICTION:
            return None, None
        manifest = await self.registry.manifest(shelf.model, shelf.version)
        return manifest.schema.captured, (await self.baselines.current(manifest)).bins


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _ids_in(data: bytes) -> Ids:
    rows, _ = read(data, only=["_id"])
    return pack(rows.column("_id"))


def _generation(
    kind: Kind,
    schema: Schema | None,
    parts: list[Consumed],
    contents: list[bytes],
    known: list[Ids],
) -> tuple[bytes, bytes]:
    """Make a generation's rows file from the lines it consumes, and the dead letters of those that cannot be read."""
    logs = {part.log: tables.read(content, kind, schema) for part, content in zip(parts, contents, strict=True)}
    rows, doubles = tables.table([log.rows for log in logs.values()], known=known)
    unreadable = [dead_part(line, reason) for log in logs.values() for line, reason in log.unreadable]
    places = {path: log.places for path, log in logs.items()}
    about: Footer = footer(rows, consumed=parts, places_by_log=places, doubles=doubles, unreadable=len(unreadable))
    return write(rows, about), b"".join(unreadable)

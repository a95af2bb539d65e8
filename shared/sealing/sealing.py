"""Seal what can be sealed: from hour logs to rows, profiles and manifests, then move the watermark."""

import asyncio
import contextlib
import hashlib
import logging
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import timedelta

import pyarrow as pa

from shared import documents
from shared.blobs import Blobs
from shared.capture.cursor import Cursors
from shared.capture.hub import Hub
from shared.capture.records import Kind, Shelf, dead_folder, dead_part
from shared.clock import Clock
from shared.errors import BlobChanged, BlobMissing
from shared.hours import Hour
from shared.profiles import encoding
from shared.profiles.bins import Bins, digest
from shared.profiles.profile import profile
from shared.registry.baselines import Baselines
from shared.registry.store import Registry
from shared.schema import Schema
from shared.sealing import lines as decoding
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
from shared.sealing.watermark import WATERMARK_PATH, Progress, Watermark, sealable_before
from shared.telemetry import Telemetry

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Logs:
    """The logs of one hour of one shelf: bytes in each, by path."""

    shelf: Shelf
    hour: Hour
    sizes: dict[str, int]


@dataclass(slots=True)
class Sealing:
    """Seals hours, each after all earlier ones."""

    blobs: Blobs
    hub: Hub
    cursors: Cursors
    registry: Registry
    baselines: Baselines
    clock: Clock
    telemetry: Telemetry
    grace: timedelta
    _manifests: dict[str, tuple[str, HourManifest]] = field(default_factory=dict)

    async def seal(self) -> int:
        """Seal every hour that can be, add to sealed ones whose logs have grown, and return how many were written.

        Killed at any point and called again, it comes to the same state.

        Raises:
            StorageUnavailable, EventsUnavailable: what was sealed stays sealed; the rest waits for the next call.
            BlobChanged: another one is sealing the same hour; likewise.
        """
        before = await self._sealable_before()
        if before is None:
            return 0
        await self._read_changed_manifests()
        written = 0
        for logs in await self._logs_before(before):
            # More than once where an interrupted sealing left rows of a shorter log.
            while self._has_more(logs):
                await self._seal_hour(logs)
                written += 1
        await self._move_watermark(before)
        return written

    async def _sealable_before(self) -> Hour | None:
        now = self.clock.now()
        partitions = await self.hub.partitions()
        incarnation = await self.hub.incarnation()
        cursors = await asyncio.gather(*(self.cursors.read(incarnation, one.id) for one in partitions))
        progress = [Progress(one, cursor) for one, cursor in zip(partitions, cursors, strict=True)]
        return sealable_before(progress, now=now, grace=self.grace)

    async def _logs_before(self, before: Hour) -> list[_Logs]:
        """Return the logs of every hour before ``before``, earlier hours first."""
        found: defaultdict[tuple[Hour, Shelf], dict[str, int]] = defaultdict(dict)
        async for stored in self.blobs.under("captures/logs/"):
            hour = Hour.at_path(stored.path)
            if hour < before:
                found[hour, Shelf.at_path(stored.path)][stored.path] = stored.size_bytes
        return [_Logs(shelf, hour, sizes) for (hour, shelf), sizes in sorted(found.items(), key=lambda one: one[0])]

    async def _read_changed_manifests(self) -> None:
        async for stored in self.blobs.under("captures/hours/"):
            if not stored.path.endswith("/_manifest.json"):
                continue
            known = self._manifests.get(stored.path)
            if known is None or known[0] != stored.etag:
                manifest, etag = await documents.read(self.blobs, stored.path, HourManifest)
                self._manifests[stored.path] = (etag, manifest)

    def _sealed(self, logs: _Logs) -> HourManifest | None:
        known = self._manifests.get(manifest_path(logs.shelf, logs.hour))
        return known[1] if known else None

    def _has_more(self, logs: _Logs) -> bool:
        """Whether the logs hold bytes that no generation was made from."""
        sealed = self._sealed(logs)
        consumed = sealed.consumed if sealed else {}
        return any(size > consumed.get(path, 0) for path, size in logs.sizes.items())

    async def _seal_hour(self, logs: _Logs) -> None:
        """Add one generation: rows first, profile from the rows, and the manifest last, which makes them count."""
        path = manifest_path(logs.shelf, logs.hour)
        folder = hour_folder(logs.shelf, logs.hour)
        sealed = self._sealed(logs)
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
            sha256=hashlib.sha256(data).hexdigest(),
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

        # Without an ETag, it is read again before the next time.
        self._manifests[path] = "", await documents.swap(self.blobs, path, HourManifest, add)
        self.telemetry.metric("sealed_rows", about.rows, model=logs.shelf.model, version=logs.shelf.version)
        logger.info("hour sealed", extra={"shelf": logs.shelf.folder, "hour": logs.hour.key, "rows": about.rows})

    async def _write_rows(self, logs: _Logs, sealed: HourManifest | None, schema: Schema | None) -> bytes:
        """Write the rows of everything that no generation was made from, its dead letters first, and return them."""
        generations = sealed.generations if sealed else ()
        consumed = sealed.consumed if sealed else {}
        folder = hour_folder(logs.shelf, logs.hour)
        parts = [
            Consumed(log=path, start=consumed.get(path, 0), end=size)
            for path, size in sorted(logs.sizes.items())
            if size > consumed.get(path, 0)
        ]
        contents = await asyncio.gather(
            *(self.blobs.read_range(part.log, start=part.start, end=part.end) for part in parts)
        )
        known = await self._ids(folder, generations)
        data, unreadable = await asyncio.to_thread(_generation, logs.shelf.kind, schema, parts, contents, known)
        if unreadable:
            await self._set_aside(logs, unreadable)
        await self.blobs.create(f"{folder}{rows_file(len(generations))}", data)
        return data

    async def _ids(self, folder: str, generations: tuple[Generation, ...]) -> frozenset[str]:
        found: set[str] = set()
        for generation in generations:
            content = await self.blobs.read(f"{folder}{generation.rows_file}")
            rows, _ = await asyncio.to_thread(read, content.data, only=["_id"])
            found.update(rows.column("_id").to_pylist())
        return frozenset(found)

    async def _write_profile(self, rows: pa.Table, bins: Bins, folder: str, number: int) -> str:
        name = f"_profile-{number}-{digest(bins)}"
        data = encoding.encode(await asyncio.to_thread(profile, rows, bins))
        with contextlib.suppress(BlobChanged):  # the same rows gave the same profile before
            await self.blobs.create(f"{folder}{name}", data)
        return name

    async def _set_aside(self, logs: _Logs, letters: bytes) -> None:
        """Write dead letters under the name of their content: an interrupted sealing may have done so before."""
        name = f"sealing-{hashlib.sha256(letters).hexdigest()[:32]}.jsonl"
        with contextlib.suppress(BlobChanged):
            await self.blobs.create(f"{dead_folder(logs.hour)}{name}", letters)

    async def _schema_of(self, shelf: Shelf) -> tuple[Schema | None, Bins | None]:
        if shelf.kind is not Kind.PREDICTION:
            return None, None
        manifest = await self.registry.manifest(shelf.model, shelf.version)
        return manifest.schema, (await self.baselines.current(manifest)).bins

    async def _move_watermark(self, before: Hour) -> None:
        def forward(old: Watermark | None) -> Watermark:
            return old if old is not None and old.hour >= before else Watermark(before=before.key)

        await documents.swap(self.blobs, WATERMARK_PATH, Watermark, forward)


def _generation(
    kind: Kind,
    schema: Schema | None,
    parts: list[Consumed],
    contents: list[bytes],
    known: frozenset[str],
) -> tuple[bytes, bytes]:
    """Make a generation's rows file from the lines it consumes, and the dead letters of those that cannot be read."""
    line_type = decoding.line_type(kind, schema)
    decoded = {part.log: decoding.decode(content, line_type) for part, content in zip(parts, contents, strict=True)}
    everything = [line for one in decoded.values() for line in one.read]
    unreadable = [dead_part(line, reason) for one in decoded.values() for line, reason in one.unreadable]
    rows, doubles = tables.table(everything, kind, schema, known=known)
    places = {log: one.places for log, one in decoded.items()}
    about: Footer = footer(rows, consumed=parts, places_by_log=places, doubles=doubles, unreadable=len(unreadable))
    return write(rows, about), b"".join(unreadable)

"""One sealed hour grows by one generation: rows first, their profile, and the manifest last, which makes them count."""

import asyncio
import contextlib
import hashlib
import io
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from shared import documents
from shared.blobs import Blobs
from shared.capture.reading import dead_part
from shared.capture.records import Kind, Shelf, dead_folder
from shared.errors import BlobChanged, BlobMissing, InvalidDocument, InvalidSchema, UnknownModel
from shared.hours import Hour
from shared.profiles import encoding
from shared.profiles.bins import Bins, digest
from shared.profiles.profile import profile
from shared.registry.baselines import Baselines
from shared.registry.manifest import Manifest
from shared.registry.store import Registry
from shared.schema import Schema
from shared.sealing.hours.chain import Intent
from shared.sealing.hours.doubles import Doubles, RowsFile
from shared.sealing.hours.erased import ErasedIds, among
from shared.sealing.hours.failures import counted
from shared.sealing.hours.hour import (
    Consumed,
    Footer,
    Generation,
    HourManifest,
    Index,
    footer,
    read,
    readable,
    rows_file,
    write,
)
from shared.sealing.paths import day_path, hour_folder, manifest_path, unjoined_path
from shared.sealing.tables import external
from shared.sealing.tables import rows as tables
from shared.sealing.tables.packed import Ids, ends, pack
from shared.telemetry import Telemetry

logger = logging.getLogger(__name__)

_JOINED: Final = (Kind.PREDICTION, Kind.ACTUAL)

FindFiles = Callable[[tuple[str, str]], Awaitable[Iterable[RowsFile]]]
"""Says which rows, sealed before, may have an id between two, both included."""


@dataclass(frozen=True, slots=True)
class _Decoded:
    """What some bytes of logs hold, or what is imported.

    ``rows`` have their doubles, and no id where ``ids``, packed, are None.
    """

    kind: Kind
    consumed: tuple[Consumed, ...]
    rows: pa.Table
    ids: Ids | None
    places: dict[str, NDArray[np.int64]]
    letters: tuple[bytes, ...]
    is_imported: bool = False


@dataclass(slots=True)
class Generations:
    """Adds generations to hours."""

    blobs: Blobs
    registry: Registry
    baselines: Baselines
    doubles: Doubles
    telemetry: Telemetry
    erased: ErasedIds = field(init=False)

    def __post_init__(self) -> None:
        self.erased = ErasedIds(self.blobs)

    async def add(self, shelf: Shelf, intent: Intent, contents: Sequence[bytes], find_files: FindFiles) -> HourManifest:
        """Carry out an intent over ``contents``, and return the hour's manifest.

        Those are of its ranges, or the rows that are imported instead. What another one has done of it already is left as it is.

        Raises:
            UnknownModel: predictions of a version that is not registered.
            InvalidDocument: something that was stored cannot be read.
            BlobChanged: the hour has not come as far as the intent says.
            StorageUnavailable: nothing is half done; do it again.
        """
        hour = Hour.parse(intent.hour)
        folder = hour_folder(shelf, hour)
        version = await self.registry.manifest(shelf.model, shelf.version) if shelf.kind is Kind.PREDICTION else None
        decoded = await asyncio.to_thread(
            _decode, shelf.kind, version.schema.captured if version else None, intent, contents
        )
        if decoded.letters:
            await self._set_aside(hour, b"".join(decoded.letters))
        path = f"{folder}{rows_file(intent.generation)}"
        # The intent was written before: erasure carries out what was intended before it, and looks at the rows then.
        erased = await self.erased.of(shelf.model)
        rows, about, data = await self._write_rows(path, decoded, find_files, erased)
        generation = Generation(
            number=intent.generation,
            rows_file=rows_file(intent.generation),
            size_bytes=len(data),
            sha256=await asyncio.to_thread(_sha256, data),
            profile=await self._write_profile(rows, version, folder, intent.generation) if version else None,
            external=await self._write_index(rows, folder, intent.generation) if version else None,
            footer=about,
        )
        # Before the manifest: a crash between the two would leave a generation that nobody ever joins.
        if about.rows and shelf.kind in _JOINED:
            await self._mark(shelf, hour, intent.generation)
        # Before the manifest: a crash between the two would leave a day that lacks the generation for good.
        await self._forget_day(shelf, hour)
        manifest = await self._commit(shelf, hour, generation)
        self.telemetry.metric("sealed_rows", about.rows, model=shelf.model, version=shelf.version)
        logger.info("hour sealed", extra={"shelf": shelf.folder, "hour": hour.key, "rows": about.rows})
        return manifest

    async def _write_rows(
        self, path: str, decoded: _Decoded, find_files: FindFiles, erased: frozenset[str]
    ) -> tuple[pa.Table, Footer, bytes]:
        """Write what is no double and was not erased, and return it: rows, footer and file."""
        first: NDArray[np.bool_] | None = None
        between = ends(decoded.ids) if decoded.ids is not None else None
        if decoded.ids is not None and between is not None:
            first = await self.doubles.first_ones(decoded.ids, await find_files(between))
        rows, about, data = await asyncio.to_thread(_file, decoded, first, erased)
        try:
            await self.blobs.create(path, data)
        except BlobChanged:  # by whoever carried out the intent before: it wrote the same
            data = (await self.blobs.read(path)).data
            with readable(path):
                rows, about = await asyncio.to_thread(read, data)
        else:
            if decoded.ids is not None and first is not None:
                await self.doubles.remember(path, decoded.ids[first])
        return rows, about, data

    async def _write_profile(self, rows: pa.Table, version: Manifest, folder: str, number: int) -> str | None:
        """Write the profile of rows, and return its name; None where the version's bins cannot be had.

        A window profiles such rows when it needs them: that a baseline is damaged must not keep rows from being sealed.
        """
        try:
            config = await self.registry.monitor_config(version.model)
            bins = (await self.baselines.current(version, config.segments)).bins
            data = await asyncio.to_thread(_profile, rows, bins)
        except (BlobMissing, InvalidDocument, InvalidSchema, UnknownModel) as fault:
            self.telemetry.exception(fault, model=version.model, version=version.version)
            return None
        name = f"_profile-{number}-{digest(bins)}"
        with contextlib.suppress(BlobChanged):  # the same rows gave the same profile before
            await self.blobs.create(f"{folder}{name}", data)
        return name

    async def _write_index(self, rows: pa.Table, folder: str, number: int) -> Index | None:
        """Write which rows have which external id, where any has one."""
        data = await asyncio.to_thread(external.index, rows)
        if data is None:
            return None
        name = f"_external-{number}"  # no .parquet: who reads all of those in the folder reads rows
        with contextlib.suppress(BlobChanged):  # the same rows gave the same index before
            await self.blobs.create(f"{folder}{name}", data)
        return Index(file=name, size_bytes=len(data))

    async def _mark(self, shelf: Shelf, hour: Hour, number: int) -> None:
        """Mark a generation as one to be joined; one that was marked before may be joined already, and stays as it is."""
        with contextlib.suppress(BlobChanged):
            await self.blobs.create(unjoined_path(shelf, hour, number), b"")

    async def _commit(self, shelf: Shelf, hour: Hour, generation: Generation) -> HourManifest:
        path = manifest_path(shelf, hour)

        def add(stored: HourManifest | None) -> HourManifest:
            before = stored.generations if stored else ()
            if stored is not None and len(before) > generation.number:
                return stored
            if len(before) < generation.number:
                raise BlobChanged(path)
            return HourManifest(
                kind=shelf.kind,
                model=shelf.model,
                version=shelf.version,
                hour=hour.key,
                generations=(*before, generation),
            )

        return await documents.swap(self.blobs, path, HourManifest, add)

    async def _forget_day(self, shelf: Shelf, hour: Hour) -> None:
        """Let go of the rolled-up day of an hour that is to gain a generation, which stands in the chain as an intent."""
        async for stored in self.blobs.under(day_path(shelf, hour.date)):
            with contextlib.suppress(BlobMissing):
                await self.blobs.delete(stored.path)

    async def _set_aside(self, hour: Hour, letters: bytes) -> None:
        """Write dead letters under the name of their content: an interrupted sealing may have done so before."""
        with contextlib.suppress(BlobChanged):
            await self.blobs.create(f"{dead_folder(hour)}sealing-{_sha256(letters)[:32]}.jsonl", letters)


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _profile(rows: pa.Table, bins: Bins) -> bytes:
    return encoding.encode(profile(rows, bins))


def _decode(kind: Kind, schema: Schema | None, intent: Intent, contents: Sequence[bytes]) -> _Decoded:
    """Read what an intent consumes: the one place where lines become rows.

    Raises:
        InvalidDocument: it is not what was written.
    """
    if intent.imported is not None:
        (data,) = contents
        with readable(intent.imported):
            waiting = pq.ParquetFile(io.BytesIO(data)).read()
            return _Decoded(kind, (), waiting, pack(waiting.column("_id")), {}, (), is_imported=True)
    logs = {
        part.log: tables.read(data, kind, schema, path=part.log)
        for part, data in zip(intent.ranges, contents, strict=True)
    }
    rows = tables.table({path: log.rows for path, log in logs.items()})
    return _Decoded(
        kind,
        tuple(
            Consumed(log=part.log, start=part.start, end=part.end, sha256=_sha256(data))
            for part, data in zip(intent.ranges, contents, strict=True)
        ),
        rows,
        pack(rows.column("_id")) if "_id" in rows.column_names else None,
        {path: log.places for path, log in logs.items()},
        tuple(dead_part(line, reason) for log in logs.values() for line, reason in log.unreadable),
    )


def _file(
    decoded: _Decoded, first: NDArray[np.bool_] | None, erased: frozenset[str] = frozenset()
) -> tuple[pa.Table, Footer, bytes]:
    """Make a generation's file of those rows that stand there for the ``first`` time (of all, where that is None).

    Records whose ids were ``erased`` are left out, as often as they stand there.
    """
    rows = decoded.rows
    is_erased = among(rows.column("_id"), erased) if "_id" in rows.column_names else np.zeros(rows.num_rows, dtype=bool)
    kept = ~is_erased if first is None else first & ~is_erased
    if not kept.all():
        rows = rows.filter(pa.array(kept))
    left_out = int(is_erased.sum())
    about = footer(
        rows,
        consumed=decoded.consumed,
        places_by_log=decoded.places,
        # What is imported twice is in no log, and no log's records are to add up with it.
        doubles=0 if decoded.is_imported else decoded.rows.num_rows - rows.num_rows - left_out,
        unreadable=len(decoded.letters),
        imported=rows.num_rows if decoded.is_imported else 0,
        erased=0 if decoded.is_imported else left_out,
        # Of no other kind: columns of predictions may have the same names, and what is in them is nobody's business.
        failures=counted(rows) if decoded.kind is Kind.FAILURE else None,
    )
    return rows, about, write(rows, about)

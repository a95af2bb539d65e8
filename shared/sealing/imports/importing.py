"""Add a history to sealed hours, one generation of the chain after the other, as sealing does.

What is added waits in storage before it stands in the chain as an intent. So whoever comes next, a sealer as well, can
finish an import that was killed, and an hour has all of its piece or nothing.
"""

import asyncio
import contextlib
import hashlib
import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from shared import documents
from shared.blobs import Blobs
from shared.capture.records import Kind, Shelf
from shared.clock import Clock
from shared.errors import BlobChanged, Misfit, NotSealed
from shared.hours import Hour
from shared.ids import NONE
from shared.registry.manifest import Manifest
from shared.registry.store import Registry
from shared.scoring.privacy import Masks
from shared.sealing.hours.chaining import Chaining
from shared.sealing.hours.generations import Generations
from shared.sealing.hours.manifests import Manifests
from shared.sealing.hours.watermark import WATERMARK_PATH, Watermark
from shared.sealing.imports.history import Columns, History, Part
from shared.sealing.imports.minting import MOST_ROWS, actuals, by_hour, by_time, in_order, numbers
from shared.sealing.imports.moments import Moments
from shared.sealing.tables.packed import pack

MOST_MISFITS: Final = 20

Source: TypeAlias = Callable[[], Iterator[pa.Table]]
"""Reads a file from its beginning, piece by piece, each time it is called."""


@dataclass(slots=True)
class Checked:
    """What is known of a file once all of it was looked at.

    Attributes:
        rows: how many fit.
        bad_rows: how many do not.
        misfits: what does not fit of them, the first twenty.
        hours: how many hours the rows are of.
        later_actuals: how many actuals of these rows are left out, because they were known in an hour that is not sealed
            yet: they can be added once it is.
        is_ordered: whether these never fall from one row to the next, so that the file is read piece by piece.
    """

    rows: int = 0
    bad_rows: int = 0
    misfits: tuple[Misfit, ...] = ()
    hours: int = 0
    later_actuals: int = 0
    is_ordered: bool = True


@dataclass(slots=True)
class Added:
    """What an import came to: what was added, and what was there already."""

    predictions: int = 0
    predictions_known: int = 0
    actuals: int = 0
    actuals_known: int = 0


@dataclass(slots=True)
class Importing:
    """Imports histories."""

    blobs: Blobs
    registry: Registry
    manifests: Manifests
    generations: Generations
    clock: Clock
    privacy_key: bytes
    hours_kept_days: int
    most_told: int = MOST_ROWS
    """So many actuals at least are added together: each lot of them is a generation more of every hour it is of."""
    _chains: dict[Shelf, Chaining] = field(default_factory=dict)

    async def history(
        self, model: str, version: str, columns: Columns, *, naive_is_utc: bool
    ) -> tuple[Manifest, History]:
        """Return a version, and what reads a history of it.

        Raises:
            UnknownModel: it is not registered.
            UnfitPrivacyKey: its features are hashed with another key than there is.
            NotSealed: nothing is sealed yet, so that no hour can be added to.
        """
        manifest = await self.registry.manifest(model, version)
        watermark = await documents.find(self.blobs, WATERMARK_PATH, Watermark)
        now = self.clock.now()
        if watermark is None:
            raise NotSealed(Hour.containing(now).key, before=None)
        # Days go as a whole, and the one that goes next may be going while it is added to.
        oldest = now - timedelta(days=self.hours_kept_days - 1)
        first = Hour.containing(oldest.replace(hour=0)) if self.hours_kept_days else None
        masks = Masks(manifest.schema, model=model, key=self.privacy_key)
        return manifest, History(manifest, columns, masks, Moments(first, watermark.hour, naive_is_utc))

    async def check(self, history: History, source: Source) -> Checked:
        """Look at every row of a file, and write nothing.

        Raises:
            InvalidSchema: a column is missing, or holds no times.
        """
        return await asyncio.to_thread(_check, history, source)

    async def add(
        self, manifest: Manifest, history: History, source: Source, checked: Checked, *, done: Callable[[int], None]
    ) -> Added:
        """Add what fits of a file, hour by hour, and return what that came to; ``done`` is told how many hours were.

        Run again after it was killed, or with the same file, it adds what is missing.

        Raises:
            StorageUnavailable, BlobChanged: hours that were added stay; the rest waits for the next try.
        """
        added = Added()
        told: list[pa.Table] = []
        waiting = 0
        parts = _parts(history, source) if checked.is_ordered else iter([in_order(list(_parts(history, source)))])
        pieces = by_hour(parts, manifest)
        hours: set[Hour] = set()
        while (piece := await asyncio.to_thread(next, pieces, None)) is not None:
            shelf = Shelf(Kind.PREDICTION, manifest.model, manifest.version)
            new = await self._add(shelf, piece.hour, piece.predictions)
            added.predictions += new
            added.predictions_known += piece.predictions.num_rows - new
            told.append(actuals(piece, manifest))
            waiting += told[-1].num_rows
            if waiting >= self.most_told:
                await self._add_told(told, manifest, added)
                told, waiting = [], 0
            hours.add(piece.hour)
            done(len(hours))
        await self._add_told(told, manifest, added)
        return added

    async def _add_told(self, told: Sequence[pa.Table], manifest: Manifest, added: Added) -> None:
        """Add actuals, whose predictions are there, to the hours they were known in."""
        for hour, records in by_time(told) if told else ():
            new = await self._add(Shelf(Kind.ACTUAL, manifest.model, NONE), hour, records)
            added.actuals += new
            added.actuals_known += records.num_rows - new

    async def _add(self, shelf: Shelf, hour: Hour, records: pa.Table) -> int:
        """Add those records to an hour that the shelf does not have, and return how many those are."""
        chain = self._chains.get(shelf)
        if chain is None:
            chain = self._chains[shelf] = Chaining(shelf, self.blobs, self.manifests, self.generations)
        new = await chain.first_ones(pack(records.column("_id")))
        if not new.any():
            return 0
        data = await asyncio.to_thread(_parquet, records.filter(pa.array(new)))
        path = f"captures/imports/{shelf.folder}/{hour.folder}/{hashlib.sha256(data).hexdigest()}.parquet"
        with contextlib.suppress(BlobChanged):  # an import that was killed left it
            await self.blobs.create(path, data)
        generation = await chain.add_imported(hour, path, data)
        return generation.footer.rows


def _check(history: History, source: Source) -> Checked:
    found = Checked()
    hours: set[int] = set()
    last = -1
    for part in _parts(history, source):
        found.rows += part.records.num_rows
        found.bad_rows += part.bad_rows
        found.later_actuals += part.later_actuals
        found.misfits = (*found.misfits, *part.misfits)[:MOST_MISFITS]
        of_part = numbers(part.records)
        if not len(of_part):
            continue
        found.is_ordered &= bool(of_part[0] >= last) and bool((np.diff(of_part) >= 0).all())
        last = int(of_part[-1])
        hours.update(np.unique(of_part).tolist())
    found.hours = len(hours)
    return found


def _parts(history: History, source: Source) -> Iterator[Part]:
    first_row = 0
    for rows in source():
        if not first_row:
            history.check(rows.column_names)
        yield history.read(rows, first_row=first_row)
        first_row += rows.num_rows


def _parquet(rows: pa.Table) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(rows, buffer, compression="zstd", compression_level=3)
    return buffer.getvalue()

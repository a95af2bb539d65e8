"""Hours as sealing leaves them, of rows that nobody sent: their files, and the manifest that names these."""

import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from shared import documents
from shared.blobs import Blobs
from shared.capture.records import Shelf
from shared.hours import Hour
from shared.sealing.hours.hour import Generation, HourManifest, footer, rows_file, write
from shared.sealing.paths import hour_folder, manifest_path


async def seal(blobs: Blobs, shelf: Shelf, hour: Hour, rows: pa.Table, *, generation_rows: int) -> range:
    """Write an hour in generations of so many rows, counting, and return their numbers; they have no profiles."""
    generations: list[Generation] = []
    for number, begin in enumerate(range(0, rows.num_rows, generation_rows)):
        part = rows.slice(begin, generation_rows)
        about = footer(part, consumed=[], places_by_log={}, doubles=0, unreadable=0)
        data = write(part, about)
        await blobs.create(f"{hour_folder(shelf, hour)}{rows_file(number)}", data)
        generations.append(
            Generation(
                number=number,
                rows_file=rows_file(number),
                size_bytes=len(data),
                sha256=hashlib.sha256(data).hexdigest(),
                profile=None,
                footer=about,
            )
        )
    manifest = HourManifest(
        kind=shelf.kind, model=shelf.model, version=shelf.version, hour=hour.key, generations=tuple(generations)
    )
    await blobs.create(manifest_path(shelf, hour), documents.encode(manifest))
    return range(len(generations))


def table(columns: Mapping[str, Any], wanted: pa.Schema) -> pa.Table:
    """Return columns in the order and the types that are wanted; those that are not given are empty."""
    rows = len(columns["_id"])
    arrays = [
        pa.array(columns[field.name], field.type) if field.name in columns else pa.nulls(rows, field.type)
        for field in wanted
    ]
    return pa.table(arrays, schema=wanted)


def ids(milliseconds: NDArray[np.int64], rng: np.random.Generator) -> pa.Array:
    """Return UUIDv7s of some moments, as ``shared.ids.uuid7`` makes them, millions at a time."""
    rows = len(milliseconds)
    bits = rng.integers(0, 256, (rows, 16), dtype=np.uint8)
    bits[:, :6] = milliseconds.astype(">u8").view(np.uint8).reshape(rows, 8)[:, 2:]
    bits[:, 6] = 0x70 | (bits[:, 6] & 0x0F)
    bits[:, 8] = 0x80 | (bits[:, 8] & 0x3F)
    digits = np.frombuffer(bits.tobytes().hex().encode(), np.uint8).reshape(rows, 32)
    hyphen = np.full((rows, 1), ord("-"), np.uint8)
    parts = [digits[:, :8], digits[:, 8:12], digits[:, 12:16], digits[:, 16:20], digits[:, 20:]]
    text = np.hstack([piece for part in parts for piece in (part, hyphen)][:-1])
    offsets = np.arange(rows + 1, dtype=np.int32) * 36
    return pa.StringArray.from_buffers(rows, pa.py_buffer(offsets.tobytes()), pa.py_buffer(text.tobytes()))

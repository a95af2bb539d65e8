"""Baselines: what a version's training data looked like, or a newer normal, in the form windows are compared in."""

import asyncio
import hashlib
import io
from dataclasses import dataclass, field
from typing import Final

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from shared.blobs import Blobs
from shared.documents import Document
from shared.errors import BlobMissing
from shared.profiles import encoding
from shared.profiles.bins import Bins, digest
from shared.profiles.hourly import Hours
from shared.profiles.joint_cutting import thinned
from shared.profiles.profile import Profile
from shared.profiles.segments import Segments, profile_segments, segmented
from shared.registry.manifest import Manifest, baseline_name
from shared.registry.store import Registry

BINS_FILE: Final = "_bins"
PROFILE_FILE: Final = "_profile"
HOURS_FILE: Final = "_hours.parquet"
ROWS_FILE: Final = "rows.parquet"
ORIGIN_FILE: Final = "origin.json"

MOST_ROWS: Final = 20_000


class Origin(Document, frozen=True, kw_only=True):
    """Where a baseline that was accepted later comes from; the first one comes from the training data.

    Attributes:
        start: the first hour of the new normal.
        end: the first hour that is not in it any more.
        rows: how many predictions it has.
        inputs: the SHA-256 of every hour's manifest, by path.
    """

    start: str
    end: str
    rows: int
    inputs: dict[str, str]


@dataclass(frozen=True, slots=True)
class Baseline:
    """One baseline: its bins, over which everything compared with it is counted, and its own counts.

    ``inputs`` are the SHA-256 of the files it was read from, by path.
    """

    folder: str
    bins: Bins
    profile: Profile
    inputs: dict[str, str]

    @property
    def name(self) -> str:
        """Return its number."""
        return self.folder.rstrip("/").rsplit("/", 1)[1]

    @property
    def is_accepted(self) -> bool:
        """Whether it was accepted later, and so is of predictions; the first one is of training data."""
        return not self.folder.endswith(f"/{baseline_name(1)}")


@dataclass(slots=True)
class Baselines:
    """The baselines of all versions. Each is written once and kept in memory; which one is current is read afresh."""

    blobs: Blobs
    registry: Registry
    _read: dict[tuple[str, tuple[str, ...]], Baseline] = field(default_factory=dict)

    async def current(self, manifest: Manifest, segments: tuple[str, ...] = ()) -> Baseline:
        """Return the baseline that a version is compared with now, by the values of some features as well.

        The whole is counted over all rows of the baseline. Its segments are counted over the rows that are kept of it,
        because which ones are wanted is said later than when it is made.
        """
        folder = await self.registry.current_baseline(manifest)
        if (folder, segments) not in self._read:
            whole = self._read.get((folder, ())) or await self._whole(folder)
            self._read[folder, ()] = whole
            self._read[folder, segments] = await self._segmented(whole, segments)
        return self._read[folder, segments]

    async def _whole(self, folder: str) -> Baseline:
        read = {
            path: (await self.blobs.read(path)).data for path in (f"{folder}{BINS_FILE}", f"{folder}{PROFILE_FILE}")
        }
        bins, found = read.items()
        return Baseline(
            folder,
            encoding.decode(bins[1], Bins, path=bins[0]),
            encoding.decode(found[1], Profile, path=found[0]),
            {path: hashlib.sha256(data).hexdigest() for path, data in read.items()},
        )

    async def _segmented(self, whole: Baseline, segments: tuple[str, ...]) -> Baseline:
        bins = segmented(whole.bins, whole.profile.features, segments)
        if not bins.segments:
            return whole
        path = f"{whole.folder}{ROWS_FILE}"
        data = (await self.blobs.read(path)).data
        found = await asyncio.to_thread(_profile_segments, data, bins)
        profile = msgspec.structs.replace(whole.profile, bins=digest(bins), segments=found)
        return Baseline(whole.folder, bins, profile, whole.inputs | {path: hashlib.sha256(data).hexdigest()})

    async def hours(self, baseline: Baseline) -> Hours:
        """Return a baseline hour by hour, oldest first: none of training data without times.

        They are up to 32 MiB, decoded as they are gone through, and are not kept.
        """
        path = f"{baseline.folder}{HOURS_FILE}"
        try:
            data = (await self.blobs.read(path)).data
        except BlobMissing:
            data = b""
        return Hours(data, path, baseline.profile.bins)


def _profile_segments(data: bytes, bins: Bins) -> Segments:
    return profile_segments(pq.ParquetFile(io.BytesIO(data)).read(), bins)


def rows_file(rows: pa.Table) -> bytes:
    """Return at most 20,000 rows, evenly spread, as Parquet."""
    buffer = io.BytesIO()
    pq.write_table(thinned(rows, MOST_ROWS), buffer, compression="zstd", compression_level=3)
    return buffer.getvalue()

"""Baselines: what a version's training data looked like, or a newer normal, in the form windows are compared in."""

import io
from dataclasses import dataclass, field
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

from shared.blobs import Blobs
from shared.documents import Document
from shared.errors import BlobMissing
from shared.profiles import encoding
from shared.profiles.bins import Bins
from shared.profiles.hourly import Hours
from shared.profiles.joint_cutting import thinned
from shared.profiles.profile import Profile
from shared.registry.manifest import Manifest
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
    """One baseline: its bins, over which everything compared with it is counted, and its own counts."""

    folder: str
    bins: Bins
    profile: Profile


@dataclass(slots=True)
class Baselines:
    """The baselines of all versions. Each is written once and kept in memory; which one is current is read afresh."""

    blobs: Blobs
    registry: Registry
    _read: dict[str, Baseline] = field(default_factory=dict)

    async def current(self, manifest: Manifest) -> Baseline:
        """Return the baseline that a version is compared with now."""
        folder = await self.registry.current_baseline(manifest)
        if folder not in self._read:
            bins = await self.blobs.read(f"{folder}{BINS_FILE}")
            profile = await self.blobs.read(f"{folder}{PROFILE_FILE}")
            self._read[folder] = Baseline(
                folder,
                encoding.decode(bins.data, Bins, path=f"{folder}{BINS_FILE}"),
                encoding.decode(profile.data, Profile, path=f"{folder}{PROFILE_FILE}"),
            )
        return self._read[folder]

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


def rows_file(rows: pa.Table) -> bytes:
    """Return at most 20,000 rows, evenly spread, as Parquet."""
    buffer = io.BytesIO()
    pq.write_table(thinned(rows, MOST_ROWS), buffer, compression="zstd", compression_level=3)
    return buffer.getvalue()

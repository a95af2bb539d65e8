"""Baselines: what a version's training data looked like, in the form windows are compared in."""

from dataclasses import dataclass, field

from shared.blobs import Blobs
from shared.profiles import encoding
from shared.profiles.bins import Bins
from shared.profiles.profile import Profile
from shared.registry.manifest import Manifest
from shared.registry.store import Registry

BINS_FILE = "_bins"
PROFILE_FILE = "_profile"
ROWS_FILE = "rows.parquet"


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

"""Baselines: rows that are kept of them, and the samples in their profiles; what is counted tells of nobody, and stays.

The rows that are kept of training data say by their ids whose they are, where they were captured before. Versions that are not
registered yet are looked at as well: whoever registers one asks, once its baseline is there, whether somebody in it was erased.

An accepted baseline calls values by their names that are usual in its rows. One that all rows are erased by is a name for
nothing from then on, and gets another.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import count
from typing import Final

import msgspec

from shared.blobs import Blobs
from shared.erasing.copies import Change, rewrite, without_rows
from shared.erasing.subject import Subject, Value, is_same
from shared.errors import BlobMissing
from shared.profiles import encoding
from shared.profiles.bins import Bins, CategoricalBins, digest
from shared.profiles.categorical import CategoricalProfile, hash_of_value
from shared.profiles.features import FeatureProfile
from shared.profiles.hourly import Hours, encode_hours
from shared.profiles.profile import Profile
from shared.profiles.sample import Sample
from shared.registry.baselines import BINS_FILE, HOURS_FILE, PROFILE_FILE, ROWS_FILE
from shared.registry.manifest import Manifest
from shared.registry.store import Registry
from shared.sealing.hours.erased import hash_of

_NAMELESS: Final = "(erased)"


@dataclass(slots=True)
class BaselinesPlace:
    """The baselines of a model's versions."""

    blobs: Blobs
    registry: Registry
    name: str = "baselines"

    async def erase(self, subject: Subject, *, is_dry: bool) -> int:
        """Take the rows out."""
        found = 0
        registered = {one.version: one for one in await self.registry.versions(subject.model)}
        for place in await self.blobs.folders(f"models/{subject.model}/"):
            version = registered.get(place.split("/")[2])
            name = _name(subject, version) if version is not None else None
            for folder in await self.blobs.folders(f"{place}baselines/"):
                said = version.version if version is not None else None
                found += await self._erase(folder, subject, said, name, is_dry=is_dry)
        return found

    async def _erase(
        self, folder: str, subject: Subject, version: str | None, name: str | None, *, is_dry: bool
    ) -> int:
        """Take the rows out of one; the bins come last, since they say which of their names is to go.

        ``version`` None, of one that is not registered, is for the value in any form.
        """
        bins = await self._bins(folder)
        renamed = without_name(bins, subject.feature, name) if bins is not None else None
        changes: dict[str, Change] = {
            ROWS_FILE: without_rows(subject, version),
            HOURS_FILE: _without_hourly_samples(subject, version or ""),
            PROFILE_FILE: _without_samples(
                subject, version or "", bins=digest(renamed) if renamed is not None else None
            ),
            BINS_FILE: _being(renamed),
        }
        found = 0
        for file, change in changes.items():
            found += await rewrite(self.blobs, f"{folder}{file}", change, is_dry=is_dry)
        return found

    async def _bins(self, folder: str) -> Bins | None:
        path = f"{folder}{BINS_FILE}"
        try:
            return encoding.decode((await self.blobs.read(path)).data, Bins, path=path)
        except BlobMissing:
            return None


def _name(subject: Subject, version: Manifest) -> str | None:
    """Return the subject's value if it may be the name of a bin: one that the version itself knows is none of its baseline's."""
    known = next((one.categories for one in version.schema.features if one.name == subject.feature), None)
    value = subject.stored.get(version.version)
    return value if isinstance(value, str) and value not in (known or ()) else None


def without_name(bins: Bins, feature: str | None, name: str | None) -> Bins:
    """Return bins in which a value has no name: they count the others over the same bins as before."""
    of = bins.features.get(feature) if feature is not None else None
    if name is None or not isinstance(of, CategoricalBins) or name not in of.categories:
        return bins
    other = next(one for one in _names() if one not in of.categories)
    categories = tuple(other if one == name else one for one in of.categories)
    return msgspec.structs.replace(
        bins, features={**bins.features, str(feature): CategoricalBins(categories=categories)}
    )


def _names() -> Iterator[str]:
    yield _NAMELESS
    yield from (f"{_NAMELESS} {number}" for number in count(2))


def _being(bins: Bins | None) -> Change:
    def change(data: bytes, path: str) -> tuple[bytes, int]:
        if bins is None or encoding.decode(data, Bins, path=path) == bins:
            return data, 0
        return encoding.encode(bins), 1

    return change


def _without_samples(subject: Subject, version: str, *, bins: str | None) -> Change:
    def change(data: bytes, path: str) -> tuple[bytes, int]:
        before = encoding.decode(data, Profile, path=path)
        after, found = without_sample(before, subject, version)
        if bins is not None and after.bins != bins:
            after, found = msgspec.structs.replace(after, bins=bins), found + 1
        return encoding.encode(after), found

    return change


def _without_hourly_samples(subject: Subject, version: str) -> Change:
    def change(data: bytes, path: str) -> tuple[bytes, int]:
        hours = [(hour, without_sample(one, subject, version)) for hour, one in Hours(data, path)]
        found = sum(rows for _, (_, rows) in hours)
        return (encode_hours([(hour, one) for hour, (one, _) in hours]), found) if found else (data, 0)

    return change


def without_sample(whole: Profile, subject: Subject, version: str) -> tuple[Profile, int]:
    """Return a profile without the subject's rows in its sample, nor the hash of its value, and how much that was."""
    value = subject.stored.get(version)
    place = [*whole.features, *whole.outputs].index(subject.feature) if subject.feature in whole.features else None
    kept = tuple(
        one
        for one in whole.sample.rows
        if hash_of(one.id) not in subject.hashes and (place is None or not is_same(one.values[place], value))
    )
    features, hashes = _without_hash(whole.features, subject.feature, value)
    sample = Sample(rows=kept)
    return msgspec.structs.replace(whole, sample=sample, features=features), len(whole.sample.rows) - len(kept) + hashes


def _without_hash(
    features: Mapping[str, FeatureProfile], name: str | None, value: Value | None
) -> tuple[dict[str, FeatureProfile], int]:
    profile = features.get(name) if name is not None else None
    if not isinstance(profile, CategoricalProfile) or not isinstance(value, str):
        return dict(features), 0
    own = hash_of_value(value)
    if own not in profile.unseen_hashes:
        return dict(features), 0
    hashes = {one: rows for one, rows in profile.unseen_hashes.items() if one != own}
    return {**features, str(name): msgspec.structs.replace(profile, unseen_hashes=hashes)}, 1

"""What is known of the windows of a version, for the calibration: those of its baseline, and those it was looked at since.

A look that was made is kept with its contrasts, and whether it was quiet: one with a breach teaches nothing of what is
usual. A window is never judged by looks that share rows with it. So a window that is judged again is judged by the same
looks, whatever came after it.
"""

import asyncio
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import msgspec
import numpy as np

from shared import documents
from shared.blobs import Blobs
from shared.documents import Document
from shared.hours import Hour
from shared.monitoring.windows import Window
from shared.profiles.bins import Bins, FeatureBins
from shared.profiles.profile import FeatureProfile, Profile
from shared.registry.baselines import Baseline, Baselines
from shared.registry.manifest import Manifest
from shared.signals.calibration.calibrating import FEWEST_BLOCKS, calibrate
from shared.signals.calibration.contrasts import Contrasts
from shared.signals.calibration.hourly import WEEK, HourSums, SummedHour, slots_of
from shared.signals.calibration.looks import Floats, Looks
from shared.signals.calibration.telling import Told, tell
from shared.signals.judgement import Signal
from shared.signals.judging import HOURS_A_MONTH, JudgingRules

CALIBRATED: Final = (Signal.DRIFT, Signal.PREDICTION_DRIFT)
MOST_BLOCKS: Final = 90
"""So many windows without a common row are remembered from the beginning on, and so many of the newest."""

_REMEMBERED: Final = 64


class StoredLook(msgspec.Struct, frozen=True, kw_only=True):
    """One look: ``end`` is the key of the first hour after its window, ``values`` float32 contrasts by signal."""

    end: str
    rows: int
    is_quiet: bool
    values: dict[str, bytes]

    @classmethod
    def at(cls, window: Window, values: Mapping[Signal, Floats], *, rows: int, is_quiet: bool) -> "StoredLook":
        """Return a look at a window: its contrasts, its rows, and whether nothing was wrong."""
        packed = {str(signal): one.astype("<f4").tobytes() for signal, one in values.items()}
        return cls(end=window.end.key, rows=rows, is_quiet=is_quiet, values=packed)


class StoredLooks(Document, frozen=True, kw_only=True):
    """The looks at one version, of one length, against one baseline; in the order of time."""

    looks: tuple[StoredLook, ...]


@dataclass(frozen=True, slots=True)
class Watched:
    """What is watched of a version that is compared with one baseline, and the windows of that baseline, by signal."""

    contrasts: dict[Signal, Contrasts]
    hours: dict[Signal, HourSums]
    _windows: dict[tuple[int, int, int], dict[Signal, Looks]] = field(default_factory=dict)

    def of(self, bins: Bins, window: Profile) -> dict[Signal, Floats]:
        """Return the contrasts of a window."""
        return {signal: one.of(*_part(signal, bins, window)) for signal, one in self.contrasts.items()}

    def history(self, looks: Sequence[StoredLook], window: Window, *, every_hours: int = 1) -> "History":
        """Return what a window may be judged by.

        The windows of the baseline count for as much as the looks since: else a version that drifts slowly would teach
        what it drifts to. Where the baseline has too few, the looks since take their place.

        Args:
            looks: those that were made; of them only quiet ones that share no rows with the window are made use of.
            window: what is judged.
            every_hours: how far one look is from the next. Windows in between are left out: the furthest of twenty-four
                looks is further than one, and whoever looks once a day is to be held against what a look a day shows.
        """
        every = min(every_hours, window.hours)
        end = window.end.since_monday
        quiet = [
            one
            for one in looks
            if one.is_quiet and one.end <= window.first.key and (Hour.parse(one.end).since_monday - end) % every == 0
        ]
        joined = {
            signal: _joined(one, _looks(signal, quiet, window.hours, one.values.shape[1]))
            for signal, one in self._of_baseline(window.hours, end % every, every).items()
        }
        return History(self, joined)

    def _of_baseline(self, hours: int, end: int, every: int) -> dict[Signal, Looks]:
        """Return windows of the baseline, which are made once: most looks at a version want the same."""
        if (hours, end, every) not in self._windows:
            self._windows[hours, end, every] = {
                signal: one.windows(hours, end=end, every=every) for signal, one in self.hours.items()
            }
        return self._windows[hours, end, every]


@dataclass(frozen=True, slots=True)
class History:
    """What a window may be judged by: the looks before it, by signal."""

    watched: Watched
    looks: dict[Signal, Looks]

    @property
    def signals(self) -> int:
        """Return how many signals of the version can be calibrated: outputs that are texts are not watched."""
        return sum(one.mains > 0 for one in self.watched.contrasts.values())

    @property
    def digest(self) -> str:
        """Return the SHA-256 of the looks."""
        found = hashlib.sha256()
        for signal, looks in sorted(self.looks.items()):
            found.update(signal.encode())
            for part in (looks.values, looks.rows, looks.slots, looks.blocks):
                found.update(np.ascontiguousarray(part).tobytes())
        return found.hexdigest()

    def usual_rows(self, window: Window) -> list[int]:
        """Return how many rows windows have that end at the same moment of the week, which share no rows."""
        looks = next(iter(self.looks.values()))
        slot = slots_of(np.array([window.end.since_monday]), window.hours)[0]
        of_slot = looks.where(looks.slots == slot)
        found: list[int] = of_slot.where(of_slot.block_ends()).rows.tolist()
        return found

    def alike(self, looks: Sequence[StoredLook], window: Window, told: Mapping[Signal, Told]) -> dict[Signal, float]:
        """Return how alike the straying of a window is to that of the window a week before, where there was a look at it."""
        last_week = [one for one in looks if one.end == window.end.plus(-WEEK).key]
        return {
            signal: one.likeness(_looks(signal, last_week, window.hours, len(self.watched.contrasts[signal].features)))
            for signal, one in told.items()
            if last_week
        }

    def tell(
        self, values: Mapping[Signal, Floats], window: Window, *, rows: int, rules: JudgingRules
    ) -> dict[Signal, Told]:
        """Return what the history says of a window; nothing of a signal of which it is too short.

        Args:
            values: the window's contrasts, as ``Watched.of`` returned them.
            window: which one.
            rows: how many rows it has.
            rules: what an alarm must be.
        """
        if not rows:
            return {}
        end = np.array([window.end.since_monday])
        found: dict[Signal, Told] = {}
        for signal, looks in self.looks.items():
            contrasts = self.watched.contrasts[signal]
            calibration = calibrate(looks, mains=contrasts.mains)
            if calibration is not None:
                this = Looks(
                    values[signal][None, :], np.array([rows]), slots_of(end, window.hours), end // window.hours
                )
                rate = rules.alarms(signal) / min(rules.looks_per_month, HOURS_A_MONTH / window.hours)
                found[signal] = tell(contrasts, calibration, this, rate=rate, fewest_rows=rules.minimum_rows)
        return found


@dataclass(slots=True)
class Histories:
    """Reads histories, and adds to them."""

    blobs: Blobs
    baselines: Baselines
    _watched: dict[str, Watched] = field(default_factory=dict)

    async def watched(self, baseline: Baseline) -> Watched:
        """Return what is watched of the versions compared with a baseline."""
        if baseline.folder not in self._watched:
            if len(self._watched) >= _REMEMBERED:
                self._watched.clear()
            hours = await self.baselines.hours(baseline)
            self._watched[baseline.folder] = await asyncio.to_thread(_watched, baseline, hours)
        return self._watched[baseline.folder]

    async def looks(self, manifest: Manifest, baseline: Baseline, hours: int) -> tuple[StoredLook, ...]:
        """Return the looks that were made of windows of so many hours."""
        stored = await documents.find(self.blobs, _path(manifest, baseline, hours), StoredLooks)
        return stored.looks if stored else ()

    async def add(self, manifest: Manifest, baseline: Baseline, window: Window, look: StoredLook) -> None:
        """Remember a look; the same one again is the same one."""

        def put(old: StoredLooks | None) -> StoredLooks:
            return StoredLooks(looks=with_look(old.looks if old else (), look, window.hours))

        await documents.swap(self.blobs, _path(manifest, baseline, window.hours), StoredLooks, put)


def with_look(looks: Sequence[StoredLook], look: StoredLook, hours: int) -> tuple[StoredLook, ...]:
    """Return looks with one more, or with it in the place of an older one at the same window; those that are remembered."""
    every = sorted([*(one for one in looks if one.end != look.end), look], key=lambda one: one.end)
    blocks = [Hour.parse(one.end).since_monday // hours for one in every]
    kept = sorted(set(blocks))
    remembered = {*kept[:MOST_BLOCKS], *kept[-MOST_BLOCKS:]}
    return tuple(one for one, block in zip(every, blocks, strict=True) if block in remembered)


def _watched(baseline: Baseline, hours: Iterable[tuple[Hour, Profile]]) -> Watched:
    contrasts = {
        signal: Contrasts.of_baseline(*_part(signal, baseline.bins, baseline.profile)) for signal in CALIBRATED
    }
    summed: dict[Signal, list[SummedHour]] = {signal: [] for signal in CALIBRATED}
    for hour, profile in hours:
        for signal, one in contrasts.items():
            summed[signal].append(SummedHour(hour, profile.rows, *one.sums(*_part(signal, baseline.bins, profile))))
    return Watched(
        contrasts,
        {signal: HourSums.of(some, columns=len(contrasts[signal].features)) for signal, some in summed.items()},
    )


def _part(
    signal: Signal, bins: Bins, profile: Profile
) -> tuple[Mapping[str, FeatureBins], Mapping[str, FeatureProfile]]:
    if signal is Signal.DRIFT:
        return bins.features, profile.features
    return bins.outputs, profile.outputs


def _looks(signal: Signal, stored: Sequence[StoredLook], hours: int, columns: int) -> Looks:
    ends = np.array([Hour.parse(one.end).since_monday for one in stored], dtype=np.int64)
    values = [np.frombuffer(one.values[signal], dtype="<f4") for one in stored]
    rows = np.array([one.rows for one in stored], dtype=np.int64)
    return Looks(
        np.array(values, dtype=np.float64).reshape(len(stored), columns), rows, slots_of(ends, hours), ends // hours
    )


def _joined(baseline: Looks, since: Looks) -> Looks:
    """Return those of the baseline and the newest since, of as many blocks; where it has too few, all since."""
    if baseline.block_count < FEWEST_BLOCKS:
        return since
    newest = since.where(np.isin(since.blocks, np.unique(since.blocks)[-baseline.block_count :]))
    return Looks(
        np.concatenate([baseline.values, newest.values]),
        np.concatenate([baseline.rows, newest.rows]),
        np.concatenate([baseline.slots, newest.slots]),
        # Blocks of the two never mix, whenever the training data was recorded.
        np.concatenate([baseline.blocks - baseline.blocks[-1] - 1, newest.blocks]),
    )


def _path(manifest: Manifest, baseline: Baseline, hours: int) -> str:
    """Return where looks are kept; baselines have a number each, and one is never another."""
    name = baseline.folder.rstrip("/").rsplit("/", 1)[1]
    return f"monitoring/histories/model={manifest.model}/version={manifest.version}/{name}-PT{hours}H.json"

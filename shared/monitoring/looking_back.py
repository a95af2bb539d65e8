"""What a window may be judged by: the windows of its baseline, and the looks that were made since.

A look that was made is kept with its contrasts, and whether it was quiet: one with a breach teaches nothing of what is
usual. A window is never judged by what shares rows with it. So a window that is judged again is judged by the same looks,
whatever came after it.

Of windows that overlap, a look at every twenty-fourth part of one is enough to know how far they stray: neighbours that
share more rows than that are nearly the same.
"""

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from shared.documents import Document
from shared.hours import Hour
from shared.monitoring.window import Window
from shared.profiles.bins import Bins, FeatureBins
from shared.profiles.hourly import Hours
from shared.profiles.profile import FeatureProfile, Profile
from shared.signals.calibration.calibrating import FEWEST_BLOCKS, Calibration, calibrate
from shared.signals.calibration.contrasts import Contrasts
from shared.signals.calibration.hourly import WEEK, HourSums, SummedHour, Windows, slots_of
from shared.signals.calibration.looks import Floats, Looks
from shared.signals.calibration.telling import Told, tell
from shared.signals.judgement import Signal
from shared.signals.judging import HOURS_A_MONTH, JudgingRules
from shared.signals.triage import ALIKE

CALIBRATED: Final = (Signal.DRIFT, Signal.PREDICTION_DRIFT)

MOST_BLOCKS: Final = 90
"""So many windows without a common row are remembered from the beginning on, and so many of the newest."""

LOOKS_A_BLOCK: Final = 24

_SPARE_BLOCKS: Final = 2
"""Those that a window shares rows with: it is judged by as many before them."""


class StoredLook(msgspec.Struct, frozen=True, kw_only=True):
    """One look: ``end`` is the key of the first hour after its window, ``values`` float32 contrasts by signal."""

    end: str
    rows: int
    is_quiet: bool
    values: dict[str, bytes]

    @classmethod
    def at(cls, window: Window, values: Mapping[Signal, "Seen"], *, rows: int, is_quiet: bool) -> "StoredLook":
        """Return a look at a window: its contrasts, its rows, and whether nothing was wrong."""
        packed = {str(signal): one.values.astype("<f4").tobytes() for signal, one in values.items()}
        return cls(end=window.end.key, rows=rows, is_quiet=is_quiet, values=packed)

    @property
    def number(self) -> int:
        """Return ``since_monday`` of the first hour after its window."""
        return Hour.parse(self.end).since_monday


class StoredLooks(Document, frozen=True, kw_only=True):
    """The looks at one version, of one length, against one baseline; in the order of time."""

    looks: tuple[StoredLook, ...]


@dataclass(frozen=True, slots=True)
class Seen:
    """What is seen of a window: its contrasts and the share of rows that had a value, both of shape (columns,)."""

    values: Floats
    filled: Floats


@dataclass(frozen=True, slots=True)
class Pace:
    """How often windows are looked at.

    Attributes:
        hours: how many a window has.
        every: how far one look is from the next; no further than a window is long.
    """

    hours: int
    every: int

    @classmethod
    def of(cls, hours: int, *, every: int) -> "Pace":
        """Return that of windows of so many hours."""
        return cls(hours, min(every, hours))

    @property
    def step(self) -> int:
        """Return how far one look that is made use of is from the next: a multiple of ``every``."""
        return self.every * max(self.hours // (LOOKS_A_BLOCK * self.every), 1)

    def phase(self, end: int) -> int:
        """Return where in a step the looks end among which one is that ends at the moment ``end``."""
        return end % self.every


@dataclass(frozen=True, slots=True)
class Watched:
    """What is watched of a version that is compared with one baseline, and the hours of that baseline, by signal.

    Attributes:
        contrasts: what windows are turned into.
        hours: those of the baseline.
        is_live: whether these are of predictions; else they are of training data, which may be a sample.
        inputs: the SHA-256 of what they were read from, by path.
    """

    contrasts: dict[Signal, Contrasts]
    hours: dict[Signal, HourSums]
    is_live: bool
    inputs: dict[str, str]
    _windows: dict[tuple[Pace, int], dict[Signal, Windows]] = field(default_factory=dict)

    @classmethod
    def of_baseline(cls, bins: Bins, baseline: Profile, hours: Hours, *, is_live: bool) -> "Watched":
        """Return what is watched against a baseline, of which these are the hours."""
        contrasts = {signal: Contrasts.of_baseline(*_part(signal, bins, baseline)) for signal in CALIBRATED}
        summed: dict[Signal, list[SummedHour]] = {signal: [] for signal in CALIBRATED}
        for hour, profile in hours:
            for signal, one in contrasts.items():
                summed[signal].append(SummedHour(hour, profile.rows, *one.sums(*_part(signal, bins, profile))))
        sums = {signal: HourSums.of(some, columns=len(contrasts[signal].features)) for signal, some in summed.items()}
        return cls(contrasts, sums, is_live, hours.inputs)

    def of(self, bins: Bins, window: Profile) -> dict[Signal, Seen]:
        """Return what is seen of a window."""
        seen: dict[Signal, Seen] = {}
        for signal, one in self.contrasts.items():
            means, values = one.of(*_part(signal, bins, window))
            seen[signal] = Seen(means, values / max(window.rows, 1))
        return seen

    def history(
        self, looks: Sequence[StoredLook], window: Window, *, every_hours: int, features: Collection[str] = ()
    ) -> "History":
        """Return what a window may be judged by.

        Args:
            looks: those that were made.
            window: what is judged.
            every_hours: how far one look is from the next. Windows in between are left out: the furthest of twenty-four
                looks is further than one, and whoever looks once a day is to be held against what a look a day shows.
            features: those that are judged; none means all.
        """
        pace, end = Pace.of(window.hours, every=every_hours), window.end.since_monday
        phase = pace.phase(end)
        before = [one for one in looks if one.end <= window.first.key and (one.number - phase) % pace.step == 0]
        before = remembered(before, window.hours)
        pasts: dict[Signal, Past] = {}
        for signal, of_baseline in self._of_baseline(pace, phase).items():
            named = features if signal is Signal.DRIFT else ()
            is_apart = (of_baseline.ends <= end - window.hours) | (of_baseline.ends >= end + window.hours)
            contrasts = self.contrasts[signal]
            pasts[signal] = Past.joined(
                signal,
                contrasts.only(named),
                contrasts.columns(named),
                of_baseline.looks.where(is_apart),
                _unpacked(signal, before, window.hours, columns=len(contrasts.features)),
                is_quiet=np.array([one.is_quiet for one in before], dtype=bool),
            )
        live = next(iter(self._of_baseline(pace, phase).values())).looks if self.is_live else None
        return History(pasts, tuple(before), window, live)

    def _of_baseline(self, pace: Pace, phase: int) -> dict[Signal, Windows]:
        """Return windows of the baseline, which are made once: most looks at a version want the same."""
        if (pace, phase) not in self._windows:
            self._windows[pace, phase] = {
                signal: one.windows(pace.hours, end=phase, every=pace.step) for signal, one in self.hours.items()
            }
        return self._windows[pace, phase]


@dataclass(frozen=True, slots=True)
class Past:
    """What one signal of a window is judged by.

    Attributes:
        signal: which one.
        contrasts: of what is judged.
        columns: which columns of looks those are.
        looks: windows in which nothing was wrong, as far as is known, with these columns.
        left_out: how many blocks there were since the baseline that alarmed.
    """

    signal: Signal
    contrasts: Contrasts
    columns: NDArray[np.int64]
    looks: Looks
    left_out: int

    @classmethod
    def joined(
        cls,
        signal: Signal,
        contrasts: Contrasts,
        columns: NDArray[np.int64],
        baseline: Looks,
        since: Looks,
        *,
        is_quiet: NDArray[np.bool_],
    ) -> "Past":
        """Join the windows of the baseline, and the newest looks since of as many blocks.

        No more of those: else a version that drifts slowly would teach what it drifts to. Where the baseline has too few
        to learn from, all looks since are taken.
        """
        blocks = np.unique(since.blocks)
        if baseline.block_count >= FEWEST_BLOCKS:
            blocks = blocks[-baseline.block_count :]
        is_newest = np.isin(since.blocks, blocks)
        quiet = since.where(is_newest & is_quiet)
        # Blocks of the two never mix, whenever the baseline was recorded.
        shift = int(baseline.blocks[-1]) + 1 if len(baseline) else 0
        before = Looks(baseline.values, baseline.filled, baseline.rows, baseline.slots, baseline.blocks - shift - 1)
        looks = before.then(quiet).of_columns(columns)
        return cls(signal, contrasts, columns, looks, left_out=len(blocks) - quiet.block_count)

    def calibration(self) -> Calibration | None:
        """Return what is learned from it; None where it is too short."""
        return calibrate(self.looks, mains=self.contrasts.mains, left_out=self.left_out)

    def tell(self, seen: Seen, window: Window, *, rows: int, rules: JudgingRules) -> Told | None:
        """Return what it says of a window; None where it is too short."""
        calibration = self.calibration()
        if calibration is None:
            return None
        end = np.array([window.end.since_monday])
        this = Looks(
            seen.values[None, self.columns],
            seen.filled[None, self.columns],
            np.array([rows]),
            slots_of(end, window.hours),
            end // window.hours,
        )
        chances = min(rules.looks_per_month, HOURS_A_MONTH / window.hours)
        return tell(
            self.contrasts,
            calibration,
            this,
            rate=rules.alarms(self.signal) / chances,
            fewest_rows=rules.minimum_rows,
        )

    def unpacked(self, stored: Sequence[StoredLook], hours: int) -> Looks:
        """Return looks, with these columns."""
        found = [np.frombuffer(one.values[self.signal], dtype="<f4")[self.columns] for one in stored]
        return _looks(found, stored, hours, columns=len(self.columns))


@dataclass(frozen=True, slots=True)
class History:
    """What a window may be judged by: by signal, and the looks before it, whatever they found."""

    pasts: dict[Signal, Past]
    before: tuple[StoredLook, ...]
    window: Window
    live: Looks | None

    @property
    def signals(self) -> int:
        """Return how many signals can be calibrated: of a version whose outputs are texts nothing is watched of them."""
        return sum(one.contrasts.mains > 0 for one in self.pasts.values())

    @property
    def digest(self) -> str:
        """Return the SHA-256 of the looks, as they are stored: in single precision."""
        found = hashlib.sha256(msgspec.json.encode(self.before))
        for signal, past in sorted(self.pasts.items()):
            found.update(f"{signal} {past.left_out}".encode())
            for values in (past.looks.values, past.looks.filled):
                found.update(np.ascontiguousarray(values, dtype="<f4").tobytes())
            for whole in (past.looks.rows, past.looks.slots, past.looks.blocks):
                found.update(np.ascontiguousarray(whole, dtype="<i8").tobytes())
        return found.hexdigest()

    def usual_rows(self) -> list[int]:
        """Return how many predictions windows had that ended at the same moment of the week, which share no rows.

        Training data does not say: it may be a sample of what was asked.
        """
        hours = self.window.hours
        ends = np.array([one.number for one in self.before if one.is_quiet], dtype=np.int64)
        rows = np.array([one.rows for one in self.before if one.is_quiet], dtype=np.int64)
        slots, blocks = slots_of(ends, hours), ends // hours
        if self.live is not None:
            shift = int(self.live.blocks[-1]) + 1 if len(self.live) else 0
            rows = np.concatenate([self.live.rows, rows])
            slots = np.concatenate([self.live.slots, slots])
            blocks = np.concatenate([self.live.blocks - shift - 1, blocks])
        (slot,) = slots_of(np.array([self.window.end.since_monday]), hours)
        chosen = slots == slot
        found: list[int] = [*dict(zip(blocks[chosen].tolist(), rows[chosen].tolist(), strict=True)).values()]
        return found

    def tell(self, seen: Mapping[Signal, Seen], *, rows: int, rules: JudgingRules) -> dict[Signal, Told]:
        """Return what the history says of the window; nothing of a signal of which it is too short.

        Args:
            seen: the window, as ``Watched.of`` returned it.
            rows: how many rows it has.
            rules: what an alarm must be.
        """
        if not rows:
            return {}
        told = {
            signal: past.tell(seen[signal], self.window, rows=rows, rules=rules) for signal, past in self.pasts.items()
        }
        return {signal: one for signal, one in told.items() if one is not None}

    def alike(self, told: Mapping[Signal, Told]) -> dict[Signal, float]:
        """Return how alike the straying of the window is to that of the window a week before.

        Nothing where that was not looked at, and where windows between the two strayed alike as well: what lasts is no
        season.
        """
        end, hours = self.window.end.since_monday, self.window.hours
        week_before = [one for one in self.before if one.number == end - WEEK]
        between = [one for one in self.before if end - WEEK + hours <= one.number]
        if not (week_before and between):
            return {}
        found: dict[Signal, float] = {}
        for signal, one in told.items():
            past = self.pasts[signal]
            if np.median(one.likeness(past.unpacked(between, hours))) < ALIKE:
                found[signal] = float(one.likeness(past.unpacked(week_before, hours))[0])
        return found


def remembered(looks: Iterable[StoredLook], hours: int, *, spare: int = 0) -> list[StoredLook]:
    """Return those looks, in the order of time, that are among the first or the newest blocks.

    Args:
        looks: of windows of so many hours.
        hours: that many.
        spare: how many more of the newest blocks.
    """
    every = sorted(looks, key=lambda one: one.end)
    blocks = [one.number // hours for one in every]
    distinct = sorted(set(blocks))
    kept = {*distinct[:MOST_BLOCKS], *distinct[-(MOST_BLOCKS + spare) :]}
    return [one for one, block in zip(every, blocks, strict=True) if block in kept]


def with_look(looks: Sequence[StoredLook], look: StoredLook, pace: Pace) -> tuple[StoredLook, ...]:
    """Return looks with one more, or with it in the place of an older one at the same window; those that are remembered."""
    if (look.number - pace.phase(look.number)) % pace.step:
        return tuple(looks)
    # A window that is judged again must find the looks that it found before: it shares rows with the newest of these.
    return tuple(remembered([*(one for one in looks if one.end != look.end), look], pace.hours, spare=_SPARE_BLOCKS))


def _part(
    signal: Signal, bins: Bins, profile: Profile
) -> tuple[Mapping[str, FeatureBins], Mapping[str, FeatureProfile]]:
    if signal is Signal.DRIFT:
        return bins.features, profile.features
    return bins.outputs, profile.outputs


def _unpacked(signal: Signal, stored: Sequence[StoredLook], hours: int, *, columns: int) -> Looks:
    return _looks([np.frombuffer(one.values[signal], dtype="<f4") for one in stored], stored, hours, columns=columns)


def _looks(values: Sequence[NDArray[np.float32]], stored: Sequence[StoredLook], hours: int, *, columns: int) -> Looks:
    ends = np.array([one.number for one in stored], dtype=np.int64)
    found = np.array(values, dtype=np.float64).reshape(len(stored), columns)
    return Looks(
        values=found,
        # It is not stored how many rows had a value. All is more than there may have been, which allows no more straying.
        filled=np.ones_like(found),
        rows=np.array([one.rows for one in stored], dtype=np.int64),
        slots=slots_of(ends, hours),
        blocks=ends // hours,
    )

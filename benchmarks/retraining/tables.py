"""The loss of every version in every period, kept in a file that names itself after all that it depends on."""

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final, Self

import msgspec
import numpy as np
from numpy.typing import NDArray

from benchmarks.retraining.learning import LEARNER, Answers, Setting, Training, answers, trainings
from benchmarks.retraining.oracle import Losses
from benchmarks.retraining.periods import Flags, Periods

Spread = Callable[[Callable[[Training], tuple[int, Answers]], list[Training]], Iterable[tuple[int, Answers]]]
"""Applies a function to each training, in any order: ``map``, or a pool's."""

_MADE: Final = 1
"""Counted up when something else than what ``_name`` digests changes what is made."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Tables:
    """A stream in one setting, played out by every version.

    Attributes:
        periods: what arrives.
        setting: how actuals become known.
        window: how many periods a version is trained on.
        known: of which rows the actuals ever become known, shape (periods, rows).
        predictions: of version s in period t, shape (periods, periods, rows); NaN before the version was made.
    """

    periods: Periods
    setting: Setting
    window: int
    known: Flags
    predictions: Answers

    @property
    def first(self) -> int:
        """Return the first version, which is in use, free of charge, when the game begins in the period of that number."""
        return self.setting.first_version(self.window)

    @cached_property
    def wrong(self) -> Flags:
        """Return which predictions are wrong, shape (periods, periods, rows); False where there is none."""
        wrong: Flags = ((self.predictions > 0.5) != self.periods.actuals) & ~np.isnan(self.predictions)
        return wrong

    @cached_property
    def losses(self) -> Losses:
        """Return the error rate over all rows of a period, which only the referee knows."""
        return self._where_made(self.wrong.mean(axis=2))

    @cached_property
    def seen_losses(self) -> Losses:
        """Return the error rate over rows whose actuals become known, which a policy sees ``delay`` periods after t."""
        rows = np.where(self.seen_rows > 0, self.seen_rows, np.nan)
        return self._where_made((self.wrong & self.known).sum(axis=2) / rows)

    @cached_property
    def seen_variances(self) -> Losses:
        """Return the sampling variance of the mean difference of losses, version s less the period's own, over known rows.

        NaN where fewer than two rows are known.
        """
        rows = np.where(self.seen_rows > 1, self.seen_rows, np.nan)
        own = self.wrong[np.arange(len(self.wrong)), np.arange(len(self.wrong))]
        differ = ((self.wrong != own) & self.known).sum(axis=2)
        mean = ((self.wrong & self.known).sum(axis=2) - (own & self.known).sum(axis=1)) / rows
        return self._where_made((differ - rows * mean**2) / (rows * (rows - 1)))

    @cached_property
    def disagreements(self) -> Losses:
        """Return the share of all rows of period t that version s answers otherwise than the period's own version."""
        answers = self.predictions > 0.5
        own = answers[np.arange(len(answers)), np.arange(len(answers))]
        return self._where_made((answers != own).mean(axis=2))

    @property
    def seen_rows(self) -> NDArray[np.int64]:
        """Return of how many rows of each period the actuals become known."""
        rows: NDArray[np.int64] = self.known.sum(axis=1)
        return rows

    def known_periods(self, now: int) -> int:
        """Return of how many periods, from the first on, actuals are known at the beginning of period ``now``."""
        return max(now - self.setting.delay, 0)

    def _where_made(self, values: Losses) -> Losses:
        """Return the values, and NaN where the version was not made yet."""
        return np.where(np.isnan(self.predictions[:, :, 0]), np.nan, values)

    @classmethod
    def made(cls, periods: Periods, setting: Setting, window: int, *, spread: Spread = map) -> Self:
        """Train every version and let it answer."""
        known = setting.known(periods)
        predictions = np.full((len(periods), *periods.actuals.shape), np.nan, dtype=np.float16)
        for version, answered in spread(answers, trainings(periods, known, setting, window)):
            predictions[version, version:] = answered
        return cls(periods=periods, setting=setting, window=window, known=known, predictions=predictions)


def kept(folder: Path, name: str, periods: Periods, setting: Setting, window: int, *, spread: Spread = map) -> Tables:
    """Return the tables that ``folder`` has, or make them and keep them there.

    The file holds more than is read back, for whoever opens it with numpy alone.
    """
    path = folder / f"{name.replace(' ', '-')}-{setting.name}-{_digest(periods, setting, window)}.npz"
    if path.exists():
        with np.load(path) as file:
            known, predictions = file["known"], file["predictions"]
        return Tables(periods=periods, setting=setting, window=window, known=known, predictions=predictions)
    tables = Tables.made(periods, setting, window, spread=spread)
    # Whole or not at all: a run may be interrupted.
    unfinished = path.with_suffix(".part.npz")
    np.savez_compressed(
        unfinished,
        rows=periods.rows,
        actuals=periods.actuals,
        categorical=np.array(periods.categorical, dtype=np.int64),
        known=tables.known,
        predictions=tables.predictions,
        losses=tables.losses,
        seen_losses=tables.seen_losses,
        seen_rows=tables.seen_rows,
        first=np.array(tables.first),
        delay=np.array(setting.delay),
        window=np.array(window),
    )
    unfinished.replace(path)
    return tables


def _digest(periods: Periods, setting: Setting, window: int) -> str:
    """Return a name for all that the tables depend on."""
    import sklearn

    told = (
        _MADE,
        LEARNER,
        sklearn.__version__,
        setting.delay,
        setting.share,
        window,
        periods.categorical,
        periods.rows.shape,
    )
    digest = hashlib.sha256(msgspec.json.encode(told))
    for part in (periods.rows, periods.actuals, setting.known(periods)):
        digest.update(np.ascontiguousarray(part).data)
    return digest.hexdigest()[:16]

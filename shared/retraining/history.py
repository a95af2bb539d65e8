"""A model's periods, put together as a policy sees them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from shared.hours import Hour
from shared.registry.manifest import Manifest
from shared.retraining.period_losses import PeriodLosses
from shared.retraining.periods import Period
from shared.retraining.policy import History


@dataclass(frozen=True, slots=True)
class Named:
    """A history, and the names of its versions and of its periods, in their order."""

    history: History
    versions: tuple[str, ...]
    periods: tuple[str, ...]

    def place(self, version: str) -> int:
        """Return the place of a version."""
        return self.versions.index(version)


def born(manifest: Manifest, *, hours: int) -> Period:
    """Return the first period that a version can be held to: it was there when that began, and learned from none of it.

    Before it was registered nobody could have taken it, whatever it would have saved. And where it does not say until when
    it learned, it may have done so from everything before that.
    """
    there = Period.from_first(manifest.registered_at, hours=hours)
    if manifest.trained_until is None:
        return there
    return max(there, Period.containing(Hour.containing(manifest.trained_until), hours=hours).plus(1))


def put_together(
    stored: Sequence[PeriodLosses],
    births: Mapping[str, Period],
    *,
    champion: str,
    unsettled: Sequence[PeriodLosses] = (),
) -> Named:
    """Return the history of a model's periods.

    A version's loss is the champion's over all rows, less the gap on the rows that both were asked: so differences are those
    of pairs. Periods in which nobody answered are passed over: their number is no time that anything was lost in.

    Args:
        stored: the periods that are settled, in their order, each as long as the others.
        births: of each version the first period that it can be held to, as ``born`` says; versions that are missing here are
            left out.
        champion: the version that answers now.
        unsettled: those after them of which only disagreements are to be known, whatever else is stored.
    """
    every = [*stored, *unsettled]
    named = {champion, *(one.champion for one in every), *(other.version for one in every for other in one.compared)}
    versions = sorted((one for one in births if one in named), key=births.__getitem__)
    place = {version: number for number, version in enumerate(versions)}
    counted = [one for one in every if one.champion in place]
    settled = sum(one.champion in place for one in stored)
    keys = [one.start for one in counted]
    shape = (len(versions), len(counted))
    losses, disagreements, errors = (np.full(shape, np.nan) for _ in range(3))
    for number, one in enumerate(counted):
        mean = one.mean if number < settled else None
        if mean is not None:
            losses[place[one.champion], number] = mean
            errors[place[one.champion], number] = 0.0
        disagreements[place[one.champion], number] = 0.0
        for other in one.compared:
            if other.version not in place:
                continue
            where = place[other.version], number
            if other.disagreement is not None:
                disagreements[where] = other.disagreement
            if mean is not None and other.gap is not None:
                losses[where] = mean - other.gap
                errors[where] = np.nan if other.gap_error is None else other.gap_error
    history = History(
        losses=losses,
        born=np.array([place_among(keys, births[version]) for version in versions], dtype=np.int64),
        champions=np.array([place[one.champion] for one in counted], dtype=np.int64),
        disagreements=disagreements,
        errors=errors,
        unsettled=len(counted) - settled,
    )
    return Named(history, tuple(versions), tuple(keys))


def place_among(keys: Sequence[str], period: Period) -> int:
    """Return how many of the periods with these keys come before one; of one that comes before them all, by how many, below 0."""
    if keys and period.key < keys[0]:
        first = Hour.parse(keys[0]).since_monday
        return -((first - period.first.since_monday) // period.hours)
    return sum(key < period.key for key in keys)

"""CARA: by how stale the champion is for what it is asked, with a parameter chosen on the first part of the game.

Source:
    Mahadevan and Mathioudakis, "Cost-aware retraining for machine learning", Knowledge-Based Systems 293 (2024); preprint
    arXiv:2310.04216. How it is read here:

    * The staleness cost of a model for the rows it is asked about is its loss on the newest rows with actuals, those weighing
      most that are similar to what is asked: sim(q, d) = exp(-|q - d|^2 / features), numbers in standard deviations of the
      newest rows with actuals, a category 0 or 1 apart. It is divided by the weights, so that it is a loss of one period as c is.
    * Three rules decide on it: it exceeds a threshold; its sum since the last retrain exceeds one; or, without it, so many
      periods have passed.
    * Offline, the parameter is the one with which the rule would have cost least, losses and swaps together. The paper has
      a stretch of the stream for that before the game. Here it is the first fifth of the game, in which the rule plays by
      the parameter that is best on what is known so far; afterwards the parameter stands.
"""

import math
from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.retraining.games import Rule, Seen

_OFFLINE: Final = 30
"""Periods of the game in which the parameter is chosen: about a fifth, and not told by a length that is not known yet."""

_CHOICES: Final = np.linspace(0.0, 1.0, 41)
"""Of the values a threshold was held against so far: these quantiles."""

_NEVER: Final = math.inf

IsTime = Callable[[Sequence[float], float], bool]
"""Whether to swap, from the champion's staleness at every decision since it came, the newest last, and the parameter."""


def _exceeds(staleness: Sequence[float], threshold: float) -> bool:
    return staleness[-1] > threshold


def _exceeds_in_sum(staleness: Sequence[float], threshold: float) -> bool:
    return _sum(staleness) > threshold


def _sum(staleness: Sequence[float]) -> float:
    """Return the sum of what is told; of a few numbers Python's own is the fastest."""
    return math.fsum(value for value in staleness if not math.isnan(value))


def _is_old(staleness: Sequence[float], periods: float) -> bool:
    return len(staleness) >= periods


class _Cara:
    """One game of a rule: the staleness of all versions while the parameter is chosen, and of the champion afterwards."""

    def __init__(self, is_time: IsTime) -> None:
        self._is_time = is_time
        self._stale: dict[int, dict[int, float]] = {}
        self._parameter = _NEVER

    def __call__(self, seen: Seen) -> bool:
        is_choosing = seen.now - seen.start <= _OFFLINE
        if not is_choosing and self._parameter == _NEVER:
            return False
        needs_staleness = self._is_time is not _is_old
        versions = range(seen.start, seen.now) if is_choosing else (seen.champion,)
        self._stale[seen.now] = _staleness(seen, versions) if needs_staleness else dict.fromkeys(versions, math.nan)
        if is_choosing:
            self._parameter = self._chosen(seen)
        return self._is_time(self._since(seen.champion, seen.now), self._parameter)

    def _since(self, version: int, now: int) -> list[float]:
        """Return the staleness of a version at every decision since it came."""
        return [self._stale[at].get(version, math.nan) for at in range(version + 1, now + 1)]

    def _chosen(self, seen: Seen) -> float:
        """Return the parameter with which the game so far would have cost least; of equal ones the one that swaps least."""
        losses: list[list[float]] = np.nan_to_num(seen.losses).tolist()
        choices = self._choices(seen)
        costs = [self._replayed(seen, losses, parameter) for parameter in choices]
        return choices[int(np.argmin(costs))]

    def _choices(self, seen: Seen) -> list[float]:
        """Return the parameters to choose from, never first and then ever smaller."""
        if self._is_time is _is_old:
            return [_NEVER, *map(float, range(seen.now - seen.start, 0, -1))]
        # What the parameter is held against: the staleness itself, or its sum since the version came.
        values = [
            _sum(staleness) if self._is_time is _exceeds_in_sum else staleness[-1]
            for now in self._stale
            for version in range(seen.start, now)
            if not math.isnan((staleness := self._since(version, now))[-1])
        ]
        return [_NEVER, *np.quantile(values, _CHOICES)[::-1].tolist()] if values else [_NEVER]

    def _replayed(self, seen: Seen, losses: list[list[float]], parameter: float) -> float:
        """Return what the known part of the game would have cost with a parameter."""
        champion, cost = seen.start, 0.0
        for now in range(seen.start, seen.known_periods):
            if now > seen.start and self._is_time(self._since(champion, now), parameter):
                champion, cost = now, cost + seen.swap_cost
            cost += losses[champion][now]
        return cost


def _staleness(seen: Seen, versions: Sequence[int]) -> dict[int, float]:
    """Return the staleness cost of each version that can be told: that was there for the newest rows with actuals."""
    newest = seen.known_periods - 1
    told = [version for version in versions if version <= newest]
    if not told or not seen.known(newest).any():
        return {}
    weights = _similarity(seen, newest)
    return {version: float(weights @ seen.errors(version, newest) / weights.sum()) for version in told}


def _similarity(seen: Seen, newest: int) -> NDArray[np.float32]:
    """Return how similar each row with an actual in the newest such period is to the rows of the newest period, in sum."""
    judged, asked = seen.inputs(newest)[seen.known(newest)], seen.inputs(seen.now - 1)
    numeric = [one for one in range(asked.shape[1]) if one not in seen.categorical]
    usual = np.ma.masked_invalid(judged[:, numeric])
    mean, scale = usual.mean(axis=0).filled(0.0), usual.std(axis=0).filled(0.0)
    scale[scale == 0] = 1.0
    # What is missing is taken to be usual.
    there, here = (np.nan_to_num((rows[:, numeric] - mean) / scale) for rows in (judged, asked))
    squares = (there**2).sum(axis=1)[:, None] + (here**2).sum(axis=1) - 2 * there @ here.T
    for one in seen.categorical:
        squares += judged[:, one][:, None] != asked[:, one]
    similar: NDArray[np.float32] = np.exp(-np.maximum(squares, 0.0) / asked.shape[1]).sum(axis=1)
    # Rows of which none is similar to anything asked count alike.
    return similar if similar.sum() > 0 else np.ones_like(similar)


def _rule(name: str, is_time: IsTime) -> Rule:
    # Challengers are trained while the parameter is chosen, in the first fifth.
    return Rule(name=name, begin=lambda: _Cara(is_time), challengers=0.2, heeds_cost=True)


THRESHOLD: Final = _rule("CARA threshold", _exceeds)
CUMULATIVE: Final = _rule("CARA cumulative", _exceeds_in_sum)
PERIODIC: Final = _rule("CARA periodic", _is_old)

"""What policies would have done with a model's past, what that would have cost, and what the least was."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

import msgspec
import numpy as np
from numpy.typing import NDArray

from shared.retraining.hindsight import Schedule, best, priced
from shared.retraining.policy import History, accrued_regret, decide

Chooses: TypeAlias = Callable[[History, int, int], bool]
"""Says of what is known, of the version that answers, and of the period that begins, whether the newest should take over."""

OURS: Final = "ours"
BEST: Final = "best in hindsight"


class Played(msgspec.Struct, frozen=True, kw_only=True):
    """What one policy would have come to.

    Attributes:
        policy: its name.
        swaps: the periods at whose beginning another version would have been put to use, and which.
        loss: the sum of the periods' mean losses.
        cost: of losses and swaps together.
        above: by which share it is above the least there was; None where that is 0.
    """

    policy: str
    swaps: dict[str, str]
    loss: float
    cost: float
    above: float | None


class Replayed(msgspec.Struct, frozen=True, kw_only=True):
    """What policies would have come to, over the periods whose losses are known.

    Attributes:
        start: key of the first period's first hour.
        end: key of the last period's first hour.
        periods: how many.
        unknown: how many between them are left out, because no actual of them is known.
        retrain_cost: of a swap, in mean losses times periods.
        borrowed: how many losses of versions were not measured, and are those of the version nearest in age that was.
        policies: what each came to, the cheapest first; the best in hindsight leads.
    """

    model: str
    start: str
    end: str
    periods: int
    unknown: int
    retrain_cost: float
    borrowed: int
    policies: tuple[Played, ...]


@dataclass(frozen=True, slots=True)
class Past:
    """A model's periods whose losses are known: what can be played.

    Attributes:
        history: of these periods.
        losses: of each version in each period, shape (versions, periods); NaN before it was made.
        made: from which period on each version could answer, shape (versions,).
        borrowed: how many losses were not measured.
        delay: after how many periods losses are known.
    """

    history: History
    losses: NDArray[np.float64]
    made: NDArray[np.int64]
    borrowed: int
    delay: int

    @classmethod
    def of(cls, history: History, *, delay: int) -> "Past":
        """Fill what was not measured; every period has a loss of its champion.

        Args:
            history: what was measured.
            delay: after how many periods losses are known.
        """
        answered = history.champions == np.arange(len(history.losses))[:, None]
        # Who was promoted in the period it was registered in answered before it was born.
        first = np.where(answered.any(axis=1), answered.argmax(axis=1), history.periods)
        made = np.minimum(history.born, first)
        losses = np.where(np.arange(history.periods) < made[:, None], np.nan, history.losses)
        is_known = np.isfinite(losses)
        borrowed = 0
        for period in range(history.periods):
            measured = np.flatnonzero(is_known[:, period])
            for version in np.flatnonzero(~is_known[:, period] & (made <= period)):
                nearest = measured[np.abs(measured - version).argmin()]
                losses[version, period] = history.losses[nearest, period]
                borrowed += 1
        return cls(history, losses, made, borrowed, delay)

    @property
    def first(self) -> int:
        """Return the version that answered in the first period."""
        return int(self.history.champions[0])

    def play(self, chooses: Chooses, *, cost: float) -> Schedule:
        """Return what a policy would have done: at the beginning of each period it keeps, or takes the newest version."""
        version = self.first
        versions: list[int] = []
        for period in range(self.history.periods):
            newest = self._newest(period)
            if newest > version and chooses(self._known(period, versions), version, period):
                version = newest
            versions.append(version)
        return priced(self.losses, versions, cost=cost, first=self.first)

    def _newest(self, period: int) -> int:
        made = np.flatnonzero(self.made <= period)
        return int(made[-1]) if len(made) else self.first

    def _known(self, period: int, versions: Sequence[int]) -> History:
        """Return what a policy would have known if it had had these versions answer."""
        known = self.history.before(max(period - self.delay, 0))
        return replace(known, champions=np.array(versions[: known.periods], dtype=np.int64))


def policies(cost: float, alarms: Sequence[bool] | None, *, delay: int) -> Mapping[str, Chooses]:
    """Return the policies that are compared, by name.

    Args:
        cost: of a swap.
        alarms: of each period, whether drift alarmed in it; None where nothing was evaluated.
        delay: after how many periods losses are known.
    """
    named: dict[str, Chooses] = {
        OURS: lambda history, champion, _: decide(history, cost=cost, champion=champion, delay=delay).retrain,
        "accrued regret": lambda history, champion, _: accrued_regret(history, cost=cost, champion=champion),
        "never": lambda _history, _champion, _period: False,
        "every period": lambda _history, _champion, _period: True,
    }
    if alarms is not None:
        named["on drift alarm"] = lambda _history, _champion, period: period > 0 and alarms[period - 1]
    return named


def replayed(
    model: str,
    past: Past,
    names: Sequence[str],
    keys: Sequence[str],
    *,
    cost: float,
    alarms: Sequence[bool] | None,
    unknown: int,
) -> Replayed:
    """Return what each policy would have come to.

    Args:
        model: whose past it is.
        past: at least one period.
        names: of the versions.
        keys: of the periods.
        cost: of a swap, in mean losses times periods.
        alarms: as of ``policies``.
        unknown: how many periods are left out.
    """
    least = best(past.losses, cost=cost, first=past.first)
    named = policies(cost, alarms, delay=past.delay)
    schedules = {name: past.play(chooses, cost=cost) for name, chooses in named.items()}
    ordered = sorted(schedules.items(), key=lambda one: one[1].cost)

    def told(name: str, one: Schedule) -> Played:
        before = (past.first, *one.versions)
        swaps = {
            key: names[version]
            for key, version, last in zip(keys, one.versions, before, strict=False)
            if version != last
        }
        above = one.cost / least.cost - 1 if least.cost > 0 else None
        return Played(policy=name, swaps=swaps, loss=one.loss, cost=one.cost, above=above)

    return Replayed(
        model=model,
        start=keys[0],
        end=keys[-1],
        periods=len(keys),
        unknown=unknown,
        retrain_cost=cost,
        borrowed=past.borrowed,
        policies=(told(BEST, least), *(told(name, one) for name, one in ordered)),
    )

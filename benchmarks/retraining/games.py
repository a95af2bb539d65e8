"""The game: at the beginning of every period a policy says whether to swap, from what is known then and nothing else."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from benchmarks.retraining.oracle import Losses, Outcome, play
from benchmarks.retraining.periods import Flags, Floats
from benchmarks.retraining.tables import Tables


class NotKnownYet(LookupError):
    """A policy asked for what it cannot know at the beginning of the period it decides in."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Game:
    """A stream in one setting, from one start on.

    Attributes:
        tables: how every version does in every period.
        start: the period in which the game begins, with the version made then; earlier versions never were.
    """

    tables: Tables
    start: int

    @cached_property
    def losses(self) -> Losses:
        """Return the losses that the referee counts."""
        return self._of_game(self.tables.losses)

    @cached_property
    def seen_losses(self) -> Losses:
        """Return the losses over rows whose actuals become known."""
        return self._of_game(self.tables.seen_losses)

    @cached_property
    def seen_variances(self) -> Losses:
        """Return the sampling variances of the differences of those from the loss of the period's own version."""
        return self._of_game(self.tables.seen_variances)

    @cached_property
    def disagreements(self) -> Losses:
        """Return the shares of rows that are answered otherwise than by the period's own version."""
        return self._of_game(self.tables.disagreements)

    @property
    def periods(self) -> int:
        """Return how many periods the game has."""
        return len(self.tables.periods) - self.start

    def swaps(self, rule: "Rule", swap_cost: float) -> tuple[int, ...]:
        """Let a policy play; return the periods at whose beginning it swapped."""
        policy = rule.begin()
        swaps: list[int] = []
        for now in range(self.start + 1, len(self.tables.periods)):
            if policy(Seen(self, now=now, swap_cost=swap_cost, swaps=tuple(swaps))):
                swaps.append(now)
        return tuple(swaps)

    def outcome(self, rule: "Rule", swap_cost: float) -> Outcome:
        """Let a policy play; return what that came to."""
        return play(self.losses, self.swaps(rule, swap_cost))

    def _of_game(self, losses: Losses) -> Losses:
        is_later = np.arange(len(losses))[:, None] >= self.start
        return np.where(is_later, losses, np.nan)


class Seen:
    """All that is known at the beginning of a period, before any of its rows.

    Everything that is returned is a copy; whoever asks for more gets ``NotKnownYet``.
    """

    __slots__ = ("_game", "now", "swap_cost", "swaps")

    def __init__(self, game: Game, *, now: int, swap_cost: float, swaps: tuple[int, ...]) -> None:
        self._game: Final = game
        self.now: Final = now
        """The period that begins: its version may be put to use."""
        self.swap_cost: Final = swap_cost
        self.swaps: Final = swaps
        """The periods at whose beginning the policy swapped so far."""

    @property
    def start(self) -> int:
        """Return the period in which the game began, which is the number of the first version too."""
        return self._game.start

    @property
    def champion(self) -> int:
        """Return the version in use, which is the number of the period it was put to use in."""
        return self.swaps[-1] if self.swaps else self.start

    @property
    def used(self) -> NDArray[np.int64]:
        """Return the version that was in use in each period since the start, shape (now - start,)."""
        versions = np.array((self.start, *self.swaps))
        return versions[np.searchsorted(versions, np.arange(self.start, self.now), side="right") - 1]

    @property
    def known_periods(self) -> int:
        """Return of how many periods, from the stream's first on, actuals are known."""
        return self._game.tables.known_periods(self.now)

    @property
    def losses(self) -> Losses:
        """Return the error rate of version s in period t over rows with known actuals, shape (now, now).

        NaN before the version was made, of versions before the start, of periods whose actuals are not known, and of those
        that have none.
        """
        return self._known(self._game.seen_losses)

    @property
    def variances(self) -> Losses:
        """Return the sampling variance of how far each loss is from that of the period's own version, as ``losses``."""
        return self._known(self._game.seen_variances)

    @property
    def disagreements(self) -> Losses:
        """Return the share of the rows of period t that version s answers otherwise than version t, shape (now, now).

        That takes no actuals: NaN only where the version was not made, or came before the start.
        """
        return self._game.disagreements[: self.now, : self.now].copy()

    @property
    def known_rows(self) -> NDArray[np.int64]:
        """Return of how many rows of each period actuals are known, shape (now,)."""
        rows = self._game.tables.seen_rows[: self.now].copy()
        rows[self.known_periods :] = 0
        return rows

    @property
    def categorical(self) -> tuple[int, ...]:
        """Return which features are categories."""
        return self._game.tables.periods.categorical

    def trained_on(self, version: int) -> slice:
        """Return the periods that a version was trained on."""
        self._check(self.start <= version <= self.now)
        return self._game.tables.setting.trained_on(version, self._game.tables.window)

    def inputs(self, period: int) -> Floats:
        """Return the rows of a period, shape (rows, features)."""
        self._check(0 <= period < self.now)
        rows: Floats = self._game.tables.periods.rows[period].copy()
        return rows

    def probabilities(self, version: int, period: int) -> Floats:
        """Return what a version predicts for the rows of a period, shape (rows,)."""
        self._check(self.start <= version <= period < self.now)
        predicted: Floats = self._game.tables.predictions[version, period].astype(np.float32)
        return predicted

    def answers(self, version: int, period: int) -> Flags:
        """Return what a version answers for the rows of a period, shape (rows,)."""
        answers: Flags = self.probabilities(version, period) > 0.5
        return answers

    def known(self, period: int) -> Flags:
        """Return of which rows of a period actuals are known, shape (rows,)."""
        self._check(0 <= period < self.known_periods)
        known: Flags = self._game.tables.known[period].copy()
        return known

    def actuals(self, period: int) -> Flags:
        """Return the actuals of the rows of which they are known, in their order."""
        actuals: Flags = self._game.tables.periods.actuals[period][self.known(period)]
        return actuals

    def errors(self, version: int, period: int) -> Flags:
        """Return whether a version is wrong at the rows whose actuals are known, in their order."""
        errors: Flags = self.answers(version, period)[self.known(period)] != self.actuals(period)
        return errors

    def _known(self, figures: Losses) -> Losses:
        known = figures[: self.now, : self.now].copy()
        known[:, self.known_periods :] = np.nan
        return known

    def _check(self, is_known: bool) -> None:  # noqa: FBT001 - a guard, with nothing else to be told
        if not is_known:
            raise NotKnownYet(f"at the beginning of period {self.now}")


Policy: TypeAlias = Callable[[Seen], bool]
"""Says whether to put the newest version to use. It is asked once a period, in order, and may keep what it saw."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A way to decide when to retrain, as it is printed and compared.

    Attributes:
        name: what figures are printed under.
        begin: returns a policy that has seen nothing; called once a game.
        challengers: for which share of the periods it has a version trained besides those that it puts to use.
        heeds_cost: whether its decisions depend on what a swap costs.
    """

    name: str
    begin: Callable[[], Policy]
    challengers: float = 0.0
    heeds_cost: bool = False

    @classmethod
    def of(cls, name: str, policy: Policy, *, challengers: float = 0.0, heeds_cost: bool = False) -> "Rule":
        """Return a rule whose policy keeps nothing."""
        return cls(name=name, begin=lambda: policy, challengers=challengers, heeds_cost=heeds_cost)

"""What every policy costs above the oracle, in every game of a stream in one setting."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.retraining.games import Game, Rule
from benchmarks.retraining.oracle import COSTS, Outcome, oracle
from benchmarks.retraining.policies.schedules import HINDSIGHT, best_in_hindsight
from benchmarks.retraining.streams import Stream
from benchmarks.retraining.tables import Tables

STARTS: Final = (0, 10, 20, 30)
"""Periods after the first version in which a game begins: one start alone is luck. The first is the one that counts."""

Figures = NDArray[np.float64]
"""One for each start and cost, shape (starts, costs)."""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Score:
    """One policy on one stream in one setting.

    Attributes:
        stream: what arrives.
        setting: the name of the setting.
        policy: the name of the policy.
        above: per cent above the oracle.
        retrains: per 100 periods.
        training: what its challengers would cost, if each cost as much as a swap, in per cent of the oracle's cost.
    """

    stream: Stream
    setting: str
    policy: str
    above: Figures
    retrains: Figures
    training: Figures

    def with_training(self, share: float) -> float:
        """Return the mean over costs from the first start, each challenger costing this share of a swap."""
        return float((self.above + share * self.training)[0].mean())


def scores(stream: Stream, tables: Tables, rules: Iterable[Rule]) -> list[Score]:
    """Let every policy play from every start at every cost; the best period in hindsight comes last."""
    games = [Game(tables=tables, start=tables.first + start) for start in STARTS]
    best = [[oracle(game.losses, cost) for cost in COSTS] for game in games]

    def score(policy: str, played: list[list[Outcome]], challengers: float) -> Score:
        costs, periods = np.array(COSTS), np.array([[game.periods] for game in games])
        least = np.array([[one.cost(cost) for one, cost in zip(row, COSTS, strict=True)] for row in best])
        paid = np.array([[one.cost(cost) for one, cost in zip(row, COSTS, strict=True)] for row in played])
        swaps = np.array([[len(one.swaps) for one in row] for row in played])
        return Score(
            stream=stream,
            setting=tables.setting.name,
            policy=policy,
            above=100 * (paid - least) / least,
            retrains=100 * swaps / periods,
            # One is trained at the beginning of every period but the first, whose version is free.
            training=100 * costs * challengers * (periods - 1) / least,
        )

    scored = [score(rule.name, [_played(game, rule) for game in games], rule.challengers) for rule in rules]
    hindsight = [[best_in_hindsight(game, cost) for cost in COSTS] for game in games]
    return [*scored, score(HINDSIGHT, hindsight, 0.0)]


def _played(game: Game, rule: Rule) -> list[Outcome]:
    """Return what comes of a policy at every cost."""
    if rule.heeds_cost:
        return [game.outcome(rule, cost) for cost in COSTS]
    return [game.outcome(rule, 0.0)] * len(COSTS)

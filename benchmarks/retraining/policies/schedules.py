"""By the calendar: never, always, every so many periods, and the best of these that could have been chosen."""

from typing import Final

from benchmarks.retraining.games import Game, Rule, Seen
from benchmarks.retraining.oracle import Outcome, play

NEVER: Final = Rule.of("never", lambda _seen: False)
ALWAYS: Final = Rule.of("always", lambda _seen: True)


def every(periods: int) -> Rule:
    """Return the rule that swaps every so many periods, counted from the start."""

    def is_time(seen: Seen) -> bool:
        return (seen.now - seen.start) % periods == 0

    return Rule.of(f"every {periods}", is_time)


FIXED: Final = (ALWAYS, *(every(periods) for periods in (2, 5, 10, 20, 40)))

HINDSIGHT: Final = "best period in hindsight"


def best_in_hindsight(game: Game, swap_cost: float) -> Outcome:
    """Return what comes of the fixed period, or of never swapping, that turns out cheapest: no policy can know it."""
    start, end = game.start, len(game.losses)
    schedules = [range(start + periods, end, periods) for periods in range(1, game.periods + 1)]
    return min((play(game.losses, swaps) for swaps in schedules), key=lambda outcome: outcome.cost(swap_cost))

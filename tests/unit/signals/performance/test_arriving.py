"""Actuals as a signal: fewer of them, or later."""

from dataclasses import dataclass

import numpy as np
import pytest
from scipy import stats

from shared.signals.judgement import Judgement, Signal, Verdict
from shared.signals.judging import JudgingRules
from shared.signals.performance.arriving import Arrivals, coverage, judge_actuals

DAILY = JudgingRules(looks_per_month=30)
MANY_ALARMS = JudgingRules(false_alarms_per_month=20.0, looks_per_month=30)


@dataclass(frozen=True)
class World:
    """Of so many predictions the actual comes in time, of half of these soon; on the last day of other shares."""

    came: float = 0.7
    soon: float = 0.5
    came_now: float = 0.7
    soon_now: float = 0.5
    stray: float = 0.0
    days: int = 15

    def look(self, rng: np.random.Generator, rules: JudgingRules = DAILY) -> Judgement:
        days = rng.normal(0.0, self.stray, self.days + 1)
        hours = [
            self._hour(rng, self.came + days[day], self.soon + days[day]) for day in range(self.days) for _ in range(24)
        ]
        now = [self._hour(rng, self.came_now + days[-1], self.soon_now + days[-1]) for _ in range(24)]
        return judge_actuals(hours, now, window_hours=24, rules=rules)

    @staticmethod
    def _hour(rng: np.random.Generator, came: float, soon: float) -> Arrivals:
        predictions = int(rng.poisson(50))
        known = int(rng.binomial(predictions, came))
        return Arrivals(predictions=predictions, came=known, soon=int(rng.binomial(known, soon)))


def breaches(judgement: Judgement) -> list[str]:
    return [one.metric for one in judgement.measurements if one.verdict is Verdict.BREACH]


@pytest.mark.parametrize("days", [2, 15])
@pytest.mark.parametrize("stray", [0.0, 0.02])
def test_quiet_stays_quiet_within_its_share_of_the_budget(days: int, stray: float) -> None:
    """Without the floor, which would hide it: of all comparisons none is sure more often than it may be."""
    rng = np.random.default_rng(3)
    level = MANY_ALARMS.level(Signal.ACTUALS, comparisons=2)
    looks = [World(days=days, stray=stray).look(rng, MANY_ALARMS) for _ in range(200)]

    sure = sum(one.p_value is not None and one.p_value < level for look in looks for one in look.measurements)

    assert stats.binom.sf(sure - 1, 400, level) > 1e-3


@pytest.mark.parametrize(
    ("world", "found"),
    [
        (World(), []),
        (World(came_now=0.5), ["fewer"]),
        (World(soon_now=0.3), ["later"]),
        (World(came_now=0.68), []),
        (World(came_now=0.9, soon_now=0.7), []),
    ],
    ids=["as ever", "fewer", "later", "hardly fewer", "more, and sooner"],
)
def test_fewer_and_later_alarm_and_more_and_sooner_do_not(world: World, found: list[str]) -> None:
    assert breaches(world.look(np.random.default_rng(4))) == found


def test_all_of_them_may_come_and_then_some_do_not() -> None:
    """Where nothing ever varied no error can be told, and it is not certainty."""
    past = [Arrivals(predictions=50, came=50, soon=25)] * 240

    def look(came: int) -> Judgement:
        return judge_actuals(
            past, [Arrivals(predictions=50, came=came, soon=came // 2)] * 24, window_hours=24, rules=DAILY
        )

    assert look(50).verdict is Verdict.OK
    assert breaches(look(30)) == ["fewer"]


def test_no_predictions_are_unknown() -> None:
    found = judge_actuals([], [], window_hours=24, rules=DAILY)

    assert found.verdict is Verdict.UNKNOWN
    assert coverage([]) is None
